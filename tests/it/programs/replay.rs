//! Generated programs that were recorded: one line of `tests/data/programs/cases.jsonl` is a
//! program, its messages, and what rsyslogd wrote.

use std::fs;

use fastrand::Rng;
use serde_json::Value;
use serde_json::json;

use crate::oracle::text;
use crate::programs::bench;
use crate::programs::bench::Case;
use crate::programs::bench::Files;
use crate::programs::bench::PROGRAMS_MAX;
use crate::programs::known;
use crate::programs::program::Program;
use crate::support::process::BONGSU;
use crate::support::source;

/// Where the recorded cases are.
const FILE: &str = "tests/data/programs/cases.jsonl";
/// Programs that are recorded, and the messages that each of them gets.
const PROGRAMS: usize = 300;
const MESSAGES: usize = 4;
/// What a program with its messages and outputs may take, so that many fit into little.
const SIZE_MAX: usize = 5000;

/// Records anew what two runs of rsyslogd agree in.
pub(crate) fn record(rsyslogd: &str) {
    let mut lines = Vec::new();
    let mut seed = 2_000_000_000;
    while lines.len() < PROGRAMS {
        seed += 1;
        let mut rng = Rng::with_seed(seed);
        let random = |_| Program::random(MESSAGES, &mut rng);
        let programs: Vec<_> = (0..PROGRAMS_MAX).map(random).collect();
        let cases = Case::all(&programs);
        // What rsyslogd dies of, or does now so and now so, is not recorded.
        let [Ok(first), Ok(second)] = bench::run_both([rsyslogd, rsyslogd], &cases) else {
            continue;
        };
        if first != second {
            continue;
        }
        for (case, files) in cases.iter().zip(first) {
            let line = line(case, &files);
            if line.len() < SIZE_MAX && !files.is_empty() {
                lines.push(line);
            }
        }
    }
    lines.truncate(PROGRAMS);
    fs::write(source::root().join(FILE), lines.concat()).unwrap();
}

fn line(case: &Case, files: &Files) -> String {
    let out: serde_json::Map<_, _> = encoded(files);
    let line = json!({
        "number": case.number,
        "conf": case.text,
        "queued": case.queued,
        "in": text::encode_stream(&case.stream),
        "out": out,
    });
    format!("{line}\n")
}

fn encoded(files: &Files) -> serde_json::Map<String, Value> {
    let encode = |(name, bytes): (&String, &Vec<u8>)| {
        (name.clone(), Value::String(text::encode_stream(bytes)))
    };
    files.iter().map(encode).collect()
}

fn recorded() -> Vec<Value> {
    let file = fs::read_to_string(source::root().join(FILE)).unwrap();
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn generated_programs_do_as_recorded() {
    let all = recorded();
    let mut wrong = Vec::new();
    // Those that were recorded together have numbers that rise.
    for some in all.chunk_by(|one, next| one["number"].as_u64() < next["number"].as_u64()) {
        let case = |case: &Value| Case {
            number: case["number"].as_u64().unwrap().try_into().unwrap(),
            text: case["conf"].as_str().unwrap().to_owned(),
            queued: case["queued"].as_bool().unwrap(),
            stream: text::decode_stream(case["in"].as_str().unwrap()),
        };
        let cases: Vec<_> = some.iter().map(case).collect();
        let ours = bench::run(BONGSU, &cases).unwrap();
        for (case, ours) in some.iter().zip(ours) {
            let ours = encoded(&ours);
            if case["out"].as_object() != Some(&ours) {
                wrong.push(format!("{case}\nbongsu: {}", Value::Object(ours)));
            }
        }
    }
    assert!(all.len() >= PROGRAMS, "only {} programs", all.len());
    assert!(wrong.is_empty(), "{} programs differ\n{}", wrong.len(), wrong.join("\n"));
}

/// What the generator knows is in a recorded case.
#[test]
fn generated_programs_cover_what_is_generated() {
    let texts: Vec<_> =
        recorded().iter().map(|case| case["conf"].as_str().unwrap().to_owned()).collect();
    let words = [
        "else if",
        "foreach",
        "call_indirect",
        "stop",
        "& ",
        "reset ",
        "unset ",
        " not ",
        " and ",
        " or ",
        " contains ",
        " contains_i ",
        " startswith ",
        " startswith_i ",
        " == [",
        " <> ",
        "mmjsonparse",
        "isempty",
        "ereregex",
        "!regex",
        "queue.type",
    ];
    let functions = known::functions();
    let words = words.iter().copied().chain(functions.iter().map(|function| function.name));
    let missing: Vec<_> =
        words.filter(|word| !texts.iter().any(|text| text.contains(word))).collect();
    assert!(missing.is_empty(), "no recorded program has {missing:?}");
}
