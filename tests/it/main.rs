//! The one integration binary: what the built `bongsu` does, and what the source may look like.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests wait for other processes, take the time themselves and print what failed"
)]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on panics")]

mod alloc;
mod alloc_rules;
mod backlog;
mod bounds;
mod broken;
mod ceelog;
mod cli;
mod containers;
mod convert;
mod corpus;
mod delivery;
mod explain;
mod faults;
mod files;
mod floors;
mod frame;
mod generate;
mod handover;
mod headerless;
mod help;
mod journal;
mod kmsg;
mod lines;
mod lint;
mod local;
mod oracle;
mod packaging;
mod params;
mod parse;
mod parsers;
mod plura;
mod poison;
mod posix;
mod programs;
mod queues;
mod reconfigure;
mod reload;
mod relp;
mod repeats;
mod reports;
mod runaway;
mod scripts;
mod service;
mod support;
mod tables;
mod tagging;
mod tail;
mod tidy;
mod yaml;
