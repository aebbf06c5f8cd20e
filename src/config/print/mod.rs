//! A syntax tree as text: the same configuration in RainerScript or in YAML.
//!
//! What is printed is read again before it is given out: a statement that would not come back as
//! it was is an error, never a silent change.

mod expr;
mod flat;
mod grouped;
mod modern;
mod places;
mod rainerscript;
#[cfg(test)]
mod random;
mod scalar;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod yaml;

pub use flat::flatten;
pub use modern::modern;
pub use places::without_places;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::ast::Block;
use crate::config::ast::Stmt;
use crate::config::load::Loader;

/// Stands at the top of both forms. It names nothing that differs from one run to the next.
const HEADER: &str = "\
# All files of a configuration in one, written by bongsu convert. Comments are not in it.
";

/// `statements` as RainerScript.
///
/// # Errors
/// One complaint for each thing that has no such form.
pub fn rainerscript(statements: &Block) -> Result<Vec<u8>, Diagnostics> {
    let text = bare(statements)?;
    Ok([HEADER.as_bytes(), b"\n", &text].concat())
}

/// The same without what stands at the top.
fn bare(statements: &Block) -> Result<Vec<u8>, Diagnostics> {
    let mut diags = Diagnostics::default();
    let statements = modern(statements.clone(), &mut diags);
    let text = rainerscript::print(&statements, &mut diags);
    if diags.all.is_empty() {
        for statement in &statements {
            verify(statement, &mut diags);
        }
    }
    if diags.has_errors() { Err(diags) } else { Ok(text) }
}

/// `statements` as YAML.
///
/// # Errors
/// One complaint for each thing that has no such form.
pub fn yaml(statements: &Block) -> Result<Vec<u8>, Diagnostics> {
    let mut diags = Diagnostics::default();
    let statements = modern(statements.clone(), &mut diags);
    let text = [HEADER, &yaml::print(&statements, &mut diags)].concat().into_bytes();
    if diags.all.is_empty() {
        let read = modern(read("converted.yaml", &text), &mut diags);
        if let Some(loc) = grouped::difference(&statements, read) {
            let message = "this cannot be written in YAML so that it means the same";
            diags.push(Diagnostic::error(loc, message));
        }
    }
    if diags.has_errors() { Err(diags) } else { Ok(text) }
}

/// What a text says that includes nothing.
fn read(name: &str, text: &[u8]) -> Block {
    let mut loader = Loader::sealed();
    loader.text(name, text, true, 0, &mut Block::new());
    loader.finish().statements
}

/// Reads one printed statement again.
fn verify(statement: &Stmt, diags: &mut Diagnostics) {
    let block = vec![statement.clone()];
    let text = rainerscript::print(&block, diags);
    let read = modern(read("converted.conf", &text), diags);
    if without_places(read) != without_places(block) {
        let message = "this cannot be written in RainerScript so that it means the same";
        diags.push(Diagnostic::error(statement.loc, message));
    }
}
