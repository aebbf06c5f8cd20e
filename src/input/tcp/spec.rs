//! What the parameters of `imtcp` and `imptcp` mean.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits::TCP_FRAME_BYTES_DEFAULT;
use crate::base::limits::TCP_FRAME_COUNT_MAX;
use crate::config::param::Params;
use crate::input::RateSettings;
use crate::input::relp::RelpSpec;
use crate::input::tcp::params::NAME;
use crate::input::tcp::params::NAME_PLAIN;
use crate::input::tcp::params::TLS;
use crate::input::tcp::place::UnixPlace;
use crate::net::FreeBind;
use crate::net::KeepAlive;
use crate::net::listen::ListenOptions;
use crate::parse::frame::FrameSettings;

/// Deadlines of a connection; both are Bongsu's own and off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Since the last byte.
    pub idle: Option<Duration>,
    /// Since the first byte of a frame that is not complete.
    pub frame: Option<Duration>,
}

/// What the connections of an input speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Frames, and no answers.
    Syslog,
    Relp(RelpSpec),
}

/// One `input(type="imtcp")`, checked; or one of `imrelp`, which listens in the same way.
#[derive(Clone, Debug)]
pub struct TcpSpec {
    pub module: &'static str,
    pub name: String,
    pub ruleset: Option<String>,
    /// With a unix socket, its path alone.
    pub ports: Vec<String>,
    pub unix: Option<UnixPlace>,
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
    pub rate: RateSettings,
    pub preserve_case: bool,
    pub default_tz: Option<String>,
    pub notify_open: bool,
    pub notify_close: bool,
    pub deadlines: Deadlines,
    pub protocol: Protocol,
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

    /// The module's parameter has a name of its own.
    fn octet_counting(&self) -> bool {
        let module = self.module.bool("octetCountedFraming").unwrap_or(true);
        self.input.bool("supportOctetCountedFraming").unwrap_or(module)
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
            let text = format!("TLS is not built yet, the input is left out: {TLS}");
            diags.push(Diagnostic::unbuilt(loc, text));
            return None;
        }
        let listen = listen(&from);
        let unix = match input.has("path") {
            true => Some(UnixPlace::compile(input, listen.backlog, diags)?),
            false => None,
        };
        let ports = match &unix {
            Some(unix) => vec![unix.path.display().to_string()],
            None => input.list("port").into_iter().map(str::to_owned).collect(),
        };
        if ports.is_empty() {
            without_port(module, input, diags);
            return None;
        }
        Some(Self {
            module,
            name: input.str("name").unwrap_or(module).to_owned(),
            ruleset: input.str("ruleset").map(str::to_owned),
            ports,
            unix,
            address: from.text("address").filter(|a| a != "*"),
            listen,
            keep_alive: from.bool("keepAlive", false).then(|| keep_alive(&from)),
            port_file: input.str("listenPortFileName").map(str::to_owned),
            sessions_max: from.size("maxSessions", if module == NAME { 200 } else { 0 }),
            listeners_max: from.size("maxListeners", 20),
            framing: framing(module == NAME_PLAIN, &from, message_bytes_max, diags)?,
            inflate: inflate(&from, diags)?,
            rate: RateSettings {
                interval_s: from.size("rateLimit.interval", 0),
                burst: from.size("rateLimit.burst", 10_000),
                name: from.text("rateLimit.name"),
            },
            preserve_case: from.bool("preserveCase", true),
            default_tz: from.text("defaultTZ"),
            notify_open: from.bool("notifyOnConnectionOpen", false),
            notify_close: from.bool("notifyOnConnectionClose", false),
            deadlines: Deadlines {
                idle: from.seconds("idleTimeout"),
                frame: from.seconds("frameTimeout"),
            },
            protocol: Protocol::Syslog,
        })
    }
}

/// Says that an input has no port. rsyslogd refuses such an imtcp, and takes an imptcp on which
/// nothing can come.
fn without_port(module: &'static str, input: &Params, diags: &mut Diagnostics) {
    let complaint = if module == NAME {
        Diagnostic::error(input.loc, format!("an {module} input needs a port"))
    } else {
        Diagnostic::warning(
            input.loc,
            format!("this {module} input has no port and no path: nothing listens"),
        )
    };
    input.missing(&["port"], complaint.help("add port=\"514\""), diags);
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
        octet_counting: from.octet_counting(),
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
    match from.text("compression.mode").map(|mode| mode.to_ascii_lowercase()).as_deref() {
        None | Some("none") => Some(false),
        Some("stream:always")
            if from.text("compression.driver").is_some_and(|d| d.eq_ignore_ascii_case("zstd")) =>
        {
            let at = from.of("compression.driver").loc("compression.driver");
            let text = "zstd is not built yet, the input is left out: write zlib, here and there";
            diags.push(Diagnostic::unbuilt(at, text));
            None
        }
        Some("stream:always") => Some(true),
        Some(other) => {
            let at = from.of("compression.mode").loc("compression.mode");
            let text = format!("compression.mode '{other}' not known");
            diags.push(Diagnostic::error(at, text).help("write none or stream:always"));
            None
        }
    }
}
