//! Shows what is wrong with a configuration, to people or to programs.

use std::io;

use crate::base::report;
use crate::base::report::Counts;
use crate::cli::terminal;
use crate::config::Config;

/// For whom complaints are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// For people, on standard error.
    #[default]
    Text,
    /// One JSON object a line, on standard output; the last one counts them.
    Json,
}

impl Format {
    /// What `--json` asks for.
    pub(super) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Shows all complaints about `config`, and counts them.
#[expect(clippy::print_stderr, reason = "complaints about a configuration belong there")]
pub(super) fn print(config: &Config, format: Format) -> Counts {
    let Config { diagnostics, sources, .. } = config;
    match format {
        Format::Text => {
            let color = terminal::has_colors(&io::stderr());
            eprint!("{}", report::render(diagnostics, sources, color));
        }
        Format::Json => terminal::write(&report::json(diagnostics, sources)),
    }
    Counts::of(diagnostics)
}
