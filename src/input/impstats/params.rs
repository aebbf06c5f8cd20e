//! What impstats can be told. (rsyslog `impstats`.)

use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Token;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

pub(super) static PARAMS: &[Spec] = &[
    Spec::new("interval", Duration("seconds"), "300", "Time between two reports."),
    Spec::new("facility", Int, "5", "Facility of the reports, by number."),
    Spec::new("severity", Int, "6", "Severity of the reports, by number."),
    Spec::new("bracketing", Bool, "off", "Frames each report by messages BEGIN and END."),
    Spec::new("log.syslog", Bool, "on", "Sends the reports through the rules."),
    Spec::new("resetCounters", Bool, "off", "Counts from 0 after each report."),
    Spec::new("log.file", Token, "", "File to write the reports to."),
    Spec::new("log.file.overwrite", Bool, "off", "Replaces that file with each report.")
        .since("8.2602"),
    Spec::new(
        "format",
        Word(&["legacy", "json", "json-elasticsearch", "cee", "prometheus", "zabbix"]),
        "legacy",
        "How the reports are written; rsyslog 8.2302 has no prometheus and no zabbix.",
    ),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the reports."),
];

const PULLED: &str = "counters are not pushed; let the collector ask for them";

/// Prometheus remote write: not built, and the reports are made all the same.
pub(super) static PUSH_PARAMS: &[Spec] = &[
    Spec::new("push.url", Token, "", "Remote-write endpoint to push to.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.labels", Array, "", "Labels that each series gets.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.timeout.ms", Int, "5000", "How long a push may take, in milliseconds.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.label.instance", Bool, "on", "Labels series with the host.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.label.origin", Bool, "off", "Labels series with the counter's module.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.label.name", Bool, "off", "Labels series with the counter's object.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.label.job", Token, "rsyslog", "Labels series with this job.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.tls.caFile", Token, "", "Certificates of authorities.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.tls.certFile", Token, "", "Own certificate.").since("8.2602").meanwhile(PULLED),
    Spec::new("push.tls.keyFile", Token, "", "Its private key.").since("8.2602").meanwhile(PULLED),
    Spec::new("push.tls.insecureSkipVerify", Bool, "off", "Takes any certificate.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.batch.maxBytes", Int, "0", "Bytes that one push carries; 0: no limit.")
        .since("8.2602")
        .meanwhile(PULLED),
    Spec::new("push.batch.maxSeries", Int, "0", "Series that one push carries; 0: no limit.")
        .since("8.2602")
        .meanwhile(PULLED),
];
