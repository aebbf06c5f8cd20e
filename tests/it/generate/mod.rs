//! The differential bench, with generated cases: random messages and random templates, and both
//! programs' output compared byte for byte.
//!
//! `BONGSU_ORACLE=live cargo test --test it oracle` runs a fixed set of seeds; `BONGSU_ORACLE_SEED`
//! another one. A difference is shrunk and shown as a file for `tests/oracle/cases`. Without
//! rsyslogd, what it wrote for a part of the set (`tests/data/generate`) is what is right. What is
//! left out, and why, stands in [`known`].

mod bench;
mod json;
pub(crate) mod known;
pub(crate) mod message;
mod replay;
mod shrink;
mod template;

use fastrand::Rng;

use crate::generate::bench::Setup;
use crate::oracle::Mode;
use crate::oracle::find_rsyslogd;
use crate::support::number;
use crate::support::process::BONGSU;

/// The set that always runs: 300 templates, 200,000 messages.
const CONFIGS: usize = 10;
const TEMPLATES: usize = 30;
const MESSAGES: usize = 20_000;
/// Differences that are shrunk: they tend to have one cause.
const SHOWN: usize = 3;

#[test]
fn oracle_generated() {
    match Mode::of_environment() {
        // The recorded cases stand for it.
        Mode::Golden => return,
        Mode::Record => return replay::record(&find_rsyslogd()),
        Mode::Live => {}
    }
    let rsyslogd = find_rsyslogd();
    let seed = u64::try_from(number("BONGSU_ORACLE_SEED", 0)).unwrap();
    let programs = [&*rsyslogd, BONGSU];
    let mut total = 0;
    let mut differences = Vec::new();
    for config in 0..u64::try_from(CONFIGS).unwrap() {
        let mut rng = Rng::with_seed(seed * 1000 + config);
        let setup = Setup::random(TEMPLATES, MESSAGES, &mut rng);
        let [theirs, ours] = setup.run_both(programs).unwrap();
        let bytes: usize = theirs.iter().map(Vec::len).sum();
        println!("config {config}: {bytes} bytes compared");
        assert!(bytes > MESSAGES, "hardly anything was written");
        let wrong = (0..TEMPLATES).filter(|number| theirs[*number] != ours[*number]);
        for number in wrong {
            total += 1;
            if differences.len() < SHOWN {
                let outputs = [&*theirs[number], &*ours[number]];
                differences.push(shrink::explain(&setup, number, outputs, programs));
            }
        }
    }
    assert!(differences.is_empty(), "{total} templates differ\n{}", differences.join("\n"));
}
