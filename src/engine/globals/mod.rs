//! `global(…)`: what holds for the whole relay.

pub(super) mod params;
mod senders;

use std::fs;
use std::io;
use std::time::Duration;

use crate::base::account;
use crate::base::capabilities::Capabilities;
use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::limits::DRAIN_MS_DEFAULT;
use crate::base::limits::DRAIN_SECONDS_MAX;
use crate::base::limits::MESSAGE_BYTES_DEFAULT;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::num::count;
use crate::base::privileges::Privileges;
use crate::config::ast::Object;
use crate::config::param;
use crate::config::param::Params;
use crate::engine::globals::senders::Senders;
use crate::message::json::Case;
use crate::net::Family;
use crate::parse::ParseSettings;
use crate::parse::sanitise::SanitiseSettings;

/// Names of what `global()` objects gave so far; directives may say a thing twice.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<&'static str>);

impl Given {
    /// Complains of what an earlier `global()` gave already.
    fn once(&mut self, object: &Object, params: &Params, diags: &mut Diagnostics) {
        if object.legacy {
            return;
        }
        for name in params.names() {
            if self.0.contains(&name) {
                let text = format!("'{name}' was given by an earlier global()");
                let d = Diagnostic::error(params.loc(name), text);
                diags.push(d.help("the last one counts; keep one of them"));
            } else {
                self.0.push(name);
            }
        }
    }
}

/// `global()`, all of them taken together; the last word counts.
#[derive(Clone, Debug)]
pub struct Globals {
    pub message_bytes_max: usize,
    pub local_hostname: Option<String>,
    pub default_ruleset: Option<(String, Loc)>,
    pub preserve_fqdn: bool,
    pub umask: Option<u32>,
    pub capabilities: Capabilities,
    pub privileges: Privileges,
    pub dns: bool,
    pub ipv4: bool,
    pub ipv6: bool,
    pub drain: Duration,
    pub shards: Option<usize>,
    pub parse: ParseSettings,
    /// `parser.list` (`$RulesetParser`): the parsers of what stands in no ruleset, each with the
    /// place where it is named.
    pub parsers: Vec<(String, Loc)>,
    /// `processInternalMessages`; on by default only where Bongsu stands in for rsyslogd.
    pub internal_messages: Option<bool>,
    pub abort_on_unclean: bool,
    /// Repeated messages are summed up (`$RepeatedMsgReduction`).
    pub sums_up: bool,
    /// How names of variables are compared.
    pub case: Case,
    /// Who may send.
    pub(super) senders: Senders,
    /// Whether a work directory was given, and which.
    pub(super) has_work_directory: bool,
    pub(super) work_directory: Option<String>,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
            local_hostname: None,
            default_ruleset: None,
            preserve_fqdn: false,
            umask: None,
            capabilities: Capabilities::default(),
            privileges: Privileges::default(),
            dns: true,
            ipv4: true,
            ipv6: true,
            drain: Duration::from_millis(DRAIN_MS_DEFAULT),
            shards: None,
            parse: ParseSettings::default(),
            parsers: Vec::new(),
            internal_messages: None,
            abort_on_unclean: false,
            sums_up: false,
            case: Case::default(),
            senders: Senders::default(),
            has_work_directory: false,
            work_directory: None,
        }
    }
}

impl Globals {
    /// Takes over what `object` says; `given` is what those before it gave.
    pub(super) fn read(&mut self, object: &Object, given: &mut Given, diags: &mut Diagnostics) {
        let params = param::check(object, params::TABLES, diags);
        given.once(object, &params, diags);
        check_files(&params, diags);
        self.has_work_directory |= params.has("workDirectory");
        check_environment(&params, diags);
        let Capabilities { give_up, must } = &mut self.capabilities;
        *give_up = params.bool("libcapng.enable").or(*give_up);
        *must = params.bool("libcapng.default").unwrap_or(*must);
        read_privileges(&mut self.privileges, &params, diags);
        let text = |name| params.str(name).map(str::to_owned);
        self.sizes(&params, diags);
        self.parser(&params, diags);
        self.senders.read(&params, diags);
        self.work_directory = text("workDirectory").or_else(|| self.work_directory.take());
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
        self.sums_up = params.bool("repeatedMsgReduction").unwrap_or(self.sums_up);
        match params.bool("variables.caseSensitive") {
            None => {}
            Some(true) => self.case = Case::Sensitive,
            Some(false) => self.case = Case::Insensitive,
        }
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

    /// What a running relay keeps from its start and `new` has otherwise, by parameter.
    pub(super) fn fixed_that_differ(&self, new: &Self) -> Vec<&'static str> {
        let internal = |globals: &Self| globals.internal_messages;
        let fixed = [
            (self.shards != new.shards, "shards"),
            (self.umask != new.umask, "umask"),
            (self.privileges != new.privileges, "privdrop"),
            (self.capabilities != new.capabilities, "libcapng"),
            (self.drain != new.drain, "drain.timeout"),
            (internal(self) != internal(new), "processInternalMessages"),
            (self.work_directory != new.work_directory, "workDirectory"),
        ];
        fixed.into_iter().filter_map(|(differs, name)| differs.then_some(name)).collect()
    }

    /// With what stays as `old` has it.
    pub(super) fn with_fixed_of(self, old: &Self) -> Self {
        Self {
            shards: old.shards,
            umask: old.umask,
            privileges: old.privileges,
            capabilities: old.capabilities,
            drain: old.drain,
            internal_messages: old.internal_messages,
            work_directory: old.work_directory.clone(),
            ..self
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
                let loc = params.loc("maxMessageSize");
                diags.push(match size < 128 {
                    true => Diagnostic::error(loc, text),
                    false => Diagnostic::warning(loc, text),
                });
            }
        }
        if let Some(seconds) = params.size("drain.timeout") {
            self.drain = Duration::from_secs(count(seconds).min(DRAIN_SECONDS_MAX));
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
        let loc = params.loc("parser.list");
        let names = params.list("parser.list").into_iter();
        self.parsers.extend(names.map(|name| (name.to_owned(), loc)));
        set(&mut self.parse.compression, "parser.supportCompressionExtension");
        set(&mut self.parse.slash_in_program_name, "parser.permitSlashInProgramName");
    }
}

/// Folders and files that have to be there when the configuration is read, as rsyslogd looks.
fn check_files(params: &Params, diags: &mut Diagnostics) {
    if let Some(folder) = params.str("workDirectory") {
        let problem = match fs::metadata(folder) {
            Err(e) => Some(format!("'workDirectory': '{folder}' cannot be used: {}", reason(&e))),
            Ok(meta) if !meta.is_dir() => {
                Some(format!("'workDirectory': '{folder}' is no directory"))
            }
            Ok(_) if folder.len() > 1 && folder.ends_with('/') => {
                Some(format!("'workDirectory': '{folder}' ends with a slash"))
            }
            Ok(_) => None,
        };
        if let Some(text) = problem {
            diags.push(Diagnostic::error(params.loc("workDirectory"), text));
        }
    }
    for name in [
        "defaultNetstreamDriverCAFile",
        "defaultNetstreamDriverCRLFile",
        "defaultNetstreamDriverKeyFile",
        "defaultNetstreamDriverCertFile",
        "netstreamDriverCaExtraFiles",
    ] {
        let files = params.str(name).into_iter().flat_map(|files| files.split(','));
        for file in files.map(str::trim) {
            if let Err(e) = fs::File::open(file) {
                let text = format!("'{name}': cannot read '{file}': {}", reason(&e));
                diags.push(Diagnostic::error(params.loc(name), text));
            }
        }
    }
}

/// An error in the words of the operating system, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Finds the number of a name.
type Number = fn(&str) -> Option<u32>;

/// Whom to become must be known: a relay that stayed root instead would be what nobody asked for.
fn read_privileges(to: &mut Privileges, params: &Params, diags: &mut Diagnostics) {
    let Privileges { user, group, keep_groups, unknown } = to;
    let id = |param| params.int(param).and_then(|id| u32::try_from(id).ok());
    let kinds = [
        ("user", "privdrop.user.name", account::user as Number, (user, id("privdrop.user.id"))),
        ("group", "privdrop.group.name", account::group, (group, id("privdrop.group.id"))),
    ];
    for (kind, param, number, (to, id)) in kinds {
        *to = id.or(*to);
        let Some(name) = params.str(param) else { continue };
        *to = number(name).or(*to);
        if number(name).is_none() {
            *unknown = true;
            let text = format!("no {kind} '{name}' in /etc/passwd or /etc/group");
            let help = "make the account, or give its number with privdrop.user.id or group.id";
            diags.push(Diagnostic::error(params.loc(param), text).help(help));
        }
    }
    *keep_groups = params.bool("privdrop.group.keepSupplemental").unwrap_or(*keep_groups);
}

fn check_environment(params: &Params, diags: &mut Diagnostics) {
    for variable in params.list("environment").iter().filter(|v| !v.contains('=')) {
        let text = format!("environment variable '{variable}' has no '='");
        diags.push(Diagnostic::error(params.loc("environment"), text).help("write NAME=value"));
    }
}
