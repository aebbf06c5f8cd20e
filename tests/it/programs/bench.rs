//! One configuration with many programs, run by a relay. Each program has a connection from an
//! address of its own, by which its messages are told from the others', and files of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::programs::program::Program;
use crate::support::connect;
use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

/// Programs in a configuration: connections wait in line until imptcp takes them, which is the
/// input that lets 200 wait (`socketBacklog`).
pub(crate) const PROGRAMS_MAX: usize = 50;
/// A relay that does not listen by then does not start.
const READY: Duration = Duration::from_secs(10);
/// All messages are through by then, or never.
const THROUGH: Duration = Duration::from_secs(30);
/// A relay that is told to stop has done so by then.
const END: Duration = Duration::from_secs(5);
/// The last message of each connection.
const LAST: &str = "<13>Oct 11 22:14:15 web app: the-last-message-of-this-program\n";
/// What a ruleset with a queue does with it.
pub(crate) const LAST_GATE: &str =
    "{\nif $msg contains 'the-last-message-of-this-program' then {\ncall last\nstop\n}\n";

/// What a program wrote, by the end of the file's name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A program as it is run: its rulesets, whether one has a queue, and what it gets.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// By which it is told from the others: of its address, its names and its files.
    pub(crate) number: usize,
    pub(crate) text: String,
    pub(crate) queued: bool,
    pub(crate) stream: Vec<u8>,
}

impl Case {
    /// The programs as they are run together.
    pub(crate) fn all(programs: &[Program]) -> Vec<Self> {
        let case = |(number, program): (usize, &Program)| Self {
            number,
            text: program.text(),
            queued: program.queued(),
            stream: program.stream(),
        };
        programs.iter().enumerate().map(case).collect()
    }
}

/// The rulesets that bring each program its messages.
fn config(cases: &[Case], dir: &Path, port: u16) -> String {
    let mut text = format!(
        "global(localHostname=\"relay\" net.enableDNS=\"off\")\n\
         main_queue(queue.type=\"FixedArray\" queue.workerThreads=\"1\")\n\
         module(load=\"imptcp\" threads=\"1\" processOnPoller=\"on\")\n\
         module(load=\"mmjsonparse\")\nmodule(load=\"fmhash\")\n\
         template(name=\"last\" type=\"string\" string=\"%fromhost-ip%\\n\")\n\
         input(type=\"imptcp\" address=\"127.0.0.1\" port=\"{port}\" socketBacklog=\"200\" \
         ruleset=\"sources\")\n\
         ruleset(name=\"last\") {{\n\
         action(type=\"omfile\" file=\"@DIR@/last.log\" template=\"last\")\n}}\n"
    );
    let mut sources = String::from("ruleset(name=\"sources\") {\n");
    for case in cases {
        let n = case.number.to_string();
        text.push_str(&case.text.replace("@N@", &n));
        let from = address(case.number);
        let queue = if case.queued { format!("call queue{n}\n") } else { String::new() };
        sources.push_str(&format!(
            "if $fromhost-ip == '{from}' then {{\n\
             if $msg contains 'the-last-message-of-this-program' then {{\n\
             call last\n{queue}stop\n}}\ncall main{n}\nstop\n}}\n"
        ));
    }
    format!("{text}{sources}}}\n").replace("@DIR@", &dir.display().to_string())
}

fn address(number: usize) -> String {
    format!("127.0.1.{}", number + 1)
}

/// What `program` (a relay) makes of the cases, or why it makes nothing.
pub(crate) fn run(relay: &str, cases: &[Case]) -> Result<Vec<Files>, String> {
    assert!(cases.len() <= PROGRAMS_MAX, "{} programs at once", cases.len());
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let mut daemon = start(relay, dir.path(), &config(cases, dir.path(), port), &[]);
    if !wait_for(READY, || tcp_listens(port) || !daemon.running()) || !daemon.running() {
        let ended = daemon.ended();
        return Err(format!("{relay} does not listen: {} {}", ended.status, ended.stderr));
    }
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || {
                let Ok(mut connection) = connect(&address(case.number), port) else { return };
                // A relay that has died is told from one that works by what it wrote.
                _ = connection.write_all(&[&case.stream, LAST.as_bytes()].concat());
            });
        }
    });
    let wanted = cases.len() + cases.iter().filter(|case| case.queued).count();
    let last = dir.path().join("last.log");
    let lines = || fs::read_to_string(&last).map_or(0, |text| text.lines().count());
    let mut alive = true;
    let through = wait_for(THROUGH, || {
        alive = daemon.running();
        !alive || lines() >= wanted
    });
    if !through || !alive {
        if alive {
            let missing = format!("{} of {wanted} ends are there", lines());
            let said = format!("{missing}; {}", daemon.stop().stderr);
            return Err(format!("{relay} does not come to an end: {said}"));
        }
        let ended = daemon.ended();
        return Err(format!("{relay} died: {} {}", ended.status, ended.stderr));
    }
    daemon.signal(Signal::TERM);
    // rsyslogd may free an expression of constants twice when it ends, and die of it, or hang.
    // What it wrote is there.
    if !wait_for(END, || !daemon.running()) && relay != BONGSU {
        drop(daemon);
        return Ok(files(dir.path(), cases));
    }
    let ended = daemon.ended();
    if let Some(at) = ended.stderr.find("error during parsing") {
        return Err(format!("{relay} does not take it: {}", ended.stderr.split_at(at).1));
    }
    if relay == BONGSU && !ended.status.success() {
        return Err(format!("{relay} ended with {}: {}", ended.status, ended.stderr));
    }
    Ok(files(dir.path(), cases))
}

fn files(dir: &Path, cases: &[Case]) -> Vec<Files> {
    let mut all = vec![Files::new(); cases.len()];
    for entry in fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some((number, rest)) = name.split_once('.') else { continue };
        let Some(at) = cases.iter().position(|case| case.number.to_string() == number) else {
            continue;
        };
        all[at].insert(rest.to_owned(), fs::read(dir.join(&name)).unwrap());
    }
    all
}

/// What both make of the cases, at the same time.
pub(crate) fn run_both(relays: [&str; 2], cases: &[Case]) -> [Result<Vec<Files>, String>; 2] {
    thread::scope(|scope| {
        let runs = relays.map(|relay| scope.spawn(move || run(relay, cases)));
        runs.map(|run| run.join().unwrap())
    })
}
