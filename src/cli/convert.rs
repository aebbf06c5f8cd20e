//! `bongsu convert`, and `-o`: a configuration of many files and forms as one text.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::ValueEnum;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::cli::check;
use crate::cli::complaints;
use crate::cli::complaints::Format;
use crate::config::Config;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::print;
use crate::template::Template;

/// Stands for standard output, as in rsyslogd.
const STDOUT: &str = "-";

#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    /// Configuration file; without it the embedded default is converted.
    #[arg(short = 'f', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The form to write.
    #[arg(long, value_name = "FORM")]
    pub to: Form,
    /// File to write; standard output without it.
    #[arg(short = 'o', value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Go on in spite of errors: what cannot be read is left out.
    #[arg(long)]
    pub force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Yaml,
    #[value(name = "rainerscript")]
    RainerScript,
}

/// Converts: exit status 0, or 1 and no output if the result would not mean the same.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
pub(super) fn run(args: &ConvertArgs) -> ExitCode {
    let path = args.config.as_deref();
    let Ok(mut config) = check::read_or_embedded(path, "bongsu", Format::Text) else {
        return ExitCode::FAILURE;
    };
    warn_of_lost_sources(&mut config);
    cut_templates(&config.statements, &mut config.diagnostics);
    let stopped = config.diagnostics.has_errors() && !args.force;
    let printed = match args.to {
        Form::Yaml => print::yaml(&config.statements),
        Form::RainerScript => print::rainerscript(&config.statements),
    };
    let text = printed.map_err(|diags| config.diagnostics.all.extend(diags.all)).ok();
    complaints::print(&config, Format::Text);
    if stopped {
        eprintln!("bongsu: nothing is written because of the errors; --force leaves out what");
        eprintln!("bongsu: could not be read, and converts the rest");
        return ExitCode::FAILURE;
    }
    let Some(text) = text else {
        eprintln!("bongsu: nothing is written: a part has no such form");
        return ExitCode::FAILURE;
    };
    let output = args.output.as_deref().unwrap_or_else(|| Path::new(STDOUT));
    match write(output, &text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bongsu: error: cannot write '{}': {error}", output.display());
            ExitCode::FAILURE
        }
    }
}

/// `-o FILE`: all files of the configuration in one, as they are. Whether that was done; if not,
/// why is added to the complaints, or said.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
pub(super) fn full_config(config: &mut Config, output: &Path, program: &str) -> bool {
    let text = match print::flatten(config) {
        Ok(text) => text,
        Err(diags) => {
            config.diagnostics.all.extend(diags.all);
            return false;
        }
    };
    let written = write(output, &text);
    if let Err(error) = &written {
        eprintln!("{program}: error: cannot write '{}': {error}", output.display());
    }
    written.is_ok()
}

fn write(output: &Path, text: &[u8]) -> io::Result<()> {
    if output.as_os_str() == STDOUT {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text)?;
        return stdout.flush();
    }
    fs::write(output, text)
}

/// What stood in backticks is text now, and will not change with the environment.
fn warn_of_lost_sources(config: &mut Config) {
    for loc in std::mem::take(&mut config.expanded) {
        let text = "the value that this has now is written";
        let help = "it no longer follows the environment, or the file: edit it if it has to";
        config.diagnostics.push(Diagnostic::warning(loc, text).help(help));
    }
}

/// Of a `$template` with a mistake rsyslog uses what stands before it; a `template()` with one is
/// not made at all.
fn cut_templates(statements: &Block, diags: &mut Diagnostics) {
    let legacy = statements.iter().filter_map(|statement| match &statement.kind {
        StmtKind::Object(object) if object.kind == ObjectKind::Template && object.legacy => {
            Some(object)
        }
        _ => None,
    });
    for object in legacy {
        let compiles = |object: &Object| {
            let mut found = Diagnostics::default();
            Template::compile(object, &mut found).is_some()
        };
        let modern = Object { legacy: false, ..object.clone() };
        if compiles(object) && !compiles(&modern) {
            let text = "rsyslog uses this template up to the mistake in it, and a template() not \
                        at all";
            let help = "mend it, or remove it, before it is converted; -N1 names the mistake";
            diags.push(Diagnostic::error(object.loc, text).help(help));
        }
    }
}
