//! `imkmsg`: the records of `/dev/kmsg`, each with its number and its fields as `$!`.

use std::fs::File;
use std::io;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::diag::Diagnostics;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Word;
use crate::config::param::Params;
use crate::config::param::Spec;
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
use crate::message::Ack;
use crate::message::MessageFlags;
use crate::message::Pri;
use crate::message::Timestamp;
use crate::message::json::Object;
use crate::message::json::Value;

pub const NAME: &str = "imkmsg";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Reads the kernel's structured messages (/dev/kmsg).",
    availability: Availability::Ready,
    module: &[PARAMS],
    instance: &[],
};

pub static LOCAL: LocalModule =
    LocalModule { module: &MODULE, loaded, instance: |_, _, _, _| None };

static PARAMS: &[Spec] = &[
    Spec::new(
        "parseKernelTimestamp",
        Word(&["startup", "on", "off"]),
        "on",
        "When the kernel's time is the message's: for what was there at the start, always, never.",
    )
    .since("8.2312"),
    Spec::new(
        "readMode",
        Word(&["full-boot", "full-always", "new-only"]),
        "full-always",
        "Whether old messages are read: soon after a boot, always, never.",
    )
    .since("8.2312"),
    Spec::new(
        "expectedBootCompleteSeconds",
        Positive,
        "90",
        "Seconds after a boot that count as soon.",
    )
    .since("8.2312"),
];

const PATH: &str = "/dev/kmsg";
/// Seconds after a boot that count as soon.
const BOOT_S: u64 = 90;
/// The longest record that the kernel gives.
const RECORD_BYTES_MAX: usize = 8 << 10;
/// Fields of a record that are kept.
const FIELDS_MAX: usize = 64;

/// Which records have the kernel's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamped {
    All,
    /// Those that were there at the start.
    Old,
    None,
}

/// `module(load="imkmsg")`
#[derive(Clone, Debug)]
struct KmsgSpec {
    stamped: Stamped,
    /// Old records are read too: if the system has been running for less than this; always.
    old_until: Option<Duration>,
}

fn loaded(params: &Params, _: &Surroundings, _: &mut Diagnostics) -> Vec<Arc<dyn Local>> {
    let word = |name| params.str(name).map(str::to_ascii_lowercase);
    let boot = params.int("expectedBootCompleteSeconds").and_then(|n| u64::try_from(n).ok());
    vec![Arc::new(KmsgSpec {
        stamped: match word("parseKernelTimestamp").as_deref() {
            Some("startup") => Stamped::Old,
            Some("off") => Stamped::None,
            _ => Stamped::All,
        },
        old_until: match word("readMode").as_deref() {
            Some("full-boot") => Some(Duration::from_secs(boot.unwrap_or(BOOT_S))),
            Some("new-only") => Some(Duration::ZERO),
            _ => None,
        },
    })]
}

impl Local for KmsgSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        NAME.to_owned()
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        let mut file = device::open(PATH)?;
        if self.old_until.is_some_and(|until| clock::uptime() >= until) {
            file.seek(SeekFrom::End(0))?;
        }
        let (start, spec) = (clock::kernel_start(), self.clone());
        let opened = clock::wall();
        Ok(Box::new(KmsgReader { spec, file, start, opened }))
    }
}

#[derive(Debug)]
struct KmsgReader {
    spec: KmsgSpec,
    file: File,
    /// When the kernel's clock stood at 0.
    start: Wall,
    opened: Wall,
}

impl Reader for KmsgReader {
    fn read(self: Rc<Self>, feed: Feed, signals: Signals) -> Reading {
        Box::pin(self.run(feed, signals))
    }
}

impl KmsgReader {
    async fn run(self: Rc<Self>, mut feed: Feed, mut signals: Signals) -> io::Result<()> {
        let mut device = Device::new(&self.file)?;
        tokio::select! {
            biased;
            () = signals.stopped() => Ok(()),
            ended = self.records(&mut device, &mut feed) => ended,
        }
    }

    async fn records(&self, device: &mut Device, feed: &mut Feed) -> io::Result<()> {
        let mut buffer = vec![0; RECORD_BYTES_MAX];
        let mut zone = LocalZone::system();
        let mut expected = None;
        loop {
            feed.open().await;
            let read = match device.read(&mut buffer).await {
                Ok(read) => read,
                // Records were overwritten before they were read: the next one tells how many.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => continue,
                Err(error) => return Err(error),
            };
            let Some(record) = Record::parse(&buffer[..read]) else { continue };
            let lost = expected.map_or(0, |number| record.number.saturating_sub(number));
            if lost > 0 {
                feed.stats().dropped_kernel.add(lost);
                let text = format!("{NAME}: {lost} kernel messages were overwritten unread");
                feed.setup().say(Level::Warning, text);
            }
            expected = Some(record.number + 1);
            feed.begin();
            let variables = Some(record.variables());
            feed.push(Ready { pri: record.pri, tag: TAG, text: record.text, variables });
            let time = self.start.after(record.since);
            let stamped = match self.spec.stamped {
                Stamped::All => true,
                Stamped::Old => time < self.opened,
                Stamped::None => false,
            };
            if stamped && let Some(message) = feed.batch().messages.last_mut() {
                message.time = Timestamp::local(time, &mut zone);
                message.flags.set(MessageFlags::TIME);
            }
            feed.submit(Ack::NONE).await;
        }
    }
}

/// `6,339,5140900,-;text`, then fields, each in a line of its own behind a space.
#[derive(Debug, PartialEq)]
struct Record<'a> {
    pri: Pri,
    number: u64,
    /// Since the kernel's start.
    since: Duration,
    text: &'a [u8],
    fields: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(record: &'a [u8]) -> Option<Self> {
        let head = memchr::memchr(b';', record)?;
        let mut numbers = std::str::from_utf8(&record[..head]).ok()?.split(',');
        let pri = numbers.next()?.parse::<u8>().ok().filter(|pri| *pri < 192);
        let number = numbers.next()?.parse().ok()?;
        let since = Duration::from_micros(numbers.next()?.parse().ok()?);
        let rest = &record[head + 1..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (text, fields) = rest.split_at(end);
        Some(Self { pri: pri.map_or(Pri::INVALID, Pri), number, since, text, fields })
    }

    fn variables(&self) -> Value {
        let mut all = Object::default();
        all.push(b"sequnum", Value::Int(i64::try_from(self.number).unwrap_or(i64::MAX)));
        all.push(b"msg", Value::text(self.text));
        let lines = self.fields.split(|byte| *byte == b'\n').take(FIELDS_MAX);
        for line in lines.filter_map(|line| line.strip_prefix(b" ")) {
            if let Some(at) = memchr::memchr(b'=', line) {
                all.push(&line[..at], Value::text(&line[at + 1..]));
            }
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json;
    use crate::message::json::Style;

    fn shown(record: &[u8]) -> Option<(u8, Duration, String)> {
        let record = Record::parse(record)?;
        let mut printed = Vec::new();
        json::print(&record.variables(), Style::Spaced, &mut printed);
        Some((record.pri.0, record.since, String::from_utf8(printed).unwrap()))
    }

    /// The first two as rsyslogd 8.2302 shows them.
    #[test]
    fn records_and_their_fields() {
        let net = b"6,339,5140900,c,caller=T1;NET: Registered protocol family 10\n \
            SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n";
        let (pri, since, variables) = shown(net).unwrap();
        assert_eq!((pri, since), (6, Duration::from_micros(5_140_900)));
        assert_eq!(
            variables,
            r#"{ "sequnum": 339, "msg": "NET: Registered protocol family 10", "SUBSYSTEM": "acpi", "DEVICE": "+acpi:PNP0A03:00" }"#
        );
        let escaped = b"30,340,5140901,-;esc\\x09tab \\xc3 back\\\\ q\"x\n";
        let (pri, _, variables) = shown(escaped).unwrap();
        assert_eq!(pri, 30);
        assert_eq!(variables, r#"{ "sequnum": 340, "msg": "esc\\x09tab \\xc3 back\\\\ q\"x" }"#);
        // rsyslogd reads on into what stood in its buffer before.
        let odd = b"4,341,77;x\n KEY=a=b\n EMPTY=\n noeq\nunindented=1\n";
        assert_eq!(
            shown(odd).unwrap().2,
            r#"{ "sequnum": 341, "msg": "x", "KEY": "a=b", "EMPTY": "" }"#
        );
        for junk in [&b"junk"[..], b"", b";", b"6;x", b"6,1;x", b"a,1,2;x", b"6,b,2;x"] {
            let read = Record::parse(junk);
            assert!(read.is_none_or(|record| record.pri == Pri::INVALID), "{junk:?}");
        }
    }
}
