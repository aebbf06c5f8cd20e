//! Reloads under load where something waits: on disk, behind RELP, or for an action that takes
//! over.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::Daemon;
use crate::support::process::Ended;
use crate::support::process::said;
use crate::support::process::start_aside;
use crate::support::process::write_config;
use crate::support::sink::TcpSink;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
const RELOADS: u64 = 8;
/// Messages between two reloads: together more than memory holds.
const EACH: u64 = 15_000;

struct Site {
    dir: TempDir,
    port: u16,
    module: &'static str,
}

impl Site {
    fn new(module: &'static str) -> Self {
        Self { dir: TempDir::new().unwrap(), port: free_port(), module }
    }

    fn config(&self, rest: &str) -> String {
        let Self { dir, port, module } = self;
        format!(
            "global(workDirectory=\"{}\")\nmodule(load=\"{module}\")\n\
             input(type=\"{module}\" address=\"127.0.0.1\" port=\"{port}\")\n\
             template(name=\"F\" type=\"string\" string=\"%msg:F,32:2%\\n\")\n{rest}",
            dir.path().display()
        )
    }

    fn start(&self, rest: &str) -> Daemon {
        write_config(self.dir.path(), &self.config(rest));
        let daemon = start_aside(self.dir.path(), "relay.conf");
        assert!(wait_for(SOON, || tcp_listens(self.port)), "nothing listens: {}", self.said());
        daemon
    }

    fn said(&self) -> String {
        said(self.dir.path())
    }

    /// Waits until the relay goes by it.
    fn reload(&self, daemon: &Daemon, rest: &str) {
        let before = self.said().matches("the configuration was reloaded").count();
        let new = self.dir.path().join("new.conf");
        fs::write(&new, self.config(rest)).unwrap();
        fs::rename(new, self.dir.path().join("relay.conf")).unwrap();
        daemon.signal(Signal::USR2);
        let done = || self.said().matches("the configuration was reloaded").count() > before;
        assert!(wait_for(SOON, done), "{}", self.said());
    }

    /// An action that is another one each time.
    fn other(&self, n: u64) -> String {
        let path = self.dir.path().join("other");
        format!(
            "if $msg contains 'nothing has this' then action(type=\"omfile\" file=\"{}\" \
             fileCreateMode=\"06{:02o}\")\n",
            path.display(),
            n % 32
        )
    }

    fn file(&self, file: &str) -> Vec<u64> {
        numbers(&fs::read(self.dir.path().join(file)).unwrap_or_default())
    }

    fn stop(&self, daemon: Daemon) -> String {
        let Ended { status, .. } = daemon.stop();
        let said = self.said();
        assert!(status.success() && !said.contains("BUG") && !said.contains("bug"), "{said}");
        said
    }
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(bytes).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

fn send(stream: &mut TcpStream, from: u64, to: u64) {
    let padding = "x".repeat(100);
    let mut lines = Vec::new();
    for n in from..to {
        writeln!(lines, "<13>Nov 22 10:00:00 host tag: {n} {padding}").unwrap();
    }
    stream.write_all(&lines).unwrap();
}

fn spooled(target: u16, more: &str) -> String {
    format!(
        "action(name=\"out\" type=\"omfwd\" target=\"127.0.0.1\" port=\"{target}\" \
         protocol=\"tcp\" template=\"F\" queue.type=\"LinkedList\" queue.size=\"5000\" \
         queue.filename=\"q\" action.resumeInterval=\"1\" {more})\n"
    )
}

/// Streams through reloads, the first half of the time without a target; returns what arrived, and
/// what was sent and said.
fn through_reloads(rest: impl Fn(&Site, u64, u16) -> String) -> (Vec<u64>, u64, String) {
    let (site, target) = (Site::new("imtcp"), free_port());
    let daemon = site.start(&rest(&site, 0, target));
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    let mut sink = None;
    for n in 1..=RELOADS {
        let mut sender = stream.try_clone().unwrap();
        let sender = thread::spawn(move || send(&mut sender, (n - 1) * EACH, n * EACH));
        site.reload(&daemon, &rest(&site, n, target));
        if n == RELOADS / 2 {
            // Longer than an action that is gone may deliver when another waits for its files.
            thread::sleep(Duration::from_millis(1500));
            let listener = TcpListener::bind(("127.0.0.1", target)).unwrap();
            sink = Some(TcpSink::on(listener));
        }
        sender.join().unwrap();
    }
    stream.flush().unwrap();
    let (sink, sent) = (sink.unwrap(), RELOADS * EACH);
    let complete = || {
        let mut all = numbers(&sink.bytes());
        all.sort_unstable();
        all.dedup();
        all.len() as u64 == sent
    };
    let arrived = wait_for(SOON, complete);
    let said = site.stop(daemon);
    assert!(arrived, "{} arrived: {said}", numbers(&sink.bytes()).len());
    (numbers(&sink.bytes()), sent, said)
}

#[test]
fn a_queue_on_disk_goes_on_with_its_action() {
    let rest = |site: &Site, n: u64, target: u16| site.other(n) + &spooled(target, "");
    let (got, sent, said) = through_reloads(rest);
    assert!(got.iter().copied().eq(0..sent), "doubled or out of order: {}", got.len());
    assert!(said.contains("actions 1 kept, 1 new, 1 gone"), "{said}");
    assert!(said.contains("written to disk"), "{said}");
}

#[test]
fn another_action_with_the_same_files_delivers_what_is_there() {
    let rest = |_: &Site, n: u64, target: u16| {
        spooled(target, &format!("action.resumeIntervalMax=\"{}\"", 1 + n % 2))
    };
    let (got, sent, said) = through_reloads(rest);
    assert!(got.len() as u64 >= sent, "lost");
    assert!(said.contains("actions 0 kept, 1 new, 1 gone"), "{said}");
    assert!(said.contains("of an earlier run on disk"), "{said}");
    assert!(!said.contains("cannot be opened"), "{said}");
}

/// A client that says one message after the other, each with its answer.
struct Relp {
    stream: BufReader<TcpStream>,
    txnr: u32,
}

impl Relp {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut relp = Self { stream: BufReader::new(stream), txnr: 0 };
        relp.say("open", "relp_version=0\nrelp_software=test\ncommands=syslog");
        // The answer ends with the list of commands.
        while !relp.line().starts_with("commands=") {}
        relp
    }

    fn say(&mut self, command: &str, data: &str) {
        self.txnr += 1;
        let frame = format!("{} {command} {} {data}\n", self.txnr, data.len());
        self.stream.get_mut().write_all(frame.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn relp_answers_through_reloads_and_closes_in_order() {
    let site = Site::new("imrelp");
    let file = |n: u64| {
        let path = site.dir.path().join("out");
        site.other(n)
            + &format!("action(type=\"omfile\" file=\"{}\" template=\"F\")\n", path.display())
    };
    let daemon = site.start(&file(0));
    let mut relp = Relp::open(site.port);
    let mut sent = 0;
    for n in 1..=RELOADS {
        for _ in 0..200 {
            relp.say("syslog", &format!("<13>Nov 22 10:00:00 host tag: {sent} x"));
            sent += 1;
        }
        site.reload(&daemon, &file(n));
        for answered in sent - 200..sent {
            assert_eq!(relp.line(), format!("{} rsp 6 200 OK", answered + 2));
        }
    }
    assert!(site.said().contains("inputs 1 kept, 0 new, 0 gone"), "{}", site.said());
    // The port is another one: what was said last is answered, and then it is closed.
    relp.say("syslog", &format!("<13>Nov 22 10:00:00 host tag: {sent} x"));
    assert_eq!(relp.line(), format!("{} rsp 6 200 OK", sent + 2));
    let moved = site
        .config(&file(0))
        .replace(&format!("port=\"{}\"", site.port), &format!("port=\"{}\"", free_port()));
    fs::write(site.dir.path().join("relay.conf"), moved).unwrap();
    daemon.signal(Signal::USR2);
    assert_eq!(relp.line(), "0 serverclose 0");
    assert_eq!(relp.line(), "");
    assert!(wait_for(SOON, || !tcp_listens(site.port)));
    site.stop(daemon);
    assert!(site.file("out").into_iter().eq(0..=sent));
}

#[test]
fn who_takes_over_goes_on_to_do_so() {
    let (site, target) = (Site::new("imtcp"), free_port());
    let chain = |n: u64, interval: u64| {
        let path = site.dir.path().join("instead");
        let first = format!(
            "action(name=\"first\" type=\"omfwd\" target=\"127.0.0.1\" port=\"{target}\" \
             protocol=\"tcp\" template=\"F\" action.resumeIntervalMax=\"{interval}\")\n"
        );
        let second = format!(
            "action(type=\"omfile\" file=\"{}\" template=\"F\" \
             action.execOnlyWhenPreviousIsSuspended=\"on\")\n",
            path.display()
        );
        // Behind another action or not: their numbers change.
        if n % 2 == 1 { site.other(n) + &first + &second } else { first + &second }
    };
    let daemon = site.start(&chain(0, 1));
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    let mut sent = 0;
    for n in 1..=RELOADS {
        send(&mut stream, sent, sent + 500);
        sent += 500;
        // The second half of them makes the first action another one: then both begin anew.
        let interval = if n > RELOADS / 2 { 1 + n } else { 1 };
        site.reload(&daemon, &chain(n, interval));
    }
    let all = || {
        let mut got = site.file("instead");
        got.sort_unstable();
        got.into_iter().eq(0..sent)
    };
    assert!(wait_for(SOON, all), "{} of {sent}: {}", site.file("instead").len(), site.said());
    let said = site.stop(daemon);
    assert!(said.contains("actions 2 kept, 1 new, 0 gone"), "{said}");
    assert!(said.contains("actions 0 kept, 2 new, "), "{said}");
}
