//! `imklog`: lines of `/proc/kmsg`, each with its PRI.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::diag::Diagnostics;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::input::RateSettings;
use crate::input::kernel::TAG;
use crate::input::kernel::device;
use crate::input::kernel::device::Device;
use crate::input::local::Feed;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::LocalModule;
use crate::input::local::Reader;
use crate::input::local::Reading;
use crate::input::local::Ready;
use crate::input::local::Surroundings;
use crate::input::ratelimit::RateLimit;
use crate::message::Ack;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::net::sys;

pub const NAME: &str = "imklog";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads the kernel's messages.",
    availability: Availability::Ready,
    module: &[PARAMS],
    instance: &[],
};

pub static LOCAL: LocalModule =
    LocalModule { module: &MODULE, loaded, instance: |_, _, _, _| None };

const OWN: &str = "it says what it has to say as the relay";

static PARAMS: &[Spec] = &[
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages."),
    Spec::new("logPath", Token, "/proc/kmsg", "Where the kernel's messages are."),
    Spec::new(
        "permitNonKernelFacility",
        Bool,
        "off",
        "Keeps messages of other facilities than kern.",
    ),
    Spec::new(
        "consoleLogLevel",
        Int,
        "-1",
        "Up to which level the kernel prints to its console; -1: as it is.",
    ),
    Spec::new("parseKernelTimestamp", Bool, "off", "Takes the kernel's time as the message's."),
    Spec::new("keepKernelTimestamp", Bool, "off", "Leaves the kernel's time in the text."),
    Spec::new("internalMsgFacility", Facility, "kern", "Facility of the input's own messages.")
        .ignored(OWN),
    Spec::new("rateLimitInterval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimitBurst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

/// Messages that pass in an interval, where only the interval is given.
const BURST_DEFAULT: usize = 10_000;
/// Of a line that names none: kern.info.
const PRI_DEFAULT: Pri = Pri::new(0, 6);
/// Read at once, at least; the kernel's lines have 1 KiB at most.
const READ_BYTES_MIN: usize = 8 << 10;

/// `module(load="imklog")`
#[derive(Clone, Debug)]
struct KlogSpec {
    path: String,
    /// Messages of other facilities than `kern` pass.
    others: bool,
    console_level: Option<i32>,
    /// `parseKernelTimestamp`, `keepKernelTimestamp`
    parse_time: bool,
    keep_time: bool,
    limit_interval_s: usize,
    limit_burst: usize,
    limit_name: Option<String>,
    line_bytes_max: usize,
}

fn loaded(params: &Params, around: &Surroundings, _: &mut Diagnostics) -> Vec<Arc<dyn Local>> {
    let level = params.int("consoleLogLevel").and_then(|n| i32::try_from(n).ok());
    vec![Arc::new(KlogSpec {
        path: params.str("logPath").unwrap_or("/proc/kmsg").to_owned(),
        others: params.bool("permitNonKernelFacility").unwrap_or(false),
        console_level: level.filter(|level| *level != -1),
        parse_time: params.bool("parseKernelTimestamp").unwrap_or(false),
        keep_time: params.bool("keepKernelTimestamp").unwrap_or(false),
        limit_interval_s: params.size("rateLimitInterval").unwrap_or(0),
        limit_burst: params.size("rateLimitBurst").unwrap_or(BURST_DEFAULT),
        limit_name: params.str("rateLimit.name").map(str::to_owned),
        line_bytes_max: around.message_bytes_max,
    })]
}

impl Local for KlogSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}({})", self.path)
    }

    fn sums_up(&self) -> bool {
        true
    }

    fn open(&self, input: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        let file = device::open(&self.path)?;
        if let Some(level) = self.console_level
            && let Err(error) = sys::console_log_level(Some(level))
        {
            let text = format!("{NAME}: cannot set consoleLogLevel to {level}: {error}");
            input.setups.latest().say(Level::Error, text);
        }
        Ok(Box::new(KlogReader { spec: self.clone(), file }))
    }
}

#[derive(Debug)]
struct KlogReader {
    spec: KlogSpec,
    file: File,
}

impl Drop for KlogReader {
    fn drop(&mut self) {
        if self.spec.console_level.is_some() {
            // It was allowed at the start, or has been complained of.
            _ = sys::console_log_level(None);
        }
    }
}

impl Reader for KlogReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(self.run(feed, signals))
    }
}

impl KlogReader {
    async fn run(self: Rc<Self>, feed: Feed, mut signals: Signals) -> io::Result<()> {
        let mut device = Device::new(&self.file)?;
        let bytes = self.spec.line_bytes_max + READ_BYTES_MIN;
        let (zone, limit) = (LocalZone::system(), self.limit(&feed));
        let mut task =
            Task { spec: &self.spec, feed, zone, limit, buffer: vec![0; bytes], held: 0 };
        tokio::select! {
            biased;
            () = signals.stopped() => {}
            ended = task.read(&mut device) => return ended,
        }
        // Of a line that has no end yet the kernel has nothing any more.
        task.take(true);
        task.feed.submit_impatient().await;
        Ok(())
    }

    fn limit(&self, feed: &Feed) -> Option<Arc<RateLimit>> {
        let KlogSpec { limit_interval_s, limit_burst, limit_name, .. } = &self.spec;
        let (interval_s, burst, name) = (*limit_interval_s, *limit_burst, limit_name.clone());
        let rate = RateSettings { interval_s, burst, name };
        feed.setup().settings.limit(&rate, NAME.to_owned(), None)
    }
}

/// A reader at work.
struct Task<'a> {
    spec: &'a KlogSpec,
    feed: Feed,
    zone: LocalZone,
    limit: Option<Arc<RateLimit>>,
    /// Read, and not taken yet.
    buffer: Vec<u8>,
    held: usize,
}

impl Task<'_> {
    async fn read(&mut self, device: &mut Device) -> io::Result<()> {
        loop {
            self.feed.open().await;
            let read = match device.read(&mut self.buffer[self.held..]).await {
                Ok(n) => n,
                // The kernel has thrown away what was not read in time.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => continue,
                Err(error) => return Err(error),
            };
            self.held += read;
            self.take(read == 0);
            self.feed.submit(Ack::NONE).await;
        }
    }

    /// Makes messages of the lines that are there, and with `all` of a last one that has no end.
    fn take(&mut self, all: bool) {
        self.feed.begin();
        let max = self.spec.line_bytes_max;
        let mut at = 0;
        while at < self.held {
            let rest = &self.buffer[at..self.held];
            let (end, next) = match memchr::memchr(b'\n', &rest[..rest.len().min(max + 1)]) {
                Some(end) => (end, end + 1),
                // Too long for one message: the rest is another.
                None if rest.len() > max => (max, max),
                None if all => (rest.len(), rest.len()),
                None => break,
            };
            self.line(at, at + end);
            at += next;
        }
        self.buffer.copy_within(at..self.held, 0);
        self.held -= at;
        self.sift();
    }

    fn line(&mut self, start: usize, end: usize) {
        let Self { spec, feed, zone, buffer, .. } = self;
        let line = &buffer[start..end];
        let named = priority(line);
        let (pri, mut text) = named.unwrap_or((PRI_DEFAULT, line));
        let kernel = pri.facility() == 0;
        if !kernel && !spec.others {
            return;
        }
        let stamp = stamp(text).filter(|_| named.is_some() && kernel && spec.parse_time);
        if let Some((_, rest)) = stamp
            && !spec.keep_time
        {
            text = rest;
        }
        feed.push(Ready { pri, tag: TAG, text, variables: None });
        if let Some((since, _)) = stamp
            && let Some(message) = feed.batch().messages.last_mut()
        {
            message.time = Timestamp::local(clock::kernel_start().after(since), zone);
            message.flags.set(MessageFlags::TIME);
        }
    }

    /// Takes out what the rate limit does not let pass.
    fn sift(&mut self) {
        let Self { feed, limit: Some(limit), .. } = self else { return };
        let received = feed.batch().messages.len();
        if limit.looks_inside() {
            let lost = count(limit.sift(feed.batch()));
            feed.stats().dropped_ratelimit.add(lost);
            return;
        }
        if received == 0 {
            return;
        }
        let verdict = limit.admit(received);
        feed.batch().messages.truncate(verdict.pass);
        feed.limited(count(received - verdict.pass));
        limit.report(verdict, feed.source_host());
    }
}

/// `<6>` and what follows it.
fn priority(line: &[u8]) -> Option<(Pri, &[u8])> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    let number = std::str::from_utf8(&rest[..end]).ok()?.parse::<u8>().ok()?;
    let rest = rest[end..].strip_prefix(b">")?;
    (number < 192).then_some((Pri(number), rest))
}

/// `[12345.678901]`, seconds and microseconds since the kernel's start, and what follows it.
fn stamp(text: &[u8]) -> Option<(Duration, &[u8])> {
    let rest = text.strip_prefix(b"[")?.trim_ascii_start();
    let end = memchr::memchr(b']', rest)?;
    let (secs, micros) = std::str::from_utf8(&rest[..end]).ok()?.split_once('.')?;
    let number = |digits: &str| digits.parse::<u32>().ok();
    let micros = Duration::from_micros(number(micros)?.into());
    Some((Duration::from_secs(number(secs)?.into()) + micros, &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities() {
        let pri = |line| priority(line).map(|(pri, rest)| (pri.0, rest));
        assert_eq!(pri(b"<6>x"), Some((6, &b"x"[..])));
        assert_eq!(pri(b"<0006>x"), Some((6, &b"x"[..])));
        assert_eq!(pri(b"<191>"), Some((191, &b""[..])));
        for line in [&b"6>x"[..], b"<>x", b"<192>x", b"<1000>x", b"<6", b"<+6>x", b"<6 >x", b""] {
            assert_eq!(pri(line), None, "{line:?}");
        }
    }

    #[test]
    fn stamps() {
        let at = |text| stamp(text).map(|(since, rest)| (since.as_micros(), rest));
        assert_eq!(at(b"[12345.678901] x"), Some((12_345_678_901, &b" x"[..])));
        assert_eq!(at(b"[    0.000000]"), Some((0, &b""[..])));
        assert_eq!(at(b"[1.1234567]x"), Some((2_234_567, &b"x"[..])));
        assert_eq!(at(b"[  1.5]x"), Some((1_000_005, &b"x"[..])));
        for text in [&b"[x.1]"[..], b"[1]", b"[1.2", b"1.2]", b"[1.-2]", b"[]", b"[1.5x]"] {
            assert_eq!(at(text), None, "{text:?}");
        }
    }
}
