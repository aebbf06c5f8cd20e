//! Questions to RainerScript and the answers that rsyslogd 8.2302 gave (`tests/data/rules/script`):
//! each file is one configuration that both programs run over one message. With
//! `BONGSU_ORACLE=record` the answers are taken from rsyslogd anew, with `live` compared with it
//! as well.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::start;
use crate::support::source;
use crate::support::tcp_listens;
use crate::support::wait_for;

const FOLDER: &str = "tests/data/rules/script";
const MESSAGE: &str = "<34>Oct 11 22:14:15 web app[7]: The quick brown fox";
const PATIENCE: Duration = Duration::from_secs(30);

/// One file. Lines begin with what they are:
/// `>` a line before the rules, `|` a statement, `<` the message, `?` an expression, `=` what it
/// gave, as a member `r` of an object, which tells a number from a text; `!` an expression that
/// rsyslogd 8.2302 does not know, whose answer is from the documentation of newer ones; `#` a
/// remark. `@DIR@` stands for the folder of the data.
struct Script<'a> {
    lines: Vec<&'a [u8]>,
}

impl<'a> Script<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { lines: text.split(|byte| *byte == b'\n').collect() }
    }

    fn of(&self, sign: u8) -> impl Iterator<Item = &'a [u8]> {
        let of = move |line: &&'a [u8]| line.strip_prefix(&[sign, b' ']);
        self.lines.iter().filter_map(of)
    }

    /// Expressions, and for each whether rsyslogd 8.2302 knows it.
    fn questions(&self) -> impl Iterator<Item = (&'a [u8], bool)> {
        self.lines.iter().filter_map(|line| match line.split_at_checked(2)? {
            (b"? ", question) => Some((question, true)),
            (b"! ", question) => Some((question, false)),
            _ => None,
        })
    }

    fn config(&self, program: &str, dir: &Path, port: u16) -> Vec<u8> {
        let folder = source::root().join(FOLDER).display().to_string();
        let mut text = Vec::new();
        let mut template = String::from("template(name=\"answers\" type=\"list\") {\n");
        let mut questions = Vec::new();
        let mut count = 0;
        for line in &self.lines {
            match line.split_at_checked(2) {
                Some((b"> ", rest)) => text.extend([rest, b"\n"].concat()),
                Some((b"| ", rest)) => questions.extend([rest, b"\n"].concat()),
                Some((b"! ", _)) if program != BONGSU => {}
                Some((b"? " | b"! ", rest)) => {
                    write!(questions, "set $.q{count}!r = ").unwrap();
                    questions.extend([rest, b";\n"].concat());
                    let property = format!("property(name=\"$.q{count}\") constant(value=\"\\n\")");
                    writeln!(template, "{property}").unwrap();
                    count += 1;
                }
                _ => {}
            }
        }
        let dir = dir.display();
        write!(
            text,
            "global(localHostname=\"relay\")\nmodule(load=\"imtcp\")\n{template}}}\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"questions\")\n\
             ruleset(name=\"questions\") {{\n"
        )
        .unwrap();
        text.extend(questions);
        write!(text, "action(type=\"omfile\" file=\"{dir}/answers\" template=\"answers\")\n}}\n")
            .unwrap();
        replace(&text, b"@DIR@", folder.as_bytes())
    }

    /// What `program` answers, one line for each question.
    fn answers(&self, program: &str) -> Result<Vec<Vec<u8>>, String> {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        let file = dir.path().join("script.conf");
        fs::write(&file, self.config(program, dir.path(), port)).unwrap();
        let include = format!("include(file=\"{}\")\n", file.display());
        let mut relay = start(program, dir.path(), &include, &[]);
        if !wait_for(PATIENCE, || tcp_listens(port) || !relay.running()) || !relay.running() {
            return Err(format!("{program} does not listen: {}", relay.ended().stderr));
        }
        let message = self.of(b'<').next().unwrap_or(MESSAGE.as_bytes()).to_vec();
        let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        connection.write_all(&[&message, &b"\n"[..]].concat()).unwrap();
        let read = || fs::read(dir.path().join("answers")).unwrap_or_default();
        let wanted = self.questions().filter(|(_, known)| *known || program == BONGSU).count();
        let lines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
        let answered = wait_for(PATIENCE, || lines(&read()) >= wanted || !relay.running());
        if !answered || !relay.running() {
            return Err(format!("{program} gives no answer: {}", relay.ended().stderr));
        }
        let ended = relay.stop();
        if ended.stderr.contains("error during parsing") {
            return Err(format!("{program} does not take the file: {}", ended.stderr));
        }
        let text = read();
        let mut answers: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        answers.pop();
        assert_eq!(answers.len(), wanted, "{program}: an answer has more than a line");
        Ok(answers)
    }

    /// The file with these answers.
    fn with(&self, answers: &[Vec<u8>]) -> Vec<u8> {
        let mut answers = answers.iter();
        let mut text = Vec::new();
        let mut ours = false;
        for line in &self.lines {
            ours = line.starts_with(b"! ") || (ours && line.starts_with(b"= "));
            if line.starts_with(b"= ") && !ours {
                continue;
            }
            text.extend_from_slice(line);
            text.push(b'\n');
            if line.starts_with(b"? ") {
                text.extend([b"= ", &answers.next().unwrap()[..], b"\n"].concat());
            }
        }
        text.pop();
        text
    }
}

fn replace(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The questions whose answer is another.
fn compare(name: &str, script: &Script<'_>, said: &[&[u8]], answers: &[Vec<u8>]) -> String {
    let mut differences = String::new();
    assert_eq!(said.len(), answers.len(), "{name}: an answer for each question");
    for (((question, _), said), ours) in script.questions().zip(said).zip(answers) {
        if said != ours {
            let [question, said, ours] = [question, said, ours].map(String::from_utf8_lossy);
            writeln!(differences, "{name}: {question}\n  rsyslogd {said}\n  ours     {ours}")
                .unwrap();
        }
    }
    differences
}

#[test]
fn oracle_answers_of_scripts() {
    let oracle = env::var("BONGSU_ORACLE").unwrap_or_default();
    let only = env::var("BONGSU_ORACLE_ONLY").unwrap_or_default();
    let mut differences = String::new();
    let mut questions = 0;
    for path in source::files(FOLDER, ".txt") {
        let name = source::relative(&path);
        if !name.contains(&only) {
            continue;
        }
        let text = fs::read(&path).unwrap();
        let script = Script::new(&text);
        // Of a file that is about newer versions alone, 8.2302 would not know the modules.
        let asked = !oracle.is_empty() && script.questions().any(|(_, known)| known);
        let theirs = asked.then(|| script.answers("rsyslogd").unwrap());
        if let (Some(theirs), "record") = (&theirs, oracle.as_str()) {
            fs::write(&path, script.with(theirs)).unwrap();
        }
        let text = match theirs {
            Some(theirs) => script.with(&theirs),
            None => text.clone(),
        };
        let recorded: Vec<&[u8]> = Script::new(&text).of(b'=').collect();
        let ours = script.answers(BONGSU).unwrap();
        differences += &compare(&name, &script, &recorded, &ours);
        questions += recorded.len();
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(questions > 0 || !only.is_empty(), "no questions in {FOLDER}");
}
