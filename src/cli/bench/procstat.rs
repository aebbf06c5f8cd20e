//! What a relay costs: processor time and peak memory of a process and its descendants, from
//! `/proc` (proc(5)).

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use crate::base::num::count;

/// `AT_CLKTCK` of the auxiliary vector: ticks of `/proc/PID/stat` in a second.
const AT_CLKTCK: u64 = 17;
/// What it is on every architecture that Linux still supports well.
const TICKS_PER_SECOND: u64 = 100;

/// The use of one process tree up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// User and system time of all threads, in steps of a tick (10 ms).
    pub cpu: Duration,
    /// The sum of the processes' peaks, bytes.
    pub peak_rss: u64,
}

/// What `/proc/PID/stat` says, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of the process with all its threads, and of the children it has waited for.
    ticks: u64,
}

/// The use of `pid` and its descendants; `None` if there is no such process.
pub(super) fn usage(pid: u32) -> Option<Usage> {
    let stats = snapshot();
    stats.get(&pid)?;
    let members = tree(pid, &stats);
    let ticks: u64 =
        members.iter().filter_map(|member| stats.get(member)).map(|stat| stat.ticks).sum();
    let peak_rss = members.into_iter().filter_map(peak_rss).sum();
    let cpu = Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / ticks_per_second()));
    Some(Usage { cpu, peak_rss })
}

/// `pid` and its living descendants, parents first.
pub(super) fn descendants(pid: u32) -> Vec<u32> {
    tree(pid, &snapshot())
}

fn tree(pid: u32, stats: &HashMap<u32, Stat>) -> Vec<u32> {
    let mut members = vec![pid];
    let mut next = 0;
    while let Some(&parent) = members.get(next) {
        let children = stats.iter().filter(|(_, stat)| stat.parent == parent);
        members.extend(children.map(|(&child, _)| child).filter(|child| *child != parent));
        next += 1;
    }
    members
}

fn snapshot() -> HashMap<u32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        // Processes end while this looks at them.
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse_stat(&text)?))
    })
    .collect()
}

/// Fields are counted behind the last `)`: a process may be named anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    // utime, stime, cutime, cstime
    Some(Stat { parent, ticks: number(11)? + number(12)? + number(13)? + number(14)? })
}

fn peak_rss(pid: u32) -> Option<u64> {
    parse_peak_rss(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse_peak_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn ticks_per_second() -> u64 {
    let vector = fs::read("/proc/self/auxv").unwrap_or_default();
    parse_ticks(&vector).unwrap_or(TICKS_PER_SECOND)
}

/// The vector is pairs of native words.
#[expect(clippy::host_endian_bytes, reason = "the kernel writes native words")]
fn parse_ticks(vector: &[u8]) -> Option<u64> {
    const WORD: usize = size_of::<usize>();
    let mut words = vector.chunks_exact(WORD).map(|word| {
        let mut bytes = [0; WORD];
        bytes.copy_from_slice(word);
        count(usize::from_ne_bytes(bytes))
    });
    loop {
        let (key, value) = (words.next()?, words.next()?);
        if key == AT_CLKTCK && value > 0 {
            return Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::monotonic;

    #[test]
    fn a_name_may_hold_anything() {
        let text = "77 (a) b (c)) S 12 77 77 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 5 0 99";
        assert_eq!(parse_stat(text), Some(Stat { parent: 12, ticks: 127 }));
        assert_eq!(parse_stat("77 (a"), None);
    }

    #[test]
    fn peaks_are_in_bytes() {
        assert_eq!(parse_peak_rss("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(parse_peak_rss("Name:\tx\n"), None);
    }

    #[test]
    fn a_tree_is_walked_to_its_leaves() {
        let stats = [(2, 1), (3, 2), (4, 3), (5, 1)];
        let stats = stats.map(|(pid, parent)| (pid, Stat { parent, ticks: 0 })).into();
        assert_eq!(tree(2, &stats), [2, 3, 4]);
    }

    #[test]
    fn this_process_uses_something() {
        let before = usage(std::process::id()).unwrap();
        assert!(before.peak_rss > 1 << 20);
        let start = monotonic();
        while start.elapsed() < Duration::from_millis(60) {}
        assert!(usage(std::process::id()).unwrap().cpu > before.cpu);
        assert_eq!(usage(u32::MAX), None);
        assert!((50..=10_000).contains(&ticks_per_second()));
    }
}
