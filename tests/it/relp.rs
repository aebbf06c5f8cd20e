//! RELP between processes: with rsyslogd in both directions and without it, receivers that are
//! killed, answers that get lost, outputs that are dead. No message may be missing at the end.

use std::collections::HashMap;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::oracle::find_rsyslogd;
use crate::support::free_port;
use crate::support::number;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(60);
/// Times that a receiver is killed under load; `BONGSU_RELP_KILLS=50` for the figures in the docs.
const KILLS: usize = 5;
/// Messages that omrelp has unanswered at most, where nothing else is asked for.
const WINDOW: u64 = 8192;

/// rsyslogd, if it is installed. `BONGSU_ORACLE` demands it.
fn rsyslogd() -> Option<String> {
    let there = Command::new("rsyslogd").arg("-v").output().is_ok();
    if there || std::env::var_os("BONGSU_ORACLE").is_some() {
        return Some(find_rsyslogd());
    }
    println!("SKIPPED: rsyslogd is not installed, RELP was not tried with it");
    None
}

/// Two relays in a row, in folders of their own: TCP to RELP, RELP to a file.
struct Chain {
    dir: TempDir,
    port: u16,
    relp: u16,
    /// Where the first relay sends to: `relp`, or a proxy before it.
    target: u16,
    receiver: String,
}

impl Chain {
    fn new(receiver: &str) -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["one", "two"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let relp = free_port();
        Self { dir, port: free_port(), relp, target: relp, receiver: receiver.to_owned() }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn start_sender(&self, program: &str) -> Daemon {
        let config = format!(
            r#"module(load="imtcp")
module(load="omrelp")
input(type="imtcp" address="127.0.0.1" port="{}")
action(type="omrelp" target="127.0.0.1" port="{}" timeout="10" action.resumeInterval="1"
       action.resumeIntervalMax="1" action.resumeRetryCount="-1")
"#,
            self.port, self.target
        );
        let daemon = start(program, &self.dir.path().join("one"), &config, &[]);
        assert!(wait_for(SOON, || tcp_listens(self.port)), "{}", daemon.stop().stderr);
        daemon
    }

    /// rsyslogd answers when a message is in its queue; a direct queue makes that the file.
    fn start_receiver(&self) -> Daemon {
        let config = format!(
            r#"main_queue(queue.type="Direct")
module(load="imrelp")
template(name="msg" type="string" string="%msg%\n")
input(type="imrelp" address="127.0.0.1" port="{}")
action(type="omfile" file="{}" template="msg")
"#,
            self.relp,
            self.out().display()
        );
        let daemon = start(&self.receiver, &self.dir.path().join("two"), &config, &[]);
        assert!(wait_for(SOON, || tcp_listens(self.relp)), "{}", daemon.stop().stderr);
        daemon
    }

    fn size(&self) -> u64 {
        fs::metadata(self.out()).map_or(0, |file| file.len())
    }

    /// How often each number has come.
    fn received(&self) -> HashMap<u64, u64> {
        let text = fs::read_to_string(self.out()).unwrap_or_default();
        let mut times = HashMap::new();
        // A line that a killed process has left half is the start of another one's.
        for id in text.lines().filter_map(|line| line.split(' ').rfind(|word| !word.is_empty())) {
            if let Some(number) = id.strip_prefix('#').and_then(|id| id.parse().ok()) {
                *times.entry(number).or_default() += 1;
            }
        }
        times
    }

    /// Waits until all of `sent` have come; returns how many came more than once.
    fn all_came(&self, sent: u64) -> u64 {
        let mut came = HashMap::new();
        wait_for(SOON, || {
            thread::sleep(Duration::from_millis(200));
            came = self.received();
            came.len() as u64 == sent
        });
        let lost: Vec<u64> = (0..sent).filter(|n| !came.contains_key(n)).collect();
        let first = &lost[..lost.len().min(10)];
        assert!(lost.is_empty(), "{} of {sent} lost: {first:?}", lost.len());
        came.values().map(|times| times - 1).sum()
    }
}

/// Sends numbered messages, at most some 50,000 a second, until it is told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: thread::JoinHandle<()>,
}

impl Load {
    fn start(port: u16) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = thread::spawn(move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                let mut lines = String::new();
                for _ in 0..100 {
                    lines.push_str(&format!("<13>Oct 11 22:14:15 h t: #{number}\n"));
                    number += 1;
                }
                stream.write_all(lines.as_bytes()).unwrap();
                count.store(number, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
            stream.shutdown(Shutdown::Write).unwrap();
            // The peer has taken all of it when it ends the connection.
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
        Self { stop, sent, thread }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.sent.load(Ordering::Relaxed)
    }
}

/// The receiver is killed over and over while messages stream; in the end each has come.
fn receiver_is_killed(sender: &str, receiver: &str) {
    let kills = number("BONGSU_RELP_KILLS", KILLS);
    let chain = Chain::new(receiver);
    let mut sink = chain.start_receiver();
    let relay = chain.start_sender(sender);
    let load = Load::start(chain.port);
    for kill in 0..kills {
        let before = chain.size();
        let came = wait_for(SOON, || chain.size() > before + 20_000);
        assert!(came, "nothing came any more before kill {kill}");
        thread::sleep(Duration::from_millis(kill as u64 * 37 % 100));
        sink.signal(Signal::KILL);
        drop(sink);
        sink = chain.start_receiver();
    }
    let sent = load.end();
    let doubled = chain.all_came(sent);
    println!("RELP {sender} -> {receiver}: {kills} kills, {sent} sent, 0 lost, {doubled} doubled");
    // What was under way each time, in as many sessions.
    assert!(doubled <= WINDOW * kills as u64, "{doubled} doubled");
    relay.stop();
    sink.stop();
}

#[test]
fn a_killed_receiver_loses_nothing() {
    receiver_is_killed(BONGSU, BONGSU);
}

#[test]
fn rsyslogd_sends_to_a_killed_receiver() {
    if let Some(rsyslogd) = rsyslogd() {
        receiver_is_killed(&rsyslogd, BONGSU);
    }
}

#[test]
fn a_killed_rsyslogd_receives() {
    if let Some(rsyslogd) = rsyslogd() {
        receiver_is_killed(BONGSU, &rsyslogd);
    }
}

/// Passes on what the client says, and forgets some of what the server answers; then it breaks
/// both connections off.
fn forgetful_proxy(listener: &TcpListener, server: u16, breaks: usize) {
    for turn in 0.. {
        let Ok((client, _)) = listener.accept() else { return };
        let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let forth = thread::spawn(move || {
            // Ends with either connection.
            std::io::copy(&mut from, &mut to).unwrap_or(0);
            to.shutdown(Shutdown::Both).unwrap_or(());
        });
        let (mut from, mut to) = (server, client);
        let mut left = if turn < breaks { 3_000 + turn * 7_919 % 5_000 } else { usize::MAX };
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let pass = n.min(left);
            left -= pass;
            if to.write_all(&buffer[..pass]).is_err() || left == 0 {
                break;
            }
        }
        if turn < breaks {
            // More answers come, and go nowhere.
            thread::sleep(Duration::from_millis(100));
        }
        for stream in [&from, &to] {
            stream.shutdown(Shutdown::Both).unwrap_or(());
        }
        forth.join().unwrap();
    }
}

#[test]
fn lost_answers_double_a_window_at_most() {
    const BREAKS: usize = 10;
    let mut chain = Chain::new(BONGSU);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    chain.target = listener.local_addr().unwrap().port();
    let sink = chain.start_receiver();
    let server = chain.relp;
    thread::spawn(move || forgetful_proxy(&listener, server, BREAKS));
    let relay = chain.start_sender(BONGSU);
    let load = Load::start(chain.port);
    assert!(wait_for(SOON, || chain.size() > 1_000_000), "the messages do not come");
    let sent = load.end();
    let doubled = chain.all_came(sent);
    println!("RELP, answers lost {BREAKS} times: {sent} sent, 0 lost, {doubled} doubled");
    assert!(doubled > 0 && doubled <= WINDOW * BREAKS as u64, "{doubled} doubled");
    relay.stop();
    sink.stop();
}

/// A client by hand.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut client = Self { stream: BufReader::new(stream) };
        client.say("1 open 30 relp_version=0\ncommands=syslog\n");
        assert!(client.line(SOON).unwrap().ends_with(" 200 OK"));
        for offer in ["relp_version=0", "relp_software=bongsu,", "commands=syslog"] {
            assert!(client.line(SOON).unwrap().starts_with(offer));
        }
        client
    }

    fn say(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn syslog(&mut self, txnr: u32, text: &str) {
        let message = format!("<13>Oct 11 22:14:15 h t: {text}");
        self.say(&format!("{txnr} syslog {} {message}\n", message.len()));
    }

    /// The next line; `None` if there is none in this time, empty at the end.
    fn line(&mut self, limit: Duration) -> Option<String> {
        self.stream.get_ref().set_read_timeout(Some(limit)).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        Some(line.trim_end_matches('\n').to_owned())
    }
}

const WHILE: Duration = Duration::from_millis(700);

fn relay(dir: &Path, port: u16, rules: &str) -> Daemon {
    let config = format!(
        "global(drain.timeout=\"3\")\nmodule(load=\"imrelp\")\n\
         input(type=\"imrelp\" address=\"127.0.0.1\" port=\"{port}\")\n{rules}"
    );
    let daemon = start(BONGSU, dir, &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "{}", daemon.stop().stderr);
    daemon
}

/// Two actions, one of them dead: nothing is answered until it works, and then all is; what no
/// action wants is answered at once, but not before what came before it.
#[test]
fn a_dead_output_withholds_the_answers() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let out = dir.path().join("out");
    let rules = format!(
        r#"if $msg contains "nobody" then stop
action(type="omfile" file="{}")
if $msg contains "far" then action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp")
"#,
        out.display()
    );
    let daemon = relay(dir.path(), port, &rules);
    let mut client = Client::open(port);
    client.syslog(2, "nobody wants this");
    assert_eq!(client.line(SOON).as_deref(), Some("2 rsp 6 200 OK"));
    client.syslog(3, "to the file alone");
    assert_eq!(client.line(SOON).as_deref(), Some("3 rsp 6 200 OK"));
    client.syslog(4, "far away");
    assert!(wait_for(SOON, || fs::read_to_string(&out).unwrap().lines().count() == 2));
    assert_eq!(client.line(WHILE), None, "answered before it is safe");
    client.syslog(5, "to the file alone");
    client.syslog(6, "nobody wants this");
    assert!(wait_for(SOON, || fs::read_to_string(&out).unwrap().lines().count() == 3));
    assert_eq!(client.line(WHILE), None, "answered out of order");
    let sink = TcpListener::bind(("127.0.0.1", target)).unwrap();
    let (_stream, _) = sink.accept().unwrap();
    for txnr in 4..=6 {
        assert_eq!(client.line(SOON), Some(format!("{txnr} rsp 6 200 OK")));
    }
    client.say("7 close 0\n");
    assert_eq!(client.line(SOON).as_deref(), Some("7 rsp 0"));
    assert_eq!(client.line(SOON).as_deref(), Some("0 serverclose 0"));
    assert_eq!(client.line(SOON).as_deref(), Some(""));
    daemon.stop();
}

/// At a stop what is safe is answered, then the client is told; what is not, stays with it.
#[test]
fn a_stop_answers_what_is_safe() {
    let dir = TempDir::new().unwrap();
    let (port, target) = (free_port(), free_port());
    let rules = format!(
        r#"if $msg contains "far" then action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp")
else action(type="omfile" file="{}")
"#,
        dir.path().join("out").display()
    );
    let daemon = relay(dir.path(), port, &rules);
    let (mut near, mut far) = (Client::open(port), Client::open(port));
    near.syslog(2, "here");
    assert_eq!(near.line(SOON).as_deref(), Some("2 rsp 6 200 OK"));
    far.syslog(2, "far away");
    assert_eq!(far.line(WHILE), None);
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(near.line(SOON).as_deref(), Some("0 serverclose 0"));
    let last = far.line(SOON);
    assert!(matches!(last.as_deref(), Some("") | None), "{last:?}");
}
