//! `global(…)`: what holds for the whole relay.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::DRAIN_MS_DEFAULT;
use crate::base::limits::MESSAGE_BYTES_DEFAULT;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::config::ast::Object;
use crate::config::param;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::net::Family;
use crate::parse::ParseSettings;
use crate::parse::sanitise::SanitiseSettings;

const TLS: &str = "TLS comes with a later version";
const USER: &str = "start bongsu as that user (User= and AmbientCapabilities= of its unit)";
const DEBUG: &str = "it steers rsyslog's own debugging";
const QUEUE: &str = "queues are bounded in bytes and drain within drain.timeout";
const SENDERS: &str = "every sender is counted; the summary at the end names them";

/// Parameters of `global()`. (rsyslog "Configuration Object-specific Parameters: global".)
pub(super) static PARAMS: &[Spec] = &[
    Spec::new("maxMessageSize", Size, "8096", "Longest message in bytes; longer ones are cut."),
    Spec::new("workDirectory", Str, "", "Folder for state and queue files.")
        .ignored("nothing is kept there yet: queues are in memory"),
    Spec::new("localHostname", Str, "", "The relay's host name, instead of the system's."),
    Spec::new("preserveFQDN", Bool, "off", "Keeps the domain of host names."),
    Spec::new("umask", Mode, "", "File mode creation mask."),
    Spec::new("defaultRuleset", Str, "", "Ruleset of inputs that name none ($DefaultRuleset)."),
    Spec::new("net.enableDNS", Bool, "on", "Asks for the names of senders."),
    Spec::new("net.ipprotocol", Str, "unspecified", "ipv4-only, ipv6-only or unspecified."),
    Spec::new(
        "drain.timeout",
        Int,
        "10",
        "Bongsu's own: seconds that a stop may take to deliver what is queued.",
    ),
    Spec::new(
        "shards",
        Int,
        "",
        "Bongsu's own: threads that do the work; one per core if not given.",
    ),
    Spec::new(
        "parser.controlCharacterEscapePrefix",
        Str,
        "#",
        "Begins an escaped control character.",
    ),
    Spec::new("parser.escapeControlCharactersOnReceive", Bool, "on", "Escapes control characters."),
    Spec::new("parser.escapeControlCharacterTab", Bool, "on", "Escapes tabs as well."),
    Spec::new("parser.escapeControlCharactersCStyle", Bool, "off", "Escapes as \\n, \\t, \\xhh."),
    Spec::new("parser.escape8BitCharactersOnReceive", Bool, "off", "Escapes bytes above 127."),
    Spec::new(
        "parser.dropTrailingLFOnReception",
        Bool,
        "on",
        "Drops one LF at the end of a message.",
    ),
    Spec::new("parser.spaceLFOnReceive", Bool, "off", "Turns LF inside a message into a space."),
    Spec::new(
        "parser.permitSlashInProgramName",
        Bool,
        "off",
        "A slash no longer ends the program's name.",
    ),
    Spec::new("parser.parseHostnameAndTag", Bool, "on", "Looks for a host name and a tag.")
        .unsupported("a later version brings it; leave it out"),
    Spec::new(
        "parser.supportCompressionExtension",
        Bool,
        "on",
        "Inflates messages that begin with 'z'.",
    ),
    Spec::new(
        "processInternalMessages",
        Bool,
        "",
        "Own messages go through the rules; on by default when called as rsyslogd.",
    ),
    Spec::new(
        "abortOnUncleanConfig",
        Bool,
        "off",
        "Does not start if the configuration has errors.",
    ),
    Spec::new("variables.caseSensitive", Bool, "off", "Names of variables keep their case.")
        .ignored("message variables come with a later version"),
    Spec::new("errorMessagesToStderr.maxNumber", Int, "-1", "How many complaints go to stderr.")
        .ignored("all complaints do"),
    Spec::new("privdrop.user.name", Str, "", "User to become.").unsupported(USER),
    Spec::new("privdrop.user.id", Int, "", "User to become.").unsupported(USER),
    Spec::new("privdrop.group.name", Str, "", "Group to become.").unsupported(USER),
    Spec::new("privdrop.group.id", Int, "", "Group to become.").unsupported(USER),
    Spec::new("privdrop.group.keepsupplemental", Bool, "", "Keeps other groups.").unsupported(USER),
    Spec::new(
        "oversizemsg.input.mode",
        Str,
        "truncate",
        "What becomes of messages that are too long.",
    )
    .ignored("they are cut, and what is left becomes a message unless discardTruncatedMsg is on"),
    Spec::new("oversizemsg.report", Bool, "on", "Says when a message is too long.")
        .ignored("they are counted"),
    Spec::new("oversizemsg.errorfile", Str, "", "Where they are written.")
        .unsupported("a later version brings it; leave it out"),
    Spec::new("action.reportSuspension", Bool, "on", "Says when an action is suspended.")
        .ignored("it is always said, once"),
    Spec::new("action.reportSuspensionContinuation", Bool, "off", "Says it again.")
        .ignored("it is said once"),
    Spec::new(
        "dropMsgsWithMaliciousDNSPtrRecords",
        Bool,
        "off",
        "About senders whose name is an address.",
    )
    .ignored("names are looked up and never trusted for more than display"),
    Spec::new("reverselookup.cache.ttl.default", Int, "", "How long names are kept.")
        .ignored("names are kept until the end"),
    Spec::new("reverselookup.cache.ttl.enable", Bool, "off", "Whether names expire.")
        .ignored("names are kept until the end"),
    Spec::new("shutdown.enable.ctlc", Bool, "off", "Ctrl-C stops.").ignored("it always does"),
    Spec::new("janitor.interval", Int, "10", "Minutes between clean-ups.")
        .ignored("nothing waits for a clean-up"),
    Spec::new("inputs.timeout.shutdown", Int, "", "Milliseconds that inputs get at a stop.")
        .ignored(QUEUE),
    Spec::new("default.action.queue.timeoutshutdown", Int, "", "").ignored(QUEUE),
    Spec::new("default.action.queue.timeoutactioncompletion", Int, "", "").ignored(QUEUE),
    Spec::new("default.action.queue.timeoutenqueue", Int, "", "").ignored(QUEUE),
    Spec::new("default.action.queue.timeoutworkerthreadshutdown", Int, "", "").ignored(QUEUE),
    Spec::new("default.ruleset.queue.timeoutshutdown", Int, "", "").ignored(QUEUE),
    Spec::new("default.ruleset.queue.timeoutactioncompletion", Int, "", "").ignored(QUEUE),
    Spec::new("default.ruleset.queue.timeoutenqueue", Int, "", "").ignored(QUEUE),
    Spec::new("default.ruleset.queue.timeoutworkerthreadshutdown", Int, "", "").ignored(QUEUE),
    Spec::new("shutdown.queue.doublesize", Bool, "", "").ignored(QUEUE),
    Spec::new("abortOnFailedQueueStartup", Bool, "", "").ignored(QUEUE),
    Spec::new("internalmsg.ratelimit.interval", Int, "5", "Limit for own messages.")
        .ignored("state changes are said once"),
    Spec::new("internalmsg.ratelimit.burst", Int, "500", "Limit for own messages.")
        .ignored("state changes are said once"),
    Spec::new("internalmsg.severity", Str, "info", "Least severity of own messages.")
        .ignored("all go through the rules"),
    Spec::new("net.aclAddHostnameOnFail", Bool, "", "").ignored("there are no sender lists"),
    Spec::new("net.aclResolveHostname", Bool, "", "").ignored("there are no sender lists"),
    Spec::new("net.permitACLWarning", Bool, "", "").ignored("there are no sender lists"),
    Spec::new("senders.keepTrack", Bool, "off", "").ignored(SENDERS),
    Spec::new("senders.timeoutAfter", Int, "", "").ignored(SENDERS),
    Spec::new("senders.reportGoneAway", Bool, "", "").ignored(SENDERS),
    Spec::new("senders.reportNew", Bool, "", "").ignored(SENDERS),
    Spec::new("debug.gnutls", Int, "", "").ignored(DEBUG),
    Spec::new("debug.onShutdown", Bool, "", "").ignored(DEBUG),
    Spec::new("debug.logFile", Str, "", "").ignored(DEBUG),
    Spec::new("debug.unloadModules", Bool, "", "").ignored(DEBUG),
    Spec::new("debug.files", param::Kind::Array, "", "").ignored(DEBUG),
    Spec::new("debug.whitelist", Bool, "", "").ignored(DEBUG),
    Spec::new("internal.developeronly.options", Int, "", "").ignored(DEBUG),
    Spec::new("stdlog.channelspec", Str, "", "").ignored("own messages go through the rules"),
    Spec::new("environment", param::Kind::Array, "", "Environment variables to set.")
        .unsupported("set them for the process, in its unit file or shell"),
    Spec::new("operatingStateFile", Str, "", "").ignored("the summary at the end says how it went"),
    Spec::new("reportChildProcessExits", Str, "", "").ignored("there are no child processes"),
    Spec::new("security.abortOnIDResolutionFail", Bool, "on", "")
        .ignored("an unknown user or group is an error at once"),
    Spec::new("defaultNetstreamDriver", Str, "ptcp", "")
        .ignored("plain TCP is what there is so far"),
    Spec::new("defaultNetstreamDriverCAFile", Str, "", "").ignored(TLS),
    Spec::new("defaultNetstreamDriverKeyFile", Str, "", "").ignored(TLS),
    Spec::new("defaultNetstreamDriverCertFile", Str, "", "").ignored(TLS),
    Spec::new("netstreamDriverCaExtraFiles", Str, "", "").ignored(TLS),
];

/// `global()`, all of them taken together; the last word counts.
#[derive(Clone, Debug)]
pub struct Globals {
    pub message_bytes_max: usize,
    pub local_hostname: Option<String>,
    pub default_ruleset: Option<(String, Loc)>,
    pub preserve_fqdn: bool,
    pub umask: Option<u32>,
    pub dns: bool,
    pub ipv4: bool,
    pub ipv6: bool,
    pub drain: Duration,
    pub shards: Option<usize>,
    pub parse: ParseSettings,
    /// `processInternalMessages`; on by default only where Bongsu stands in for rsyslogd.
    pub internal_messages: Option<bool>,
    pub abort_on_unclean: bool,
    /// Whether a usable `workDirectory` was given.
    pub(super) has_work_directory: bool,
    /// Certificates and keys that `global()` names: parameter, path, place.
    tls_files: Vec<(&'static str, String, Loc)>,
}

/// Parameters that name files which TLS reads.
const TLS_FILES: [&str; 4] = [
    "defaultNetstreamDriverCAFile",
    "defaultNetstreamDriverKeyFile",
    "defaultNetstreamDriverCertFile",
    "netstreamDriverCaExtraFiles",
];

impl Default for Globals {
    fn default() -> Self {
        Self {
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
            local_hostname: None,
            default_ruleset: None,
            preserve_fqdn: false,
            umask: None,
            dns: true,
            ipv4: true,
            ipv6: true,
            drain: Duration::from_millis(DRAIN_MS_DEFAULT),
            shards: None,
            parse: ParseSettings::default(),
            internal_messages: None,
            abort_on_unclean: false,
            has_work_directory: false,
            tls_files: Vec::new(),
        }
    }
}

impl Globals {
    /// Takes over what `object` says.
    pub fn read(&mut self, object: &Object, diags: &mut Diagnostics) {
        let params = param::check(object, &[PARAMS], diags);
        let text = |name| params.str(name).map(str::to_owned);
        self.sizes(&params, diags);
        self.parser(&params, diags);
        self.folder(&params, diags);
        self.name_tls_files(&params);
        self.local_hostname = text("localHostname").or_else(|| self.local_hostname.take());
        if let Some(name) = text("defaultRuleset") {
            self.default_ruleset = Some((name, params.loc("defaultRuleset")));
        }
        self.preserve_fqdn = params.bool("preserveFQDN").unwrap_or(self.preserve_fqdn);
        self.umask = params.mode("umask").or(self.umask);
        self.dns = params.bool("net.enableDNS").unwrap_or(self.dns);
        self.internal_messages = params.bool("processInternalMessages").or(self.internal_messages);
        self.abort_on_unclean =
            params.bool("abortOnUncleanConfig").unwrap_or(self.abort_on_unclean);
        match params.str("net.ipprotocol") {
            None => {}
            Some("ipv4-only") => self.ipv6 = false,
            Some("ipv6-only") => self.ipv4 = false,
            Some("unspecified") => (self.ipv4, self.ipv6) = (true, true),
            Some(other) => {
                let text = format!("net.ipprotocol '{other}' not known");
                let help = "write ipv4-only, ipv6-only or unspecified";
                diags.push(Diagnostic::error(params.loc("net.ipprotocol"), text).help(help));
            }
        }
    }

    /// A work directory that is none is not used; rsyslogd says so and starts.
    fn folder(&mut self, params: &Params, diags: &mut Diagnostics) {
        let Some(path) = params.str("workDirectory") else { return };
        let why = match fs::metadata(path) {
            _ if path.is_empty() => ": it is empty".to_owned(),
            Ok(meta) if meta.is_dir() => {
                self.has_work_directory = true;
                return;
            }
            Ok(_) => format!(": '{path}' is no directory"),
            Err(error) => format!(": '{path}': {}", reason(&error)),
        };
        let text = format!("'workDirectory' cannot be used{why}");
        let help = "make it first, and let the relay's user write there";
        diags.push(Diagnostic::error(params.loc("workDirectory"), text).help(help));
    }

    fn name_tls_files(&mut self, params: &Params) {
        for name in TLS_FILES {
            for path in params.str(name).into_iter().flat_map(|list| list.split(',')) {
                self.tls_files.retain(|(known, ..)| *known != name);
                self.tls_files.push((name, path.trim().to_owned(), params.loc(name)));
            }
        }
    }

    /// Certificates and keys must be there, whether anything uses TLS or not. (rsyslogd looks when
    /// all is read.)
    pub(super) fn check_tls_files(&self, diags: &mut Diagnostics) {
        for (name, path, loc) in &self.tls_files {
            if let Err(error) = Path::new(path).metadata() {
                let text = format!("'{name}': cannot read '{path}': {}", reason(&error));
                diags.push(Diagnostic::error(*loc, text));
            }
        }
    }

    /// The address families to listen on and to connect to.
    #[must_use]
    pub const fn family(&self) -> Family {
        match (self.ipv4, self.ipv6) {
            (true, false) => Family::V4,
            (false, true) => Family::V6,
            _ => Family::Any,
        }
    }

    fn sizes(&mut self, params: &Params, diags: &mut Diagnostics) {
        if let Some(size) = params.size("maxMessageSize") {
            self.message_bytes_max = size.clamp(128, MESSAGE_BYTES_MAX);
            if self.message_bytes_max != size {
                let text = format!(
                    "maxMessageSize is 128 to {MESSAGE_BYTES_MAX}; {} is used",
                    self.message_bytes_max
                );
                diags.push(Diagnostic::warning(params.loc("maxMessageSize"), text));
            }
        }
        if let Some(seconds) = params.size("drain.timeout") {
            self.drain = Duration::from_secs(seconds as u64);
        }
        self.shards = params.size("shards").map(|n| n.clamp(1, 256)).or(self.shards);
    }

    fn parser(&mut self, params: &Params, diags: &mut Diagnostics) {
        let sanitise: &mut SanitiseSettings = &mut self.parse.sanitise;
        let set = |to: &mut bool, name: &str| {
            if let Some(value) = params.bool(name) {
                *to = value;
            }
        };
        set(&mut sanitise.escape_control, "parser.escapeControlCharactersOnReceive");
        set(&mut sanitise.escape_tab, "parser.escapeControlCharacterTab");
        set(&mut sanitise.c_style, "parser.escapeControlCharactersCStyle");
        set(&mut sanitise.escape_8bit, "parser.escape8BitCharactersOnReceive");
        set(&mut sanitise.drop_trailing_lf, "parser.dropTrailingLFOnReception");
        set(&mut sanitise.space_lf, "parser.spaceLFOnReceive");
        if let Some(prefix) = params.bytes("parser.controlCharacterEscapePrefix") {
            match prefix.as_slice() {
                [byte] => sanitise.prefix = *byte,
                _ => {
                    let at = params.loc("parser.controlCharacterEscapePrefix");
                    diags.push(Diagnostic::error(at, "the escape prefix is one character"));
                }
            }
        }
        set(&mut self.parse.compression, "parser.supportCompressionExtension");
        set(&mut self.parse.slash_in_program_name, "parser.permitSlashInProgramName");
    }
}

/// An error in the words of the operating system, without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
