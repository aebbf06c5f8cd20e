//! `tests/data/rules/lookup.json`: tables, keys, and what rsyslogd 8.2302 made of them: whether
//! `-N1` takes the table, what it says of it, and the answers. `lookup-reload.json`: what becomes
//! of a table whose file changes. `BONGSU_ORACLE=record` asks rsyslogd again.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use bstr::ByteSlice;
use serde_json::Value as Json;
use serde_json::json;

use super::Answer;
use super::Table;
use super::Tables;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::base::reporter::Said;

/// Between answers, and behind the last one.
const MARKS: [&str; 2] = ["<|>", "<<>>"];
/// What a reloaded table is asked.
const ASKED: [&str; 3] = ["a", "x", "0"];

fn load(name: &str) -> (String, Json) {
    let path = format!("{}/tests/data/rules/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let data = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    (path, data)
}

fn recording() -> bool {
    env::var("BONGSU_ORACLE").as_deref() == Ok("record")
}

fn save(path: &str, data: &Json) {
    let lines: Vec<_> = data.as_array().unwrap().iter().map(Json::to_string).collect();
    fs::write(path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

fn text(answer: Answer<'_>) -> String {
    let Answer::Text(text) = answer else { panic!("{answer:?}") };
    text.to_str().unwrap().to_owned()
}

/// Ours has the place behind rsyslogd's words, the number of an error, and not the kind of table.
fn same_words(ours: &str, theirs: &str) -> bool {
    let theirs = theirs.replace("unupported", "unsupported").replace("table name:", "table named:");
    let kinds = ["'string' ", "'array' ", "'sparseArray' "];
    let theirs = kinds.iter().find_map(|kind| theirs.strip_prefix(kind)).unwrap_or(&theirs);
    ours.split(" (line").next() == Some(theirs) || ours.split(" (os error").next() == Some(theirs)
}

/// Newer versions know regex, and numbers beyond 31 bits mean what they say here
/// (docs/differences.md).
fn departs(table: &str, key: &Json) -> bool {
    matches!(table, "bad_regex" | "far" | "sneg")
        || matches!(table, "spa" | "ip") && key == "4294967295"
}

#[test]
fn tables_answer_as_those_of_rsyslogd() {
    let (path, mut groups) = load("lookup");
    if recording() {
        groups.as_array_mut().unwrap().iter_mut().for_each(record);
        save(&path, &groups);
    }
    let mut asked = 0;
    let mut wrong = Vec::new();
    for group in groups.as_array().unwrap() {
        let name = group["name"].as_str().unwrap();
        let read = Table::parse(group["table"].as_str().unwrap().as_bytes(), false);
        let mut said = match &read {
            Ok(table) => table.remarks().words(name).filter(|said| said.1).collect(),
            Err(flaw) => vec![(flaw.words(name, "FILE"), true)],
        };
        let taken = group["taken"].as_bool().unwrap();
        let theirs = group["said"].as_array().unwrap();
        // Of a value that is no object at all it also says that the version is missing.
        said.retain(|(said, _)| !theirs.iter().any(|t| same_words(said, t.as_str().unwrap())));
        if !departs(name, &Json::Null) && (!said.is_empty() || (theirs.is_empty() != taken)) {
            wrong.push(format!("{name}: {said:?} {theirs:?}"));
        }
        let table = read.unwrap_or_else(|_| Table::stub(b""));
        let keys = group["keys"].as_array().unwrap();
        let answers = group["answers"].as_array().unwrap();
        assert_eq!(keys.len(), answers.len(), "{name}");
        for (key, wanted) in keys.iter().zip(answers) {
            asked += 1;
            let got = match key.as_i64() {
                Some(number) => text(table.get_number(number)),
                None => text(table.get(key.as_str().unwrap().as_bytes())),
            };
            if got != wanted.as_str().unwrap() && !departs(name, key) {
                wrong.push(format!("{name}[{key}]: {got:?} and not {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 250, "{asked}");
}

#[test]
fn reloads_are_those_of_rsyslogd() {
    let (path, mut runs) = load("lookup-reload");
    if recording() {
        runs.as_array_mut().unwrap().iter_mut().for_each(record_reloads);
        save(&path, &runs);
    }
    let mut steps = 0;
    for run in runs.as_array().unwrap() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.json");
        let mut tables = Tables::default();
        let reporter = Said::default();
        for step in run.as_array().unwrap() {
            steps += 1;
            write_file(step, &file);
            let stub = step["do"].as_str().unwrap().strip_prefix("stub:").map(str::as_bytes);
            if let Some(handle) = tables.get("t") {
                handle.reload(stub, &reporter);
            } else if let Err(flaw) = tables.add("t", file.to_str().unwrap(), true) {
                reporter.say(Level::Error, flaw.words("t", file.to_str().unwrap()));
            }
            let table = tables.get("t").unwrap().table();
            let answers: Json =
                ASKED.iter().map(|key| text(table.get(key.as_bytes()))).collect::<Vec<_>>().into();
            assert_eq!(answers, step["answers"], "{step}");
            let said = std::mem::take(&mut *reporter.0.lock().unwrap());
            let theirs = step["said"].as_array().unwrap();
            assert_eq!(said.len(), theirs.len(), "{said:?} {step}");
            for (ours, theirs) in said.iter().zip(theirs) {
                let ours = ours.replace(file.to_str().unwrap(), "FILE");
                assert!(same_words(&ours, theirs.as_str().unwrap()), "{ours} {theirs}");
            }
        }
    }
    assert!(steps >= 28, "{steps}");
}

/// Puts the step's file in place, or takes it away.
fn write_file(step: &Json, file: &Path) {
    match step.get("file") {
        Some(Json::String(text)) => fs::write(file, text).unwrap(),
        // It may not have been there.
        Some(_) => _ = fs::remove_file(file),
        None => {}
    }
}

/// rsyslogd, which ends with this.
struct Daemon {
    child: Child,
    dir: tempfile::TempDir,
    stream: TcpStream,
    sent: usize,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have died before; either way it is gone.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for another program, without a runtime")]
fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

#[expect(clippy::disallowed_methods, reason = "waits for another program")]
impl Daemon {
    /// Runs `script` for each message, which leaves answers in `$.l0`, `$.l1` and so on.
    fn start(dir: tempfile::TempDir, object: &str, script: &str, answers: usize) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shown: Vec<_> = (0..answers).map(|n| format!("%$.l{n}%")).collect();
        let (shown, end, at) = (shown.join(MARKS[0]), MARKS[1], dir.path().display());
        let conf = format!(
            "global(processInternalMessages=\"on\")\nmodule(load=\"imtcp\")\n\
             template(name=\"o\" type=\"string\" string=\"{shown}{end}\\n\")\n\
             template(name=\"s\" type=\"string\" string=\"%msg%\\n\")\n{object}\n\
             input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             if $inputname == \"imtcp\" then {{\n{script}\n\
             action(type=\"omfile\" file=\"{at}/out\" template=\"o\")\n}} else \
             action(type=\"omfile\" file=\"{at}/said\" template=\"s\")\n"
        );
        fs::write(dir.path().join("conf"), conf).unwrap();
        let mut command = Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(dir.path().join("conf"));
        command.arg("-i").arg(dir.path().join("pid"));
        let mut child = command.stderr(Stdio::null()).spawn().expect("rsyslogd");
        let until = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(e) if Instant::now() > until => {
                    _ = child.kill();
                    panic!("{e}");
                }
                Err(_) => pause(20),
            }
        };
        Self { child, dir, stream, sent: 0 }
    }

    /// Sends a message; the answers that it got.
    fn send(&mut self, message: &str) -> Vec<String> {
        self.sent += 1;
        self.stream.write_all(format!("<13>1 - - - - - - {message}\n").as_bytes()).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let end = format!("{}\n", MARKS[1]);
        loop {
            let text = fs::read_to_string(self.dir.path().join("out")).unwrap_or_default();
            let lines: Vec<_> = text.split(&end).collect();
            if lines.len() > self.sent {
                return lines[self.sent - 1].split(MARKS[0]).map(str::to_owned).collect();
            }
            assert!(Instant::now() < until, "rsyslogd does not answer");
            pause(20);
        }
    }

    /// What it said of tables, but that it loaded them.
    fn said(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("said")).unwrap_or_default();
        let about = text.lines().filter(|line| line.contains("lookup table"));
        let words = about.map(|line| line.split(" [v8").next().unwrap().replace(file, "FILE"));
        words.filter(|line| !line.contains("' loaded from file")).collect()
    }
}

/// Asks rsyslogd what it makes of a table.
fn record(group: &mut Json) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.json");
    fs::write(&file, group["table"].as_str().unwrap()).unwrap();
    let (name, file) = (group["name"].as_str().unwrap(), file.to_str().unwrap().to_owned());
    let object = format!("lookup_table(name=\"{name}\" file=\"{file}\")");
    let keys = group["keys"].as_array().unwrap();
    let quoted = |key: &Json| match key.as_str() {
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        None => key.to_string(),
    };
    let script: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| format!("set $.l{n} = lookup(\"{name}\", {});", quoted(key)))
        .collect();
    let mut daemon = Daemon::start(dir, &object, &script.join("\n"), keys.len());
    group["answers"] = daemon.send("x").into();
    group["said"] = daemon.said(&file).into();
    let conf = daemon.dir.path().join("conf");
    let checked = Command::new("rsyslogd").arg("-N1").arg("-f").arg(conf).output().unwrap();
    group["taken"] = checked.status.success().into();
}

/// Asks rsyslogd what becomes of a table as its file changes.
fn record_reloads(run: &mut Json) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.json");
    let file = path.to_str().unwrap().to_owned();
    let steps = run.as_array_mut().unwrap();
    write_file(&steps[0], &path);
    let object = format!("lookup_table(name=\"t\" file=\"{file}\")");
    let ask = |n: usize| format!("set $.l{n} = lookup(\"t\", \"{}\");\n", ASKED[n]);
    let mut script: String = (0..ASKED.len()).map(ask).collect();
    script.push_str("if $msg == \"reload\" then reload_lookup_table(\"t\")\n");
    for stub in ["STUB", "other", ""] {
        let line =
            format!("if $msg == \"stub:{stub}\" then reload_lookup_table(\"t\", \"{stub}\")\n");
        script.push_str(&line);
    }
    let mut daemon = Daemon::start(dir, &object, &script, ASKED.len());
    let mut heard = 0;
    for step in steps {
        write_file(step, &path);
        match step["do"].as_str().unwrap() {
            "start" => {}
            "hup" => {
                let id = daemon.child.id().to_string();
                assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
            }
            message => _ = daemon.send(message),
        }
        pause(500);
        step["answers"] = daemon.send("x").into();
        let said = daemon.said(&file);
        step["said"] = json!(said[heard..]);
        heard = said.len();
    }
}
