//! A limit for each process that logs (imuxsock's `rateLimit.*`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::input::ratelimit::RateLimitSpec;
use crate::input::ratelimit::Window;
use crate::message::Pri;

/// Processes that are remembered. While there are more within an interval, the others share one
/// limit.
const PROCESSES_MAX: usize = 4096;
/// Stands for those others.
const OTHERS: u32 = 0;

/// The processes that logged of late.
#[derive(Debug)]
pub(in crate::input) struct Processes {
    spec: RateLimitSpec,
    reporter: Arc<dyn Reporter>,
    known: HashMap<u32, Process>,
    /// Limits made so far.
    pub(in crate::input) made: u64,
}

#[derive(Debug)]
struct Process {
    /// What is said of it begins with this.
    name: String,
    window: Window,
}

impl Processes {
    /// `None` if there is no limit.
    pub(in crate::input) fn new(
        spec: &RateLimitSpec,
        reporter: &Arc<dyn Reporter>,
    ) -> Option<Self> {
        let limited = !spec.interval.is_zero();
        let (spec, reporter) = (spec.clone(), reporter.clone());
        limited.then(|| Self { spec, reporter, known: HashMap::new(), made: 0 })
    }

    /// Whether a message of the process `pid`, which `name` finds a name for, may pass; `from` is
    /// where it comes from and the program that it names.
    pub(in crate::input) fn admit(
        &mut self,
        pid: u32,
        pri: Pri,
        now: Instant,
        name: impl Fn(u32) -> String,
        from: impl Fn() -> String,
    ) -> bool {
        if pri.severity() < self.spec.severity {
            return true;
        }
        if self.known.len() >= PROCESSES_MAX && !self.known.contains_key(&pid) {
            self.forget(now);
        }
        let full = self.known.len() >= PROCESSES_MAX && !self.known.contains_key(&pid);
        let Self { spec, reporter, known, made } = self;
        let process = known.entry(if full { OTHERS } else { pid }).or_insert_with(|| {
            *made += 1;
            let name = if full { "imuxsock[others]".to_owned() } else { name(pid) };
            Process { name, window: Window::default() }
        });
        let verdict = process.window.admit(spec, 1, now);
        let name = &process.name;
        if let Some(lost) = verdict.ended {
            say_lost(&**reporter, spec, name, lost);
        }
        if verdict.began {
            let from = from();
            let text = format!("{name} from <{from}>: begin to drop messages due to rate-limiting");
            reporter.say(Level::Warning, text);
        }
        verdict.pass == 1
    }

    /// Forgets those whose interval is over.
    fn forget(&mut self, now: Instant) {
        let Self { spec, reporter, known, .. } = self;
        known.retain(|_, Process { name, window }| {
            let over = window.start.is_none_or(|at| now.duration_since(at) >= spec.interval);
            if over && window.dropped > 0 {
                say_lost(&**reporter, spec, name, window.dropped);
            }
            !over
        });
    }
}

/// What has not been said yet is said at the end.
impl Drop for Processes {
    fn drop(&mut self) {
        for Process { name, window } in self.known.values().filter(|one| one.window.dropped > 0) {
            say_lost(&*self.reporter, &self.spec, name, window.dropped);
        }
    }
}

fn say_lost(reporter: &dyn Reporter, spec: &RateLimitSpec, name: &str, lost: u64) {
    let allowed = format!("({} allowed within {} seconds)", spec.burst, spec.interval.as_secs());
    let text = format!("{name}: {lost} messages lost due to rate-limiting {allowed}");
    reporter.say(Level::Warning, text);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock;
    use crate::base::reporter::Said;

    fn processes(severity: u8) -> (Processes, Arc<Said>) {
        let said = Arc::new(Said::default());
        let interval = Duration::from_secs(2);
        let spec = RateLimitSpec { interval, burst: 3, severity, per_source: None };
        let reporter: Arc<dyn Reporter> = said.clone();
        (Processes::new(&spec, &reporter).unwrap(), said)
    }

    fn admit(all: &mut Processes, pid: u32, severity: u8, now: Instant) -> bool {
        let name = |pid| format!("imuxsock[pid: {pid}, name: x]");
        all.admit(pid, Pri::new(1, severity), now, name, || "h:t".to_owned())
    }

    #[test]
    fn each_process_has_its_own() {
        let (mut all, said) = processes(1);
        let now = clock::monotonic();
        let passed =
            |all: &mut Processes, pid, now| (0..5).filter(|_| admit(all, pid, 6, now)).count();
        assert_eq!(passed(&mut all, 7, now), 3);
        assert_eq!(passed(&mut all, 8, now), 3);
        assert_eq!(passed(&mut all, 7, now + Duration::from_secs(2)), 3);
        drop(all);
        let said = said.0.lock().unwrap();
        assert_eq!(
            said[..4],
            [
                "imuxsock[pid: 7, name: x] from <h:t>: begin to drop messages due to rate-limiting",
                "imuxsock[pid: 8, name: x] from <h:t>: begin to drop messages due to rate-limiting",
                "imuxsock[pid: 7, name: x]: 2 messages lost due to rate-limiting (3 allowed \
                 within 2 seconds)",
                "imuxsock[pid: 7, name: x] from <h:t>: begin to drop messages due to rate-limiting",
            ]
        );
        assert_eq!(said.len(), 6, "{said:?}");
    }

    #[test]
    fn what_is_more_severe_is_free() {
        let (mut all, _) = processes(5);
        let now = clock::monotonic();
        assert!((0..9).all(|_| admit(&mut all, 7, 4, now)));
        assert_eq!((0..9).filter(|_| admit(&mut all, 7, 5, now)).count(), 3);
        assert_eq!(all.made, 1);
    }

    #[test]
    fn the_table_has_a_bound() {
        let (mut all, _) = processes(1);
        let now = clock::monotonic();
        let many = u32::try_from(PROCESSES_MAX).unwrap();
        assert!((1..=many).all(|pid| admit(&mut all, pid, 6, now)));
        // The others share three.
        assert_eq!((1..9).filter(|n| admit(&mut all, many + n, 6, now)).count(), 3);
        assert!(all.known.len() <= PROCESSES_MAX + 1);
        let later = now + Duration::from_secs(2);
        assert!((1..9).all(|n| admit(&mut all, many + n, 6, later)));
        assert_eq!(all.known.len(), 8);
    }
}
