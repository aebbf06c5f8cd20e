//! The task that reads the counters and reports them.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::clock;
use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::drain::Signals;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::versions::Versions;
use crate::input::InputStats;
use crate::input::impstats::ImpstatsSpec;
use crate::input::local::Ready;
use crate::message::Batch;
use crate::message::InputInfo;
use crate::message::Source;
use crate::message::Timestamp;
use crate::message::month_name;
use crate::rules::RulesetId;
use crate::shard::Shard;
use crate::shard::Stuck;
use crate::telemetry::Nature;
use crate::telemetry::Object;
use crate::telemetry::Probe;
use crate::telemetry::report;

/// The program that reports say they are from: what reads them looks for rsyslogd's name.
const TAG: &[u8] = b"rsyslogd-pstats:";

/// The running impstats.
#[derive(Debug)]
pub struct Impstats {
    setups: Arc<Versions<ImpstatsSetup>>,
    stats: Arc<InputStats>,
    reporter: Arc<dyn Reporter>,
    zone: LocalZone,
    /// Outlives a panic of the task: what was shown is not shown again.
    before: Before,
}

/// What it reports, and how.
#[derive(Debug)]
pub struct ImpstatsSetup {
    pub spec: ImpstatsSpec,
    pub ruleset: RulesetId,
    pub info: Arc<InputInfo>,
    /// What is reported, in this order.
    pub probes: Vec<Box<dyn Probe>>,
}

/// What the counters were at the report before, by object: `resetCounters` shows the difference, so
/// that the counters themselves stay whole for everyone else who reads them. Several objects may
/// have one name; a number tells them apart.
type Before = HashMap<(&'static str, String, usize), HashMap<Vec<u8>, i64>>;

impl Impstats {
    #[must_use]
    pub fn new(
        setups: Arc<Versions<ImpstatsSetup>>,
        stats: Arc<InputStats>,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        Self { setups, stats, reporter, zone: LocalZone::system(), before: Before::new() }
    }

    /// Counts reports.
    #[must_use]
    pub const fn stats(&self) -> &Arc<InputStats> {
        &self.stats
    }

    /// Reports every so often until the stop, and then once more, as rsyslogd does.
    pub async fn run(&mut self, shard: Rc<Shard>, mut signals: Signals) {
        let mut stuck = Stuck::new();
        let mut file_failed = false;
        while !signals.stopping() {
            tokio::select! {
                biased;
                () = signals.stopped() => {}
                () = tokio::time::sleep(self.setups.latest().spec.interval) => {}
            }
            let setup = self.setups.latest();
            let time = ctime(clock::wall(), &mut self.zone);
            let lines = setup.lines(&mut self.before, &time);
            if let Err(error) = write_file(&setup.spec, &lines, &time).await {
                // Said once, not at each report.
                if !std::mem::replace(&mut file_failed, true) {
                    let text = format!("impstats: cannot write log.file: {error}");
                    self.reporter.say(Level::Error, text);
                }
            } else {
                file_failed = false;
            }
            if setup.spec.to_rules {
                self.send(&lines, &shard, &mut stuck);
                shard.push_all(&mut stuck).await;
            }
        }
    }

    /// Through the rules, as messages.
    fn send(&self, lines: &[Vec<u8>], shard: &Shard, stuck: &mut Stuck) {
        // From here to the flush nothing waits.
        shard.epoch();
        let setup = self.setups.at(shard.generation());
        let source = Arc::new(Source::new(None, Some(&setup.info.hostname)));
        let mut batch = Batch::new(setup.info.clone());
        batch.arrival = shard.arrival();
        batch.sources.push(source.clone());
        let (mut bytes, mut hostname) = (0, None);
        for line in lines {
            let ready = Ready { pri: setup.spec.pri, tag: TAG, text: line, variables: None };
            hostname = Some(ready.push_to(&mut batch, hostname));
            bytes += line.len();
        }
        self.stats.count(&batch);
        self.stats.bytes.add(count(bytes));
        let route = shard.route_of(setup.ruleset, &source, &setup.info);
        self.stats.passed(shard.run(&mut batch, &route));
        shard.flush(&batch.ack, stuck);
    }
}

/// `log.file`: each line behind the time. On a thread that may hang.
async fn write_file(spec: &ImpstatsSpec, lines: &[Vec<u8>], time: &str) -> io::Result<()> {
    let Some(path) = spec.file.clone() else { return Ok(()) };
    let mut text = Vec::new();
    for line in lines {
        if !spec.format.is_bare() {
            text.extend_from_slice(time.as_bytes());
            text.extend_from_slice(b": ");
        }
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let overwrite = spec.overwrite;
    let written = tokio::task::spawn_blocking(move || write(&path, &text, overwrite)).await;
    written.unwrap_or_else(|_| Err(io::Error::other("the writer ended")))
}

impl ImpstatsSetup {
    /// One report.
    fn lines(&self, before: &mut Before, time: &str) -> Vec<Vec<u8>> {
        let shown = self.probes.iter().filter(|probe| probe.is_shown());
        let mut objects: Vec<Object> = shown.map(|probe| probe.read()).collect();
        if self.spec.reset {
            // What is not there any more is forgotten.
            let mut now = Before::new();
            for object in &mut objects {
                let mut key = (object.origin, object.name.clone(), 0);
                while now.contains_key(&key) {
                    key.2 += 1;
                }
                let mut figures = before.remove(&key).unwrap_or_default();
                since(object, &mut figures);
                now.insert(key, figures);
            }
            *before = now;
        }
        let mut lines = report(&objects, self.spec.format, time);
        if self.spec.bracketing {
            lines.insert(0, b"BEGIN".to_vec());
            lines.push(b"END".to_vec());
        }
        lines
    }
}

/// Takes from the counters what they were `before`, which becomes what they are.
fn since(object: &mut Object, before: &mut HashMap<Vec<u8>, i64>) {
    for figure in object.figures.iter_mut().filter(|figure| figure.nature == Nature::Counter) {
        let now = figure.value;
        let then = before.insert(figure.name.to_vec(), now).unwrap_or(0);
        figure.value = now.saturating_sub(then);
    }
}

fn write(path: &Path, text: &[u8], overwrite: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(!overwrite).truncate(overwrite);
    options.open(path)?.write_all(text)
}

/// `Sun Nov 22 10:25:02 2026`, in local time.
fn ctime(wall: Wall, zone: &mut LocalZone) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let local = wall.secs + i64::from(zone.offset(wall.secs));
    let at = Timestamp::civil(local);
    let day = usize::try_from(local.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        DAYS[day],
        month_name(at.month),
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Figure;

    #[test]
    fn times_are_ctimes() {
        let mut utc = LocalZone::of(jiff::tz::TimeZone::UTC);
        let at = |secs| Wall { secs, micros: 999_999 };
        assert_eq!(ctime(at(1_795_343_102), &mut utc), "Sun Nov 22 10:25:02 2026");
        assert_eq!(ctime(at(0), &mut utc), "Thu Jan  1 00:00:00 1970");
        let mut seoul = LocalZone::of(jiff::tz::TimeZone::get("Asia/Seoul").unwrap());
        assert_eq!(ctime(at(1_709_218_799), &mut seoul), "Thu Feb 29 23:59:59 2024");
    }

    /// One more each time it is read; the second time it panics.
    #[derive(Debug, Default)]
    struct Bomb(std::sync::atomic::AtomicU64);

    impl Probe for Bomb {
        fn read(&self) -> Object {
            let reads = 1 + self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert_ne!(reads, 2, "the second time");
            Object::new("o".into(), "o", vec![Figure::counter(&b"n"[..], reads)])
        }
    }

    /// What was shown before the panic is not shown again after it.
    #[tokio::test]
    async fn a_panic_does_not_bring_totals_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stats");
        let setup = ImpstatsSetup {
            spec: ImpstatsSpec {
                interval: std::time::Duration::from_millis(20),
                pri: crate::message::Pri::new(5, 6),
                bracketing: false,
                to_rules: false,
                reset: true,
                file: Some(file.clone()),
                overwrite: false,
                format: crate::telemetry::Format::Json,
            },
            ruleset: RulesetId(0),
            info: Arc::new(InputInfo { name: "i".into(), hostname: "h".into() }),
            probes: vec![Box::new(Bomb::default())],
        };
        let said = Arc::new(crate::base::reporter::Said::default());
        let info = setup.info.clone();
        let zone = LocalZone::system();
        let shard = Rc::new(Shard::new(0, Arc::default(), Vec::new(), info, zone, said.clone()));
        let setups = Arc::new(Versions::new(1, setup));
        let mut impstats = Impstats::new(setups, Arc::default(), said);
        let (control, signals) = crate::base::drain::Control::new();
        let first = impstats.run(shard.clone(), signals.clone());
        assert!(crate::base::poison::survived(first).await.is_err());
        let stop = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            control.stop();
        };
        // It reports once more at the stop.
        tokio::join!(impstats.run(shard, signals), stop);
        let text = std::fs::read_to_string(&file).unwrap();
        let figures: Vec<_> =
            text.lines().filter_map(|line| line.rsplit("\"n\": ").next()).collect();
        assert_eq!(figures[..3], ["1 }", "2 }", "1 }"], "{text}");
    }

    #[test]
    fn a_reset_shows_what_is_new() {
        let mut before = HashMap::new();
        let mut read = |counter, gauge| {
            let figures =
                vec![Figure::counter(&b"c"[..], counter), Figure::gauge(&b"g"[..], gauge)];
            let mut object = Object::new("o".into(), "o", figures);
            since(&mut object, &mut before);
            object.figures.iter().map(|figure| figure.value).collect::<Vec<_>>()
        };
        assert_eq!(read(7, 7), [7, 7]);
        assert_eq!(read(7, 7), [0, 7]);
        assert_eq!(read(10, 6), [3, 6]);
    }
}
