//! Parameters of `imtcp` and `imptcp`, at the module and at the input.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Severity;
use crate::base::limits::TCP_FRAME_BYTES_DEFAULT;
use crate::base::limits::TCP_FRAME_COUNT_MAX;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::net::FreeBind;
use crate::net::KeepAlive;
use crate::net::listen::ListenOptions;
use crate::parse::frame::FrameSettings;

pub const NAME: &str = "imtcp";
pub const NAME_PLAIN: &str = "imptcp";

/// What it takes.
pub const MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Receives syslog over TCP.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS, PARAMS],
    instance: &[PARAMS],
};

/// `imptcp`, which here is the same.
pub static MODULE_PLAIN: Module =
    Module { name: NAME_PLAIN, doc: "Receives plain syslog over TCP.", ..MODULE };

const TLS: &str =
    "TLS comes with a later version; use stunnel or a plain port on a private network until then";
const UNIX: &str = "stream unix sockets come with a later version; use a port";

/// Parameters that may stand at the input, and at `module(load="imtcp")` as defaults for all of
/// them. (rsyslog `imtcp`, `imptcp`.)
pub static PARAMS: &[Spec] = &[
    Spec::new(
        "port",
        Array,
        "",
        "TCP port or service name to listen on; 0 lets the system choose.",
    ),
    Spec::new("address", Str, "", "Local address to listen on; all of IPv4 and IPv6 if not given."),
    Spec::new("name", Str, "imtcp", "Value of the inputname property."),
    Spec::new("ruleset", Str, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages."),
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written."),
    Spec::new("rcvbufSize", Size, "", "Size of the socket's receive buffer in bytes."),
    Spec::new(
        "maxSessions",
        Int,
        "200",
        "Connections at a time; further ones are closed (imptcp: no limit).",
    ),
    Spec::new("maxListeners", Int, "20", "Listening ports at most."),
    Spec::new("keepAlive", Bool, "off", "Sends TCP keep-alive probes."),
    Spec::new(
        "keepAlive.probes",
        Int,
        "0",
        "Unanswered probes until the connection is dead; 0: system default.",
    ),
    Spec::new(
        "keepAlive.time",
        Int,
        "0",
        "Idle seconds before the first probe; 0: system default.",
    ),
    Spec::new("keepAlive.interval", Int, "0", "Seconds between probes; 0: system default."),
    Spec::new("flowControl", Bool, "on", "Throttles senders when queues fill.")
        .ignored("a full queue always holds TCP senders back, nothing is dropped"),
    Spec::new("notifyOnConnectionOpen", Bool, "off", "Says when a peer connects."),
    Spec::new("notifyOnConnectionClose", Bool, "off", "Says when a peer disconnects."),
    Spec::new(
        "addtlFrameDelimiter",
        Int,
        "-1",
        "A second frame delimiter, as a byte value; -1: none.",
    ),
    Spec::new("disableLFDelimiter", Bool, "off", "LF no longer ends a frame."),
    Spec::new(
        "supportOctetCountedFraming",
        Bool,
        "on",
        "Frames that begin with a digit are octet-counted (RFC 6587).",
    ),
    Spec::new(
        "framing.strict",
        Bool,
        "off",
        "Bongsu's own: octet counting only for digits, a space and '<'.",
    ),
    Spec::new("maxFrameSize", Int, "200000", "Octet counts above it are taken as text, in bytes."),
    Spec::new("framingfix.cisco.asa", Bool, "off", "A space at the start of a frame is skipped."),
    Spec::new(
        "framing.delimiter.regex",
        Str,
        "",
        "Frames begin where this expression matches (imptcp).",
    ),
    Spec::new("multiLine", Bool, "off", "LF ends a frame only before '<' (imptcp)."),
    Spec::new(
        "discardTruncatedMsg",
        Bool,
        "off",
        "What lies behind a truncation is discarded instead of becoming a message.",
    ),
    Spec::new("compression.mode", Str, "none", "stream:always: the stream is deflated (imptcp)."),
    Spec::new("rateLimit.interval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimit.burst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("preserveCase", Bool, "on", "Keeps upper case in fromhost."),
    Spec::new("defaultTZ", Str, "", "Zone of timestamps that have none, as +hh:mm."),
    Spec::new("socketBacklog", Int, "5", "Length of the listen queue.").alias(&["backlog"]),
    Spec::new(
        "ipFreeBind",
        Int,
        "2",
        "Binds to an address that is not there yet: 0 no, 1 yes, 2 yes and say so.",
    ),
    Spec::new("device", Str, "", "Network device (or VRF) to bind to."),
    Spec::new(
        "idleTimeout",
        Int,
        "0",
        "Bongsu's own: closes a connection silent for so many seconds; 0: never.",
    ),
    Spec::new(
        "frameTimeout",
        Int,
        "0",
        "Bongsu's own: closes a connection whose frame takes more seconds than this; 0: never.",
    ),
    Spec::new("networkNamespace", Str, "", "Network namespace of the listener.")
        .unsupported("start bongsu inside the namespace (ip netns exec)"),
    Spec::new("path", Str, "", "Unix stream socket (imptcp).").unsupported(UNIX),
    Spec::new("unlink", Bool, "off", "Removes the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("fileOwner", Str, "", "Owner of the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("fileOwnerNum", Int, "", "Owner of the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("fileGroup", Str, "", "Group of the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("fileGroupNum", Int, "", "Group of the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("fileCreateMode", Str, "", "Mode of the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("failOnChOwnFailure", Bool, "", "About the unix socket (imptcp).").unsupported(UNIX),
    Spec::new("streamDriver.mode", Int, "0", "0: plain TCP; 1: TLS."),
    Spec::new("streamDriver.name", Str, "", "TLS library.")
        .ignored("it matters for TLS only, and streamDriver.mode selects plain TCP"),
    Spec::new("streamDriver.authMode", Str, "anon", "How peers are authenticated."),
    Spec::new("streamDriver.permitExpiredCerts", Str, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.checkExtendedKeyPurpose", Bool, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.prioritizeSAN", Bool, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.tlsVerifyDepth", Int, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.caFile", Str, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.certFile", Str, "", "About TLS.").unsupported(TLS),
    Spec::new("streamDriver.keyFile", Str, "", "About TLS.").unsupported(TLS),
    Spec::new("permittedPeer", Array, "", "Peers that may connect.").unsupported(TLS),
    Spec::new("gnutlsPriorityString", Str, "", "About TLS.").unsupported(TLS),
];

/// Parameters of `module()` alone.
pub static MODULE_PARAMS: &[Spec] = &[
    Spec::new("threads", Int, "2", "Helper threads (imptcp).")
        .ignored("connections are spread over one shard per core"),
    Spec::new("workerThreads", Int, "2", "Worker threads.")
        .ignored("connections are spread over one shard per core"),
    Spec::new("processOnPoller", Bool, "on", "Works on the polling thread (imptcp).")
        .ignored("each shard reads and works on its own thread"),
];

/// Deadlines of a connection; both are Bongsu's own and off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Since the last byte.
    pub idle: Option<Duration>,
    /// Since the first byte of a frame that is not complete.
    pub frame: Option<Duration>,
}

/// One `input(type="imtcp")`, checked.
#[derive(Clone, Debug)]
pub struct TcpSpec {
    pub module: &'static str,
    pub name: String,
    pub ruleset: Option<String>,
    pub ports: Vec<String>,
    /// `None`: all addresses.
    pub address: Option<String>,
    pub listen: ListenOptions,
    pub keep_alive: Option<KeepAlive>,
    pub port_file: Option<String>,
    /// 0: no limit.
    pub sessions_max: usize,
    pub listeners_max: usize,
    pub framing: FrameSettings,
    pub inflate: bool,
    pub rate_interval_s: usize,
    pub rate_burst: usize,
    pub preserve_case: bool,
    pub default_tz: Option<String>,
    pub notify_open: bool,
    pub notify_close: bool,
    pub deadlines: Deadlines,
}

/// Values at the input, or else at the module.
struct Layered<'a> {
    input: &'a Params,
    module: &'a Params,
}

impl<'a> Layered<'a> {
    fn of(&self, name: &str) -> &'a Params {
        if self.input.has(name) { self.input } else { self.module }
    }

    fn bool(&self, name: &str, default: bool) -> bool {
        self.of(name).bool(name).unwrap_or(default)
    }

    fn size(&self, name: &str, default: usize) -> usize {
        self.of(name).size(name).unwrap_or(default)
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.of(name).int(name).unwrap_or(default)
    }

    fn backlog(&self) -> Option<i32> {
        self.of("socketBacklog").int("socketBacklog").and_then(|n| i32::try_from(n).ok())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.of(name).str(name).map(str::to_owned)
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        Some(self.size(name, 0)).filter(|s| *s > 0).map(|s| Duration::from_secs(s as u64))
    }
}

impl TcpSpec {
    /// `None` if it cannot listen at all; what was wrong is in `diags`.
    pub fn compile(
        module: &'static str,
        module_params: &Params,
        input: &Params,
        message_bytes_max: usize,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let from = Layered { input, module: module_params };
        if from.size("streamDriver.mode", 0) != 0 {
            let loc = from.of("streamDriver.mode").loc("streamDriver.mode");
            diags.push(Diagnostic::error(loc, format!("TLS is not supported yet: {TLS}")));
            return None;
        }
        let ports: Vec<String> = input.list("port").into_iter().map(str::to_owned).collect();
        if ports.is_empty() {
            let text = format!("an {module} input needs a port");
            let complaint = Diagnostic::error(input.loc, text).help("add port=\"514\"");
            // rsyslogd's imptcp takes it and listens nowhere.
            let severity = if module == NAME { Severity::Error } else { Severity::Warning };
            let complaint = Diagnostic { severity, ..complaint };
            input.missing(&["port"], complaint, diags);
            return None;
        }
        Some(Self {
            module,
            name: input.str("name").unwrap_or(module).to_owned(),
            ruleset: input.str("ruleset").map(str::to_owned),
            ports,
            address: from.text("address").filter(|a| a != "*"),
            listen: listen(&from),
            keep_alive: from.bool("keepAlive", false).then(|| keep_alive(&from)),
            port_file: input.str("listenPortFileName").map(str::to_owned),
            sessions_max: from.size("maxSessions", if module == NAME { 200 } else { 0 }),
            listeners_max: from.size("maxListeners", 20),
            framing: framing(module == NAME_PLAIN, &from, message_bytes_max, diags)?,
            inflate: inflate(&from, diags)?,
            rate_interval_s: from.size("rateLimit.interval", 0),
            rate_burst: from.size("rateLimit.burst", 10_000),
            preserve_case: from.bool("preserveCase", true),
            default_tz: from.text("defaultTZ"),
            notify_open: from.bool("notifyOnConnectionOpen", false),
            notify_close: from.bool("notifyOnConnectionClose", false),
            deadlines: Deadlines {
                idle: from.seconds("idleTimeout"),
                frame: from.seconds("frameTimeout"),
            },
        })
    }
}

fn listen(from: &Layered<'_>) -> ListenOptions {
    let default = ListenOptions::default();
    ListenOptions {
        receive_buffer: from.of("rcvbufSize").size("rcvbufSize"),
        // rsyslog's default of 5 makes connection storms fail; a longer queue costs nothing.
        backlog: from.backlog().unwrap_or(default.backlog),
        free_bind: FreeBind::from_number(from.int("ipFreeBind", 2)).unwrap_or_default(),
        device: from.text("device"),
        ..default
    }
}

fn keep_alive(from: &Layered<'_>) -> KeepAlive {
    KeepAlive {
        time: from.seconds("keepAlive.time"),
        interval: from.seconds("keepAlive.interval"),
        probes: u32::try_from(from.size("keepAlive.probes", 0)).ok().filter(|n| *n > 0),
    }
}

fn framing(
    plain: bool,
    from: &Layered<'_>,
    message_bytes_max: usize,
    diags: &mut Diagnostics,
) -> Option<FrameSettings> {
    let regex = match from.text("framing.delimiter.regex") {
        None => None,
        Some(text) => match regex::bytes::Regex::new(&text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let at = from.of("framing.delimiter.regex").loc("framing.delimiter.regex");
                diags.push(Diagnostic::error(at, format!("regular expression: {error}")));
                return None;
            }
        },
    };
    let discard = from.bool("discardTruncatedMsg", false);
    let extra = from.of("addtlFrameDelimiter").int("addtlFrameDelimiter").unwrap_or(-1);
    if extra > 255 {
        let at = from.of("addtlFrameDelimiter").loc("addtlFrameDelimiter");
        diags.push(Diagnostic::error(at, "a frame delimiter is one byte, 0 to 255, or -1"));
        return None;
    }
    let mut frame_bytes_max = from.size("maxFrameSize", TCP_FRAME_BYTES_DEFAULT);
    if frame_bytes_max > TCP_FRAME_COUNT_MAX {
        let at = from.of("maxFrameSize").loc("maxFrameSize");
        let text = format!("maxFrameSize is at most {TCP_FRAME_COUNT_MAX}; that is used");
        diags.push(Diagnostic::warning(at, text));
        frame_bytes_max = TCP_FRAME_COUNT_MAX;
    }
    Some(FrameSettings {
        octet_counting: from.bool("supportOctetCountedFraming", true),
        lf_delimiter: !from.bool("disableLFDelimiter", false),
        extra_delimiter: u8::try_from(extra).ok(),
        message_bytes_max,
        frame_bytes_max,
        discard_truncated: discard && !plain,
        // imptcp does it in any case.
        discard_truncated_octets: discard || plain,
        cisco_asa: from.bool("framingfix.cisco.asa", false),
        multi_line: from.bool("multiLine", false),
        regex,
        strict: from.bool("framing.strict", false),
    })
}

fn inflate(from: &Layered<'_>, diags: &mut Diagnostics) -> Option<bool> {
    match from.text("compression.mode").as_deref() {
        None | Some("none") => Some(false),
        Some("stream:always") => Some(true),
        Some(other) => {
            let at = from.of("compression.mode").loc("compression.mode");
            let text = format!("compression.mode '{other}' not known");
            diags.push(Diagnostic::error(at, text).help("write none or stream:always"));
            None
        }
    }
}
