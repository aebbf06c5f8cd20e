//! One configuration with many templates, run by both programs on the same bytes.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use tempfile::TempDir;

use crate::generate::json;
use crate::generate::known;
use crate::generate::message;
use crate::generate::message::COUNT_MAX;
use crate::generate::message::Kind;
use crate::generate::message::Sent;
use crate::generate::template;
use crate::generate::template::Template;
use crate::support::free_port;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::udp_listens;
use crate::support::udp_unread;
use crate::support::wait_for;

const KINDS: [Kind; 5] = [Kind::Wild, Kind::Timed, Kind::Paths, Kind::Json, Kind::Datagram];
/// A relay that does not listen by then does not start.
const READY: Duration = Duration::from_secs(10);
/// All messages are through by then, or never.
pub(crate) const THROUGH: Duration = Duration::from_secs(60);
/// Text of the last message of each connection.
const LAST: &str = "the-last-message-of-this-connection";

/// All of it.
const LAST_LINE: &str = "<13>Mar  1 00:00:00 relay t: the-last-message-of-this-connection";
/// What may wait in a UDP socket: less than any system's default, in bytes.
const UNREAD_MAX: usize = 150_000;
/// What a datagram costs there beside its bytes.
const UNREAD_EACH: usize = 800;

/// Text of the datagrams that are sent until their sender's name is known: Bongsu does not wait
/// for it.
const OPENING: &str = "an-opening-datagram";
/// Text of those before it, which are there to be swallowed.
const FILLER: &str = "filler-of-this-connection";

/// What both programs are given. Each kind of message has a connection and a ruleset of its own,
/// so that every file has one order.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// `parser.…` switches, `maxMessageSize`.
    pub(crate) switches: Vec<&'static str>,
    /// What the ruleset of [`Kind::Json`] begins with.
    pub(crate) rules: &'static str,
    pub(crate) templates: Vec<Template>,
    pub(crate) messages: Vec<(Kind, Sent)>,
    /// How long the messages may take.
    pub(crate) patience: Duration,
}

impl Setup {
    pub(crate) fn random(templates: usize, messages: usize, rng: &mut Rng) -> Self {
        let mut switches = Vec::new();
        let mut max = known::SIZE_DEFAULT;
        // Half of the configurations have rsyslog's defaults.
        if rng.bool() {
            for switch in known::SWITCHES {
                if rng.u8(..4) == 0 {
                    switches.push(*switch);
                }
            }
            if rng.bool() {
                let (size, switch) = known::SIZES[rng.usize(..known::SIZES.len())];
                max = size;
                switches.push(switch);
            }
        }
        let templates: Vec<_> = (0..templates).map(|_| template::template(rng)).collect();
        let kinds: Vec<Kind> = templates.iter().map(|t| t.kind).collect();
        let messages = (0..messages).map(|_| {
            let kind = kinds[rng.usize(..kinds.len())];
            (kind, message::message(kind, &switches, max, rng))
        });
        let messages = messages.collect();
        let rules = json::RULES[rng.usize(..json::RULES.len())];
        Self { switches, rules, templates, messages, patience: THROUGH }
    }

    fn global(&self) -> String {
        format!("global(localHostname=\"relay\" {})\n", self.switches.join(" "))
    }

    /// Switches and templates: what a recorded case needs of the configuration.
    pub(crate) fn definitions(&self) -> String {
        let mut text = self.global();
        for (number, template) in self.templates.iter().enumerate() {
            text.push_str(&template.text(&format!("t{number}")));
            text.push('\n');
        }
        text
    }

    fn config(&self, dir: &Path, ports: &[(Kind, u16)]) -> String {
        let dir = dir.display();
        let mut text = self.definitions();
        text.push_str("main_queue(queue.type=\"FixedArray\" queue.workerThreads=\"1\")\n");
        for module in ["imtcp", "imudp", "mmjsonparse"] {
            text.push_str(&format!("module(load=\"{module}\")\n"));
        }
        text.push_str("template(name=\"last\" type=\"string\" string=\"%msg%\\n\")\n");
        for (kind, port) in ports {
            let input = if *kind == Kind::Datagram { "imudp" } else { "imtcp" };
            text.push_str(&format!(
                "input(type=\"{input}\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"{kind:?}\")\n\
                 ruleset(name=\"{kind:?}\") {{\n"
            ));
            text.push_str(&format!(
                "  if $msg contains \"{LAST}\" then {{\n    \
                 action(type=\"omfile\" file=\"{dir}/{kind:?}.last\" template=\"last\")\n    \
                 stop\n  }}\n  if $msg contains \"{FILLER}\" then stop\n"
            ));
            if *kind == Kind::Datagram {
                text.push_str(&format!(
                    "  if $msg contains \"{OPENING}\" then {{\n    \
                     if $fromhost == \"localhost\" then action(type=\"omfile\" \
                     file=\"{dir}/named\" template=\"last\")\n    stop\n  }}\n"
                ));
            }
            if *kind == Kind::Json {
                text.push_str(&format!("  {}\n", self.rules));
            }
            for (number, _) in self.templates.iter().enumerate().filter(|(_, t)| t.kind == *kind) {
                text.push_str(&format!(
                    "  action(type=\"omfile\" file=\"{dir}/{number}.log\" template=\"t{number}\")\n"
                ));
            }
            text.push_str("}\n");
        }
        text
    }

    /// What goes over the connection of that kind.
    pub(crate) fn stream(&self, kind: Kind) -> Vec<u8> {
        let messages = self.messages.iter().filter(|(of, _)| *of == kind);
        messages.flat_map(|(_, sent)| sent.bytes()).collect()
    }

    /// Those that have a template, and the one that tells when the relay is ready.
    fn kinds(&self) -> Vec<Kind> {
        let used = |kind: &Kind| self.templates.iter().any(|t| t.kind == *kind);
        KINDS.into_iter().filter(|kind| *kind == Kind::Datagram || used(kind)).collect()
    }

    /// What `program` writes: one text for each template.
    pub(crate) fn run(&self, program: &str) -> Result<Vec<Vec<u8>>, String> {
        let dir = TempDir::new().unwrap();
        let ports: Vec<_> = self.kinds().into_iter().map(|kind| (kind, free_port())).collect();
        let mut relay = start(program, dir.path(), &self.config(dir.path(), &ports), &[]);
        let listens = |(kind, port): &(Kind, u16)| match kind {
            Kind::Datagram => udp_listens(*port),
            _ => tcp_listens(*port),
        };
        let up = || ports.iter().all(listens) || !relay.running();
        if !wait_for(READY, up) || !relay.running() {
            let ended = relay.ended();
            return Err(format!("{program} does not listen: {} {}", ended.status, ended.stderr));
        }
        if !open(&ports, &dir.path().join("named")) {
            let ended = relay.stop();
            return Err(format!("{program} does not know the sender's name: {}", ended.stderr));
        }
        thread::scope(|scope| {
            for (kind, port) in &ports {
                scope.spawn(move || match kind {
                    Kind::Datagram => self.send_datagrams(*port),
                    _ => self.send_stream(*kind, *port),
                });
            }
        });
        let last = |kind: &Kind| fs::metadata(dir.path().join(format!("{kind:?}.last")));
        let arrived = |kind: &Kind| last(kind).is_ok_and(|file| file.len() > 0);
        let through = || ports.iter().all(|(kind, _)| arrived(kind));
        let through = wait_for(self.patience, through);
        let ended = relay.stop();
        if !through {
            let missing = ports.iter().map(|(kind, _)| *kind).filter(|kind| !arrived(kind));
            let missing: Vec<Kind> = missing.collect();
            let (status, stderr) = (ended.status, ended.stderr);
            return Err(format!("{program} ({status}): no last message of {missing:?}; {stderr}"));
        }
        let read = |number| fs::read(dir.path().join(format!("{number}.log"))).unwrap_or_default();
        Ok((0..self.templates.len()).map(read).collect())
    }

    fn send_stream(&self, kind: Kind, port: u16) {
        let filler = format!("<13>Mar  1 00:00:00 relay t: {FILLER}\n");
        let mut stream = self.stream(kind);
        // Should a count have swallowed what follows it, this fills it.
        stream.extend_from_slice(b"\n");
        stream.extend_from_slice(filler.repeat(COUNT_MAX / filler.len() + 1).as_bytes());
        stream.extend_from_slice(format!("{LAST_LINE}\n").as_bytes());
        let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        connection.write_all(&stream).unwrap();
    }

    /// No faster than they are received: none may be lost.
    fn send_datagrams(&self, port: u16) {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let messages = self.messages.iter().filter(|(kind, _)| *kind == Kind::Datagram);
        let messages = messages.map(|(_, sent)| &*sent.message);
        let mut unread = 0;
        for message in messages.chain([LAST_LINE.as_bytes()]) {
            if unread + message.len() > UNREAD_MAX {
                assert!(wait_for(THROUGH, || udp_unread(port) == 0), "the relay reads nothing");
                unread = 0;
            }
            socket.send_to(message, ("127.0.0.1", port)).unwrap();
            unread += 2 * message.len() + UNREAD_EACH;
        }
    }

    /// What both write, run at the same time, and again if the hour turned meanwhile.
    pub(crate) fn run_both(&self, programs: [&str; 2]) -> Result<[Vec<Vec<u8>>; 2], String> {
        loop {
            let hour = || jiff::Timestamp::now().as_second() / 3600;
            let before = hour();
            let [left, right] = thread::scope(|scope| {
                let runs = programs.map(|program| scope.spawn(move || self.run(program)));
                runs.map(|run| run.join().unwrap())
            });
            if hour() == before {
                return Ok([left?, right?]);
            }
        }
    }
}

/// Sends datagrams until the relay writes `named`: it knows the sender's name then. `false` if it
/// never does.
fn open(ports: &[(Kind, u16)], named: &Path) -> bool {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let message = format!("<13>Mar  1 00:00:00 relay t: {OPENING}");
    let ports = || ports.iter().filter(|(kind, _)| *kind == Kind::Datagram);
    let is_named = || {
        for (_, port) in ports() {
            socket.send_to(message.as_bytes(), ("127.0.0.1", *port)).unwrap();
        }
        fs::metadata(named).is_ok_and(|file| file.len() > 0)
    };
    wait_for(READY, is_named)
}
