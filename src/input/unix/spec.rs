//! A log socket, as it is configured.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::num::count;
use crate::config::param::Params;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::ParseInto;
use crate::input::local::Reader;
use crate::input::local::Surroundings;
use crate::input::ratelimit::RateLimitSpec;
use crate::input::unix::NAME;
use crate::input::unix::place;
use crate::input::unix::task::UnixReader;
use crate::input::unix::trusted;
use crate::parse;
use crate::parse::ParseSettings;

/// Messages that pass in an interval, where only the interval is given.
const BURST_DEFAULT: usize = 200;
/// Emergencies are free, where nothing else is said.
const SEVERITY_DEFAULT: u8 = 1;

/// The system's log socket, or that of an `input()`.
#[derive(Clone, Debug)]
pub(super) struct UnixSpec {
    pub(super) path: PathBuf,
    /// The system's: systemd may have another one in its place.
    pub(super) system: bool,
    pub(super) unlink: bool,
    pub(super) create_path: bool,
    pub(super) ignore_own: bool,
    pub(super) ignore_time: bool,
    /// `useSysTimeStamp`
    pub(super) kernel_time: bool,
    pub(super) annotate: bool,
    /// Annotations are variables.
    pub(super) parse_trusted: bool,
    /// `useSpecialParser`
    pub(super) special: bool,
    parse_hostname: bool,
    /// `usePIDFromSystem`
    pub(super) kernel_pid: bool,
    host_name: Option<String>,
    /// Of each process; none if its interval is zero.
    pub(super) limit: RateLimitSpec,
    /// `rateLimit.name`
    pub(super) limit_name: Option<String>,
    /// `maxMessageSize`
    pub(super) message_bytes_max: usize,
}

impl UnixSpec {
    /// From the parameters of `module()`.
    pub(super) fn of_system(params: &Params, around: &Surroundings) -> Self {
        let path = params.str("sysSock.name").unwrap_or(place::SYSTEM).into();
        Self { system: true, ..Self::compile(params, "sysSock.", path, around) }
    }

    /// From those of an `input()`; `None` without a path, which has been complained of.
    pub(super) fn of_input(params: &Params, around: &Surroundings) -> Option<Self> {
        let path = params.str("socket")?.into();
        Some(Self::compile(params, "", path, around))
    }

    fn compile(params: &Params, prefix: &str, path: PathBuf, around: &Surroundings) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        let switch = |name: &str, default| params.bool(&named(name)).unwrap_or(default);
        let number = |name: &str| params.size(&named(&format!("rateLimit.{name}")));
        let severity = number("severity").map(|n| u8::try_from(n).unwrap_or(u8::MAX));
        Self {
            path,
            system: false,
            unlink: switch("unlink", true),
            create_path: switch("createPath", false),
            ignore_own: switch("ignoreOwnMessages", true),
            ignore_time: switch("ignoreTimestamp", true),
            kernel_time: switch("useSysTimeStamp", true),
            annotate: switch("annotate", false),
            parse_trusted: switch("parseTrusted", false),
            special: switch("useSpecialParser", true),
            parse_hostname: switch("parseHostname", false),
            kernel_pid: switch("usePIDFromSystem", false),
            host_name: params.str(&named("hostName")).map(str::to_owned),
            limit: RateLimitSpec {
                interval: Duration::from_secs(count(number("interval").unwrap_or(0))),
                burst: number("burst").unwrap_or(BURST_DEFAULT),
                severity: severity.unwrap_or(SEVERITY_DEFAULT),
                per_source: None,
            },
            limit_name: params.str(&named("rateLimit.name")).map(str::to_owned),
            message_bytes_max: around.message_bytes_max,
        }
    }
}

impl Local for UnixSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}({})", self.path.display())
    }

    fn source_host(&self) -> Option<&str> {
        self.host_name.as_deref()
    }

    fn parser(&self) -> Option<(ParseInto, &'static str)> {
        self.special.then_some((parse::local::message_into, "imuxsock's special parser"))
    }

    fn adjust(&self, parse: &mut ParseSettings) {
        parse.hostname_in_header = self.parse_hostname;
        // The special parser inflates nothing.
        parse.compression &= !self.special;
        if self.annotate {
            parse.message_bytes_max += trusted::TEXT_BYTES_MAX;
        }
    }

    fn sums_up(&self) -> bool {
        true
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        let (socket, placed) = place::open(self)?;
        Ok(Box::new(UnixReader::new(self.clone(), socket, placed.map(Arc::new))))
    }
}
