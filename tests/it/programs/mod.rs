//! The differential bench, with generated programs: random RainerScript over random messages, and
//! what both programs write compared byte for byte.
//!
//! `BONGSU_ORACLE=live cargo test --test it oracle` runs 1,000 programs, `BONGSU_PROGRAMS=20000`
//! as many, `BONGSU_ORACLE_SEED` others. A difference is shrunk and shown as a file for
//! `tests/oracle/cases`. Without rsyslogd, what it wrote for a few hundred of them
//! (`tests/data/programs`) is what is right. What is left out, and why, stands in [`known`].

mod bench;
mod expression;
mod json;
mod known;
mod program;
mod replay;
mod shrink;
mod statement;
mod tree;

use fastrand::Rng;

use crate::oracle::Mode;
use crate::oracle::find_rsyslogd;
use crate::programs::bench::Case;
use crate::programs::bench::PROGRAMS_MAX;
use crate::programs::program::Program;
use crate::support::number;
use crate::support::process::BONGSU;

/// Programs that run if nothing else is said.
const PROGRAMS: usize = 1000;
/// Messages that each of them gets.
const MESSAGES: usize = 8;
/// Differences that are shrunk: they tend to have one cause.
const SHOWN: usize = 3;

#[derive(Debug, Default)]
struct Findings {
    programs: usize,
    bytes: usize,
    differences: usize,
    shown: Vec<String>,
}

#[test]
fn oracle_programs() {
    match Mode::of_environment() {
        // The recorded cases stand for it.
        Mode::Golden => return,
        Mode::Record => return replay::record(&find_rsyslogd()),
        Mode::Live => {}
    }
    let rsyslogd = find_rsyslogd();
    let seed = u64::try_from(number("BONGSU_ORACLE_SEED", 0)).unwrap();
    let wanted = number("BONGSU_PROGRAMS", PROGRAMS);
    let mut findings = Findings::default();
    let mut config = 0;
    while findings.programs < wanted {
        let mut rng = Rng::with_seed(seed * 1_000_000 + config);
        let count = PROGRAMS_MAX.min(wanted - findings.programs);
        let programs = (0..count).map(|_| Program::random(MESSAGES, &mut rng)).collect();
        findings.compare([&rsyslogd, BONGSU], programs);
        config += 1;
    }
    let Findings { programs, bytes, differences, shown } = findings;
    println!("{programs} programs, {bytes} bytes compared, {differences} differ");
    assert!(bytes > 200 * programs, "hardly anything was written");
    assert!(differences == 0, "{differences} of {programs} programs differ\n{}", shown.join("\n"));
}

impl Findings {
    /// Runs the programs, and again without the one that a relay dies of.
    fn compare(&mut self, relays: [&str; 2], mut programs: Vec<Program>) {
        loop {
            let cases = Case::all(&programs);
            let [theirs, ours] = bench::run_both(relays, &cases);
            let (Ok(theirs), Ok(ours)) = (&theirs, &ours) else {
                let relay = if theirs.is_err() { relays[0] } else { relays[1] };
                let Some((at, why)) = shrink::deadly(relay, &programs) else { continue };
                let program = programs.remove(at);
                self.programs += 1;
                self.found(|| {
                    let program = shrink::still_deadly(relay, &program);
                    format!("{why}\n{}", shrink::show(relays, &program))
                });
                continue;
            };
            self.programs += programs.len();
            for (at, program) in programs.iter().enumerate() {
                self.bytes += theirs[at].values().map(Vec::len).sum::<usize>();
                if theirs[at] != ours[at] {
                    self.found(|| shrink::show(relays, &shrink::still_different(relays, program)));
                }
            }
            return;
        }
    }

    fn found(&mut self, show: impl FnOnce() -> String) {
        self.differences += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(show());
        }
    }
}
