//! Floor 3: rsyslog.conf text, or YAML, to one syntax tree with places, and typed parameter tables.
//! Knows no module.
//!
//! [`load`] reads a file and all that it includes. Mistakes do not end it: what parses stays, and
//! all complaints of one run are in [`Config::diagnostics`].

pub mod ast;
mod braces;
pub mod command;
mod expr;
mod foreign;
mod kind;
mod legacy;
mod lex;
mod literal;
mod load;
pub mod manual;
pub mod module;
mod object;
pub mod owner;
pub mod param;
mod parse;
pub mod print;
mod scan;
#[cfg(test)]
mod tests;
mod text;
pub mod wording;
mod yaml;

pub use legacy::selector;
pub use legacy::view as directives;
pub use load::INCLUDE_PARAMS;
pub use load::Inclusion;

use std::io;
use std::path::Path;

use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::SourceMap;

/// A configuration as it was read: all files, every statement in order, all complaints.
#[derive(Debug, Default)]
pub struct Config {
    pub sources: SourceMap,
    pub statements: ast::Block,
    pub diagnostics: Diagnostics,
    /// `$Directives` that no action took.
    pub unbound: Vec<Unbound>,
    /// What was read in place of each include, in the order of reading.
    pub inclusions: Vec<Inclusion>,
    /// Values in backticks: they came from the environment or from files.
    pub expanded: Vec<Loc>,
    /// Objects that lack something that could not be read. It was complained of; what follows from
    /// that is no news.
    pub flawed: Vec<Loc>,
}

/// A `$Directive` for the next legacy action, which came too late or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbound {
    /// Its name.
    pub directive: Loc,
    /// The `action()` in front of which it stands, and which does not read it.
    pub spent: Option<Loc>,
}

/// Reads the file at `path` and what it includes.
///
/// # Errors
/// The file itself cannot be read. An included one that cannot is a diagnostic.
pub fn load(path: &Path) -> io::Result<Config> {
    let mut loader = load::Loader::default();
    loader.main_file(path)?;
    Ok(loader.finish())
}

/// Reads `text`, which is called `name` in complaints, and what it includes. As with files, a name
/// that ends in `.yaml` or `.yml` makes it YAML.
#[must_use]
pub fn parse_text(name: &str, text: &[u8]) -> Config {
    let mut loader = load::Loader::default();
    loader.text(name, text, true, 0, &mut ast::Block::new());
    loader.finish()
}

/// Reads `text` without touching files or the environment: includes bring nothing.
#[must_use]
pub fn parse_sealed(name: &str, text: &[u8]) -> Config {
    let mut loader = load::Loader::sealed();
    loader.text(name, text, true, 0, &mut ast::Block::new());
    loader.finish()
}

/// Reads YAML that is no configuration, a policy that an object names: as JSON, all of whose values
/// are texts.
///
/// # Errors
/// What is wrong with it.
pub fn yaml_data(text: &[u8]) -> Result<serde_json::Value, String> {
    yaml::data(text)
}
