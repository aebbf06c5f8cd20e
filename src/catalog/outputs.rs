//! Outputs.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Output;

const LEFT_OUT: &str = "the action is left out meanwhile";

pub(super) static MODULES: &[Module] = &[
    later("omusrmsg", Output, "Writes to users' terminals.", LEFT_OUT),
    later("ompipe", Output, "Writes to a named pipe.", LEFT_OUT),
    later("omprog", Output, "Writes to a program's standard input.", LEFT_OUT),
    later("omrelp", Output, "Forwards syslog over RELP.", LEFT_OUT),
    absent(
        "omelasticsearch",
        Output,
        "Writes to Elasticsearch.",
        "omprog with a program that does",
    ),
];
