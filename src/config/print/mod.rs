//! A syntax tree as text: the same configuration in RainerScript or in YAML.
//!
//! What is printed is read again before it is given out: a statement that would not come back as
//! it was is an error, never a silent change.

mod defaults;
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
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::config::Config;
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
        let read = read("converted.yaml", &text);
        let again = modern(read.statements, &mut diags);
        if let Some(loc) = grouped::difference(&statements, again) {
            diags.push(unlike("YAML", loc, &read.diagnostics));
        }
    }
    if diags.has_errors() { Err(diags) } else { Ok(text) }
}

/// What a text says that includes nothing.
fn read(name: &str, text: &[u8]) -> Config {
    let mut loader = Loader::sealed();
    loader.text(name, text, true, 0, &mut Block::new());
    loader.finish()
}

/// The complaint about what came back as something else; `said` when it was read.
fn unlike(form: &str, loc: Loc, said: &Diagnostics) -> Diagnostic {
    let message = format!("this cannot be written in {form} so that it means the same");
    let diagnostic = Diagnostic::error(loc, message);
    match said.all.iter().find(|d| d.severity == Severity::Error) {
        Some(first) => diagnostic.help(format!("written, it is an error: {}", first.message)),
        None => diagnostic,
    }
}

/// Reads one printed statement again.
fn verify(statement: &Stmt, diags: &mut Diagnostics) {
    let block = vec![statement.clone()];
    let text = rainerscript::print(&block, diags);
    let read = read("converted.conf", &text);
    let again = modern(read.statements, diags);
    if without_places(again) != without_places(block) {
        diags.push(unlike("RainerScript", statement.loc, &read.diagnostics));
    }
}
