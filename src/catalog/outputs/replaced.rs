//! What is left: outputs that were replaced, and helpers of rsyslog's own tests.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Output;

pub(in crate::catalog) static MODULES: &[Module] = &[
    absent(
        "omruleset",
        Output,
        "Passes messages to a ruleset ($ActionOmrulesetRulesetName).",
        "the statement: call name",
    ),
    absent(
        "omhdfs",
        Output,
        "Writes to Hadoop's file system ($OMHDFS… directives).",
        "omfile on a mounted HDFS, or a collector that writes to it",
    ),
    absent("omtcl", Output, "Calls a Tcl procedure.", "omprog with tclsh"),
    absent("omtesting", Output, "Fails on purpose, for rsyslog's own tests.", "omstdout"),
    absent(
        "omsendertrack",
        Output,
        "Keeps a file of when each sender was last seen.",
        "the summary at the end, which names the senders",
    ),
];
