//! A program that both make something else of, made small enough to read: all that is a little
//! smaller runs at once, in one configuration, and the smallest that still differs is the next.

use std::slice;
use std::time::Duration;
use std::time::Instant;

use crate::oracle::text;
use crate::programs::bench;
use crate::programs::bench::Case;
use crate::programs::bench::Files;
use crate::programs::program::Program;

/// Programs that run at once: half a configuration is through sooner.
const TOGETHER: usize = 25;
/// Time that one difference may cost.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first program of which the relay dies, or which it does not take, and what it says.
pub(crate) fn deadly(relay: &str, programs: &[Program]) -> Option<(usize, String)> {
    let cases = Case::all(programs);
    let (mut from, mut to) = (0, cases.len());
    let mut why = bench::run(relay, &cases).err()?;
    while to - from > 1 {
        let middle = from.midpoint(to);
        match bench::run(relay, &cases[from..middle]) {
            Err(said) => (to, why) = (middle, said),
            Ok(_) => from = middle,
        }
    }
    Some((from, why))
}

/// The smallest program found of which `relay` dies.
pub(crate) fn still_deadly(relay: &str, program: &Program) -> Program {
    let since = Instant::now();
    let mut best = program.clone();
    'smaller: while since.elapsed() < PATIENCE {
        let mut smaller = best.smaller();
        smaller.sort_by_key(|program| program.text().len());
        for half in smaller.chunks(8) {
            if since.elapsed() > PATIENCE {
                break 'smaller;
            }
            if let Some((at, _)) = deadly(relay, half) {
                best = half[at].clone();
                continue 'smaller;
            }
        }
        break;
    }
    best
}

/// The smallest program found that differs.
pub(crate) fn still_different(relays: [&str; 2], program: &Program) -> Program {
    let since = Instant::now();
    let mut best = program.clone();
    'smaller: while since.elapsed() < PATIENCE {
        let mut smaller = best.smaller();
        smaller.sort_by_key(|program| program.text().len() + program.stream().len());
        for some in smaller.chunks(TOGETHER) {
            let cases = Case::all(some);
            let [Ok(left), Ok(right)] = bench::run_both(relays, &cases) else { continue };
            if let Some(at) = (0..some.len()).find(|at| left[*at] != right[*at]) {
                best = some[at].clone();
                continue 'smaller;
            }
        }
        break;
    }
    best
}

/// The program as a file for `tests/oracle/cases`, with what each wrote.
pub(crate) fn show(relays: [&str; 2], program: &Program) -> String {
    let cases = Case::all(slice::from_ref(program));
    let case = &cases[0];
    let mut shown = format!(
        "# What a generated program makes of its messages.\n-- conf --\n\
         global(localHostname=\"relay\" net.enableDNS=\"off\")\n\
         module(load=\"imtcp\")\nmodule(load=\"mmjsonparse\")\nmodule(load=\"fmhash\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"@IN@\" ruleset=\"main0\")\n\
         {}-- tcp --\n{}",
        case.text.replace("@N@", "0"),
        text::encode_stream(&case.stream)
    );
    let outputs = bench::run_both(relays, &cases);
    for (relay, output) in ["rsyslogd", "bongsu"].iter().zip(outputs) {
        shown.push_str(&format!("({relay})\n"));
        match output {
            Ok(files) => shown.push_str(&expected(&files[0])),
            Err(why) => shown.push_str(&why),
        }
    }
    shown
}

pub(crate) fn expected(files: &Files) -> String {
    let section = |(name, bytes): (&String, &Vec<u8>)| {
        format!("-- expect file 0.{name} --\n{}", text::encode_stream(bytes))
    };
    files.iter().map(section).collect()
}
