//! docs/reference.md: all tables, as a document.

use std::fmt::Write as _;

use crate::cli::help::remarks;
use crate::cli::help::statements::STATEMENTS;
use crate::cli::help::statements::Statement;
use crate::cli::help::support;
use crate::config::directives;
use crate::config::directives::Directive;
use crate::config::directives::Meaning;
use crate::config::directives::Parameter;
use crate::config::module::Availability;
use crate::config::param::Spec;
use crate::engine::reference;
use crate::engine::reference::Section;
use crate::engine::reference::Subject;
use crate::rules::functions::FUNCTIONS;

const HEAD: &str = "\
# Reference

Every module, object, parameter, statement, `$Directive` and function that a configuration can name,
and what Bongsu does with it. The same is there as `bongsu help`.

Made by `bongsu help --markdown > docs/reference.md` from the tables in the source. Do not change
it by hand.

Names and defaults are rsyslog's, and names have no case. A parameter without a remark does what
rsyslog's documentation says. The remarks:

- **No effect**: accepted, with a note that says what Bongsu does instead.
- **Not built yet**: checked, with a warning; what needs it is left out of what runs.
- **Refused**: an error, which says what to write.
";

/// The whole document.
pub(super) fn reference() -> String {
    let mut out = HEAD.to_owned();
    contents(&mut out);
    let mut group = "";
    for subject in reference::subjects() {
        if subject.group() != group {
            group = subject.group();
            _ = write!(out, "\n## {group}\n");
        }
        write_subject(subject, &mut out);
    }
    write_statements(&mut out);
    write_functions(&mut out);
    write_directives(&mut out);
    out
}

fn contents(out: &mut String) {
    let mut group = "";
    for subject in reference::subjects() {
        let separator = if subject.group() == group { "," } else { "\n-" };
        if subject.group() != group {
            group = subject.group();
            _ = write!(out, "{separator} **{group}**:");
        } else {
            out.push_str(separator);
        }
        let name = subject.name();
        _ = write!(out, " [{name}](#{name})");
    }
    out.push_str(
        "\n- [Statements](#statements), [Functions](#functions), [$Directives](#directives)\n",
    );
}

fn write_subject(subject: Subject, out: &mut String) {
    _ = write!(out, "\n### {}\n\n{}", subject.name(), cell(subject.doc()));
    if let Subject::Module(module) = subject {
        match module.availability {
            Availability::Ready => {}
            Availability::Later(meanwhile) => {
                _ = write!(out, " **Not built yet**: {}.", cell(meanwhile));
            }
            Availability::Absent(instead) => {
                _ = write!(out, " **Not in Bongsu**: use {}.", cell(instead));
            }
        }
    }
    _ = writeln!(out, " (rsyslog: {})", subject.page());
    for Section { heading, specs, also } in subject.sections() {
        _ = write!(out, "\n`{heading}`");
        if !also.is_empty() {
            let links: Vec<_> = also.iter().map(|name| format!("[{name}](#{name})")).collect();
            _ = write!(out, ", with what {} has", links.join(" and "));
        }
        out.push('\n');
        if specs.is_empty() {
            continue;
        }
        out.push_str("\n| parameter | value | default | what it does |\n|---|---|---|---|\n");
        for spec in specs {
            write_row(spec, out);
        }
    }
}

fn write_row(spec: &Spec, out: &mut String) {
    let Spec { name, default, doc, .. } = *spec;
    let value = cell(&spec.kind.label());
    let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
    let mut text = cell(doc);
    for remark in remarks(spec) {
        _ = write!(text, " {}", cell(&remark));
    }
    if let Some((label, why)) = support(spec.support) {
        _ = write!(text, " **{label}**: {}.", cell(why));
    }
    _ = writeln!(out, "| `{name}` | {value} | {default} | {} |", text.trim_start());
}

fn write_statements(out: &mut String) {
    out.push_str("\n## Statements\n\n| statement | what it does |\n|---|---|\n");
    for Statement { usage, doc, .. } in STATEMENTS {
        _ = writeln!(out, "| `{usage}` | {} |", cell(doc));
    }
}

fn write_functions(out: &mut String) {
    out.push_str("\n## Functions\n\n| function | what it does |\n|---|---|\n");
    for function in FUNCTIONS {
        let mut text = cell(function.doc);
        if !function.module.is_empty() {
            _ = write!(text, " Needs `module(load=\"{}\")`.", function.module);
        }
        if !function.built {
            text.push_str(" **Not built yet**.");
        }
        _ = writeln!(out, "| `{}` | {} |", function.usage(), text.trim_start());
    }
}

fn write_directives(out: &mut String) {
    out.push_str("\n## Directives\n\n| directive | takes | in the object form |\n|---|---|---|\n");
    for Directive { name, takes, meaning, .. } in directives::all() {
        let text = match meaning {
            Meaning::Parameter(Parameter { written, scope: "", .. }) => format!("`{written}`"),
            Meaning::Parameter(Parameter { written, scope, .. }) => {
                format!("`{written}` {scope}")
            }
            Meaning::Form(form) if form.contains('(') => format!("`{form}`"),
            Meaning::Form(form) => form.to_owned(),
            Meaning::Ignored(instead) => format!("**No effect**: {}.", cell(instead)),
            Meaning::Refused(instead) => format!("**Refused**: {}.", cell(instead)),
        };
        _ = writeln!(out, "| `${name}` | {takes} | {text} |");
    }
}

/// Text that means itself in a table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('*', "\\*").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_cells() {
        let document = reference();
        let rows: Vec<_> = document.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.len() > 400, "{}", rows.len());
        for row in rows {
            let bars = row.replace("\\|", "").matches('|').count();
            assert!((3..=5).contains(&bars), "{row}");
        }
        for subject in reference::subjects() {
            assert!(document.contains(&format!("\n### {}\n", subject.name())));
        }
    }
}
