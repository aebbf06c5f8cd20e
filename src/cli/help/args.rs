//! The arguments of `bongsu help`.

use clap::Args;

#[derive(Clone, Debug, Args)]
pub struct HelpArgs {
    /// A module, object, parameter (imtcp.port), $Directive, function or subcommand.
    #[arg(value_name = "NAME")]
    pub words: Vec<String>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the whole reference: docs/reference.md.
    #[arg(long, conflicts_with_all = ["words", "json"])]
    pub markdown: bool,
}
