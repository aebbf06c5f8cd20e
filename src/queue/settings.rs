//! What the `queue.*` parameters of an object come to.

use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::queue::pace::Pace;
use crate::queue::pace::Window;

/// Messages that a queue with a slowdown takes out at once where nothing is said (rsyslog).
const BATCH_DEFAULT: u64 = 128;

/// The queue of an action. The default is the one that every action has: in memory, bounded in
/// bytes, without any loss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A queue was asked for: `queue.type` is given, and not "Direct".
    pub wanted: bool,
    /// `queue.size`: messages, a bound beside that in bytes.
    pub size: Option<u64>,
    pub discard: Option<Discard>,
    /// `queue.timeoutEnqueue`: how long a full queue is waited for before what should go in is
    /// dropped. `None`: for ever (datagrams: see [`crate::shard::Shard::push_datagrams`]).
    pub patience: Option<Duration>,
    /// `queue.timeoutShutdown` and `queue.timeoutActionCompletion`: how long is delivered once the
    /// inputs have ended. `None`: as long as the stop's time allows.
    pub ending: Option<Duration>,
    /// `queue.samplingInterval`: takes each nth message alone; 0 and 1 take all.
    pub sampling: u64,
    pub pace: Pace,
    /// `queue.filename` and what belongs to it.
    pub disk: Option<DiskSettings>,
}

/// From `mark` queued messages on, those of this severity and less severe ones are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discard {
    pub mark: u64,
    /// 0 to 7; a larger number is less severe.
    pub severity: u8,
}

/// A queue that goes to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSettings {
    /// `queue.filename`: what its folder is called.
    pub name: String,
    /// `queue.spoolDirectory`; otherwise the work directory.
    pub directory: Option<String>,
    /// `queue.type="Disk"`: everything goes through the disk.
    pub always: bool,
    /// Messages in memory from which it goes to disk, and at which it is read back.
    pub high: Option<u64>,
    pub low: Option<u64>,
    /// Bytes on disk; `None` is no limit.
    pub space: Option<u64>,
    /// Bytes of a segment.
    pub segment: Option<u64>,
    /// Waits for the disk before it calls anything safe.
    pub sync: bool,
    /// Saves at the stop what is in memory.
    pub save: bool,
    /// `queue.checkpointInterval`: messages after which what was delivered is noted on disk.
    pub checkpoint: Option<u64>,
}

impl Settings {
    /// Reads checked parameters ([`crate::queue::params::PARAMS`]). `typed`: the object makes a
    /// queue where `queue.type` is not given (the main queue does, an action does not).
    pub fn compile(params: &Params, typed: bool, diags: &mut Diagnostics) -> Self {
        let kind = params.str("queue.type").map(str::to_ascii_lowercase);
        let wanted = kind.as_deref().map_or(typed, |kind| kind != "direct");
        let size = number(params, "queue.size").filter(|n| *n > 0);
        let disk = disk(params, kind.as_deref() == Some("disk"), size);
        if !wanted {
            // Nothing that drops or delays: rsyslogd would have no queue here at all. One with a
            // file was to be safe, and is.
            return Self { size, disk, ..Self::default() };
        }
        Self {
            wanted,
            size,
            discard: discard(params, size, diags),
            patience: millis(params, "queue.timeoutEnqueue"),
            ending: ending(params),
            sampling: number(params, "queue.samplingInterval").unwrap_or(0),
            pace: pace(params, diags),
            disk,
        }
    }

    /// Whether what is left at a stop is kept.
    #[must_use]
    pub fn saves(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.save)
    }
}

fn number(params: &Params, name: &str) -> Option<u64> {
    let size = params.size(name).and_then(|n| u64::try_from(n).ok());
    size.or_else(|| params.int(name).and_then(|n| u64::try_from(n).ok()))
}

fn millis(params: &Params, name: &str) -> Option<Duration> {
    number(params, name).map(Duration::from_millis)
}

fn ending(params: &Params) -> Option<Duration> {
    let wait = millis(params, "queue.timeoutShutdown");
    let last = millis(params, "queue.timeoutActionCompletion");
    (wait.is_some() || last.is_some()).then(|| {
        let wait = wait.unwrap_or(Duration::from_millis(10));
        wait + last.unwrap_or(Duration::from_secs(1))
    })
}

fn discard(params: &Params, size: Option<u64>, diags: &mut Diagnostics) -> Option<Discard> {
    let severity = params.str("queue.discardSeverity")?;
    let Ok(severity) = severity.trim().parse::<u8>() else {
        let text = format!("'queue.discardSeverity' takes a number of 0 to 8, not \"{severity}\"");
        let loc = params.loc("queue.discardSeverity");
        diags.push(Diagnostic::warning(loc, format!("{text}: nothing is discarded")));
        return None;
    };
    let size = size.unwrap_or(1000);
    let mark = number(params, "queue.discardMark").unwrap_or(size / 100 * 80);
    (severity < 8).then_some(Discard { mark, severity })
}

fn pace(params: &Params, diags: &mut Diagnostics) -> Pace {
    let slowdown = number(params, "queue.dequeueSlowdown").filter(|n| *n > 0);
    let slowdown = slowdown.map(Duration::from_micros);
    let asked = number(params, "queue.dequeueBatchSize").filter(|n| *n > 0);
    let min = number(params, "queue.minDequeueBatchSize").unwrap_or(0);
    let patience = millis(params, "queue.minDequeueBatchSize.timeout");
    Pace {
        // rsyslog's batches have a size where nothing is said of it; it tells with a pause alone.
        batch_max: asked.or_else(|| slowdown.map(|_| BATCH_DEFAULT)),
        batch_min: asked.map_or(min, |max| min.min(max)),
        batch_wait: patience.unwrap_or(Duration::from_secs(1)),
        slowdown: slowdown.unwrap_or_default(),
        window: window(params, diags),
    }
}

fn window(params: &Params, diags: &mut Diagnostics) -> Option<Window> {
    let hour = |name| params.int(name).and_then(|n| u8::try_from(n).ok());
    let end = hour("queue.dequeueTimeEnd").filter(|hour| *hour < 25)?;
    let begin = hour("queue.dequeueTimeBegin").unwrap_or(0);
    if begin == end || begin > 23 {
        let text = format!("there is no time between {begin} and {end} o'clock: any hour will do");
        diags.push(Diagnostic::warning(params.loc("queue.dequeueTimeEnd"), text));
        return None;
    }
    Some(Window { begin, end })
}

fn disk(params: &Params, always: bool, size: Option<u64>) -> Option<DiskSettings> {
    let name = params.str("queue.filename").filter(|name| !name.is_empty())?;
    let part = |percent: u64| size.map(|size| size * percent / 100);
    Some(DiskSettings {
        name: name.to_owned(),
        directory: params.str("queue.spoolDirectory").map(str::to_owned),
        always,
        high: number(params, "queue.highWatermark").filter(|n| *n > 0).or_else(|| part(90)),
        low: number(params, "queue.lowWatermark").filter(|n| *n > 0).or_else(|| part(70)),
        space: number(params, "queue.maxDiskSpace").filter(|n| *n > 0),
        segment: number(params, "queue.maxFileSize").filter(|n| *n > 0),
        sync: params.bool("queue.syncQueueFiles").unwrap_or(true),
        save: params.bool("queue.saveOnShutdown").unwrap_or(true),
        checkpoint: number(params, "queue.checkpointInterval").filter(|n| *n > 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::StmtKind;
    use crate::config::param::check;
    use crate::queue::params::PARAMS;

    fn compiled(text: &str) -> (Settings, usize) {
        let text = format!("main_queue({text})");
        let config = crate::config::parse_text("test", text.as_bytes());
        let StmtKind::Object(object) = &config.statements[0].kind else { panic!("no object") };
        let mut diags = Diagnostics::default();
        let params = check(object, &[PARAMS], &mut diags);
        let before = diags.all.len();
        let settings = Settings::compile(&params, false, &mut diags);
        (settings, diags.all.len() - before)
    }

    #[test]
    fn a_queue_that_was_not_asked_for_drops_and_delays_nothing() {
        assert_eq!(compiled("").0, Settings::default());
        let all = "queue.size=\"50\" queue.discardSeverity=\"5\" queue.timeoutEnqueue=\"0\" \
                   queue.samplingInterval=\"3\" queue.dequeueSlowdown=\"5\"";
        assert_eq!(compiled(all).0, Settings { size: Some(50), ..Settings::default() });
        let (settings, _) = compiled(&format!("{all} queue.type=\"LinkedList\""));
        assert_eq!(settings.discard, Some(Discard { mark: 0, severity: 5 }));
        assert_eq!((settings.patience, settings.sampling), (Some(Duration::ZERO), 3));
        assert_eq!(settings.pace.batch_max, Some(128));
    }

    #[test]
    fn files_make_it_safe_whatever_its_type_is() {
        let (settings, _) = compiled("queue.filename=\"q\" queue.size=\"1000\"");
        let disk = settings.disk.unwrap();
        assert_eq!((disk.high, disk.low, disk.always), (Some(900), Some(700), false));
        assert!(disk.sync && disk.save);
        let (settings, _) = compiled("queue.filename=\"q\" queue.type=\"disk\"");
        assert!(settings.disk.unwrap().always);
        assert!(compiled("queue.type=\"Disk\"").0.disk.is_none());
    }

    #[test]
    fn hours_and_severities_that_are_none_are_told() {
        let list = |more: &str| compiled(&format!("queue.type=\"LinkedList\" {more}"));
        let window = "queue.dequeueTimeBegin=\"22\" queue.dequeueTimeEnd";
        let (settings, told) = list(&format!("{window}=\"6\""));
        assert_eq!((settings.pace.window, told), (Some(Window { begin: 22, end: 6 }), 0));
        let (settings, told) = list(&format!("{window}=\"22\""));
        assert_eq!((settings.pace.window, told), (None, 1));
        assert_eq!(list("queue.discardSeverity=\"8\"").0.discard, None);
        assert_eq!(list("queue.discardSeverity=\"high\"").1, 1);
    }
}
