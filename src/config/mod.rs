//! Floor 3: rsyslog.conf text to one syntax tree with places, and typed parameter tables.
//! Knows no module.

pub mod ast;
pub mod param;

use crate::base::diag::Diagnostics;
use crate::base::diag::SourceMap;

/// A configuration as it was read: all files, every statement in order, all complaints.
#[derive(Debug, Default)]
pub struct Config {
    pub sources: SourceMap,
    pub statements: ast::Block,
    pub diagnostics: Diagnostics,
}
