//! A case: one text file with a config, what is sent, and what rsyslogd made of it.
//! `tests/oracle/README.md` describes the format.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bstr::ByteSlice as _;
use regex::Regex;

use crate::oracle::files::FileStep;
use crate::oracle::site;
use crate::oracle::text;

/// What came out, by name (`tcp`, `udp`, `file out.log`), as text.
pub(crate) type Outputs = BTreeMap<String, String>;

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    path: PathBuf,
    /// The file up to what the recorder writes.
    written: String,
    pub(crate) conf: String,
    /// The config is one of a real site.
    pub(crate) site: bool,
    /// Folders and modes are looked at.
    pub(crate) modes: bool,
    /// Command-line arguments of the relay.
    pub(crate) args: Vec<String>,
    /// Config of a sending rsyslogd, which is then fed instead of the relay.
    pub(crate) sender: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// What is done before the relay starts.
    pub(crate) before: Vec<FileStep>,
    normalise: Vec<(Regex, String)>,
    drop: Vec<Regex>,
    /// Outputs whose lines have no order: more than one action writes there.
    unordered: Vec<Regex>,
    /// What the sending rsyslogd wrote when the case was recorded.
    pub(crate) wire: Option<Vec<u8>>,
    pub(crate) expect: Outputs,
}

/// Something that is sent.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) from: String,
    /// `IN` or `IN2`.
    pub(crate) port: String,
    /// The unix socket that a stream goes to, if it is not to a port.
    pub(crate) unix: Option<String>,
    pub(crate) what: Payload,
}

#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// Bytes on the connection of that name, which is made if there is none.
    Stream {
        connection: String,
        bytes: Vec<u8>,
    },
    /// Ends the connection of that name.
    Close {
        connection: String,
    },
    /// Datagrams from one socket.
    Datagrams(Vec<Vec<u8>>),
    /// Datagrams to a unix socket of that name.
    Unix {
        socket: String,
        datagrams: Vec<Vec<u8>>,
    },
    /// Bytes into a FIFO of that name.
    Fifo {
        name: String,
        bytes: Vec<u8>,
    },
    /// What a shell runs, to its end.
    Command(String),
    /// A change to the files that are read.
    File(FileStep),
    /// The relay ends, and is started again.
    Stop,
    Start,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let file = fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let recorded = ["\n-- wire --\n", "\n-- expect "].iter().filter_map(|s| file.find(s));
        let written = file.split_at(recorded.min().map_or(file.len(), |at| at + 1)).0.to_owned();
        let mut case = Self {
            name,
            path: path.to_path_buf(),
            written,
            conf: String::new(),
            site: false,
            modes: false,
            args: Vec::new(),
            sender: None,
            steps: Vec::new(),
            before: Vec::new(),
            normalise: Vec::new(),
            drop: Vec::new(),
            unordered: Vec::new(),
            wire: None,
            expect: Outputs::new(),
        };
        for (head, body) in sections(&file) {
            case.section(head, body);
        }
        if case.modes {
            case.conf = site::own(&case.conf);
        }
        let steps = case.steps.len() + case.before.len();
        assert!(!case.conf.is_empty() && steps > 0, "{path:?} lacks a section");
        case
    }

    fn section(&mut self, head: &str, body: &str) {
        let regex = |text: &str| Regex::new(&format!("(?m){text}")).unwrap();
        let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
        match kind {
            "conf" => self.conf.push_str(body),
            "site" => {
                (self.site, self.modes) = (true, true);
                self.conf.push_str(&site::config(rest, &rewrites(body)));
            }
            "modes" => self.modes = true,
            "args" => self.args = body.split_whitespace().map(str::to_owned).collect(),
            "sender" => self.sender = Some(body.to_owned()),
            "normalise" => {
                self.normalise = rewrites(body);
            }
            "drop" => self.drop = body.lines().map(regex).collect(),
            "unordered" => self.unordered = body.lines().map(regex).collect(),
            "tcp" | "udp" | "close" | "unix" | "fifo" | "command" | "stop" | "start" => {
                self.steps.push(step(kind, rest, body));
            }
            "wire" => self.wire = Some(text::decode_stream(body)),
            "expect" if rest == "modes" => {
                self.expect.insert(rest.to_owned(), site::own_modes(body));
            }
            "expect" => drop(self.expect.insert(rest.to_owned(), body.to_owned())),
            _ => self.file_step(kind, rest, body),
        }
    }

    fn file_step(&mut self, kind: &str, rest: &str, body: &str) {
        let words: Vec<_> = rest.split_whitespace().collect();
        let Some(step) = FileStep::read(kind, &words, body) else {
            panic!("{}: unknown section {kind} {rest}", self.name);
        };
        if words.last() == Some(&"before") {
            self.before.push(step);
        } else {
            let (from, port) = (String::new(), "IN".to_owned());
            self.steps.push(Step { from, port, unix: None, what: Payload::File(step) });
        }
    }

    /// The text without what must differ from run to run.
    fn normalised(&self, mut text: String) -> String {
        for (regex, by) in &self.normalise {
            text = regex.replace_all(&text, by).into_owned();
        }
        if !self.drop.is_empty() {
            let kept = text.lines().filter(|line| !self.drop.iter().any(|re| re.is_match(line)));
            text = kept.flat_map(|line| [line, "\n"]).collect();
        }
        text
    }

    /// Adds what the output `name` holds to `outputs`. The name may hold a year too.
    pub(crate) fn put(&self, name: &str, text: String, outputs: &mut Outputs) {
        let mut text = self.normalised(text);
        if text.is_empty() {
            return;
        }
        let mut name = name.to_owned();
        for (regex, by) in &self.normalise {
            name = regex.replace_all(&name, by).into_owned();
        }
        if self.unordered.iter().any(|regex| regex.is_match(&name)) {
            let mut lines: Vec<_> = text.split_inclusive('\n').collect();
            lines.sort_unstable();
            text = lines.concat();
        }
        outputs.insert(name, text);
    }

    /// Writes the file anew with what was recorded.
    pub(crate) fn record(&self, wire: Option<&[u8]>, outputs: &Outputs) {
        let mut file = self.written.clone();
        if let Some(wire) = wire {
            file.push_str("-- wire --\n");
            file.push_str(&text::encode_stream(wire));
        }
        for (name, text) in outputs {
            file.push_str(&format!("-- expect {name} --\n{text}"));
        }
        fs::write(&self.path, file).unwrap();
    }
}

fn step(kind: &str, rest: &str, body: &str) -> Step {
    let (mut from, mut port, mut connection) = ("127.0.0.1", "IN", "");
    let (mut bytes, mut unix) = (None, None);
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            Some(("from", value)) => from = value,
            Some(("port", value)) => port = value,
            Some(("unix", value)) => unix = Some(value.to_owned()),
            Some(("lines", value)) => bytes = Some(site::read(value)),
            _ => connection = word,
        }
    }
    let connection = connection.to_owned();
    let what = match kind {
        "tcp" => {
            let bytes = bytes.unwrap_or_else(|| text::decode_stream(body));
            Payload::Stream { connection, bytes }
        }
        "close" => Payload::Close { connection },
        "unix" => Payload::Unix { socket: connection, datagrams: text::decode_datagrams(body) },
        "fifo" => Payload::Fifo { name: connection, bytes: text::decode_stream(body) },
        "command" => Payload::Command(body.to_owned()),
        "stop" => Payload::Stop,
        "start" => Payload::Start,
        _ => Payload::Datagrams(match bytes {
            Some(bytes) => bytes.lines().map(<[u8]>::to_vec).collect(),
            None => text::decode_datagrams(body),
        }),
    };
    Step { from: from.to_owned(), port: port.to_owned(), unix, what }
}

/// Lines of `regex => replacement`.
fn rewrites(body: &str) -> Vec<(Regex, String)> {
    let rules = body.lines().map(|line| line.split_once(" => ").unwrap());
    rules.map(|(re, by)| (Regex::new(&format!("(?m){re}")).unwrap(), by.to_owned())).collect()
}

/// `-- head --` lines and what stands below each.
fn sections(file: &str) -> Vec<(&str, &str)> {
    let head = Regex::new(r"(?m)^-- (.+) --\n").unwrap();
    let mut sections: Vec<(&str, &str)> = Vec::new();
    let mut rest = file;
    while let Some(found) = head.captures(rest) {
        let (whole, [name]) = found.extract();
        let (before, after) = rest.split_once(whole).unwrap();
        if let Some(last) = sections.last_mut() {
            last.1 = before;
        }
        sections.push((name, after));
        rest = after;
    }
    sections
}
