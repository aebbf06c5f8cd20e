//! `imjournal`: what systemd's journal holds, as messages with the entries' fields in `$!`.
//!
//! The journal is read by its own tool: `journalctl --output=export --follow`, whose output format
//! is documented and stable. It knows of rotated, damaged and compressed files whatever systemd's
//! version, and costs about 5 µs of CPU for an entry.
//!
//! | file | what it does |
//! |---|---|
//! | `child` | journalctl as a child process |
//! | `export` | its output to entries |
//! | `entry` | an entry to a message |
//! | `position` | the state file, moved on by acknowledgements |
//! | `reader` | the task |

mod child;
mod entry;
mod export;
mod position;
mod reader;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Likely;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::config::selector;
use crate::input::RateSettings;
use crate::input::journal::entry::Rules;
use crate::input::journal::entry::UsePid;
use crate::input::journal::position::StateFile;
use crate::input::journal::reader::JournalReader;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalModule;
use crate::input::local::Reader;
use crate::input::local::Surroundings;
use crate::message::Pri;

pub const NAME: &str = "imjournal";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads the systemd journal.",
    availability: Availability::Ready,
    module: &[PARAMS],
    instance: &[INPUT],
};

/// What stands in [`LOCAL`](crate::input::LOCAL).
pub static LOCAL: LocalModule = LocalModule { module: &MODULE, loaded, instance };

static PARAMS: &[Spec] = &[
    Spec::new("stateFile", Token, "", "File that keeps the journal's position."),
    Spec::new("fileCreateMode", Mode, "0644", "Mode of that file.").since("8.2306"),
    Spec::new(
        "rateLimit.interval",
        Int,
        "600",
        "Seconds of a rate-limiting interval; 0: no limit.",
    ),
    Spec::new("rateLimit.burst", Int, "20000", "Messages that pass in one interval."),
    Spec::new("persistStateInterval", Int, "10", "Messages between two writes of the position."),
    Spec::new(
        "ignorePreviousMessages",
        Bool,
        "off",
        "Begins at the journal's end where no position is known.",
    ),
    Spec::new(
        "ignoreNonValidStatefile",
        Bool,
        "on",
        "Reads the journal anew if its state file is damaged.",
    ),
    Spec::new("defaultSeverity", Severity, "notice", "Severity of entries that have none."),
    Spec::new("defaultFacility", Facility, "user", "Facility of entries that have none."),
    Spec::new("usePidFromSystem", Bool, "off", "Takes the process id from the kernel (_PID)."),
    Spec::new(
        "usePid",
        Likely(&["both", "syslog", "system"]),
        "both",
        "Where the process id comes from: SYSLOG_PID, _PID, or the first that is there.",
    ),
    Spec::new("workAroundJournalBug", Bool, "on", "Without effect since rsyslog 8.1910.")
        .ignored("the journal's position is kept in any case"),
    Spec::new("fsync", Bool, "off", "Syncs the state file to the disk."),
    Spec::new("remote", Bool, "off", "Reads journals that came from other machines as well."),
    Spec::new("defaultTag", Str, "journal", "Tag of entries that name no program.").since("8.2312"),
];

static INPUT: &[Spec] = &[
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages.")
        .since("8.2312"),
    Spec::new("main", Bool, "off", "Runs the ruleset on the reading thread.")
        .since("8.2312")
        .ignored("it always runs there"),
];

/// Entries between two writes of the position, and the tag of those that name no program.
const PERSIST_DEFAULT: u64 = 10;
const TAG_DEFAULT: &str = "journal";
/// The rate limit of those who set none.
const RATE_INTERVAL_S_DEFAULT: usize = 600;
const RATE_BURST_DEFAULT: usize = 20_000;

/// `module(load="imjournal" …)`
#[derive(Clone, Debug)]
struct JournalSpec {
    rules: Rules,
    /// Journals that came from other machines as well.
    remote: bool,
    state: Option<StateFile>,
    /// Where nothing is known, from the end on.
    from_end: bool,
    /// A damaged state file counts as none.
    lenient: bool,
    rate: RateSettings,
}

fn loaded(params: &Params, around: &Surroundings, diags: &mut Diagnostics) -> Vec<Arc<dyn Local>> {
    if around.inputs.iter().any(|kind| kind.eq_ignore_ascii_case(NAME)) {
        return Vec::new();
    }
    compile(params, around, diags).into_iter().collect()
}

fn instance(
    module: &Params,
    _: &Params,
    around: &Surroundings,
    diags: &mut Diagnostics,
) -> Option<Arc<dyn Local>> {
    compile(module, around, diags)
}

fn compile(
    params: &Params,
    around: &Surroundings,
    diags: &mut Diagnostics,
) -> Option<Arc<dyn Local>> {
    let on = |name: &str, default| params.bool(name).unwrap_or(default);
    let bytes = |name| params.bytes(name).map(|text| &text[..]);
    let (facility, severity) = (Pri::DEFAULT.facility(), Pri::DEFAULT.severity());
    let pid = match params.str("usePid") {
        _ if on("usePidFromSystem", false) => UsePid::System,
        Some("syslog") => UsePid::Syslog,
        Some("system") => UsePid::System,
        _ => UsePid::Both,
    };
    let rules = Rules {
        facility: bytes("defaultFacility").and_then(selector::facility).unwrap_or(facility),
        severity: bytes("defaultSeverity").and_then(selector::severity).unwrap_or(severity),
        pid,
        tag: params.str("defaultTag").unwrap_or(TAG_DEFAULT).to_owned(),
        variables: around.reads_variables,
    };
    Some(Arc::new(JournalSpec {
        rules,
        remote: on("remote", false),
        state: state_file(params, around, diags),
        from_end: on("ignorePreviousMessages", false),
        lenient: on("ignoreNonValidStatefile", true),
        rate: RateSettings {
            interval_s: params.size("rateLimit.interval").unwrap_or(RATE_INTERVAL_S_DEFAULT),
            burst: params.size("rateLimit.burst").unwrap_or(RATE_BURST_DEFAULT),
            name: None,
        },
    }))
}

/// As rsyslogd: none, if it is not named.
fn state_file(
    params: &Params,
    around: &Surroundings,
    diags: &mut Diagnostics,
) -> Option<StateFile> {
    let Some(name) = params.str("stateFile").filter(|name| !name.is_empty()) else {
        let text = "imjournal without a stateFile reads the journal anew at each start";
        let help = "add stateFile=\"imjournal.state\"";
        diags.push(Diagnostic::warning(params.loc("stateFile"), text).help(help));
        return None;
    };
    let name = Path::new(name);
    let folder = around.work_directory.as_deref();
    if name.is_relative() && folder.is_none() {
        let text = format!("stateFile '{}' has no folder to be in", name.display());
        let help = "write global(workDirectory=\"/var/lib/bongsu\"), or the file's whole path";
        diags.push(Diagnostic::warning(params.loc("stateFile"), text).help(help));
    }
    let interval = params.int("persistStateInterval").and_then(|n| u64::try_from(n).ok());
    Some(StateFile {
        path: folder.map_or_else(|| name.to_owned(), |folder| folder.join(name)),
        mode: params.mode("fileCreateMode").unwrap_or(0o644),
        fsync: params.bool("fsync").unwrap_or(false),
        interval: interval.unwrap_or(PERSIST_DEFAULT).max(1),
    })
}

impl Local for JournalSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        NAME.to_owned()
    }

    fn sums_up(&self) -> bool {
        true
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(JournalReader { spec: Arc::new(self.clone()) }))
    }
}
