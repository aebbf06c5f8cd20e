//! One run of one case through one relay, over real sockets and files.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::io::Write;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use rustix::fs::Mode;
use tempfile::TempDir;

use crate::oracle::case::Case;
use crate::oracle::case::Outputs;
use crate::oracle::case::Payload;
use crate::oracle::case::Step;
use crate::oracle::files;
use crate::oracle::site;
use crate::oracle::text;
use crate::support::connect;
use crate::support::free_port;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::sink::LocalSinks;
use crate::support::sink::TcpSink;
use crate::support::sink::UdpSink;
use crate::support::source;
use crate::support::tcp_listens;
use crate::support::udp_listens;
use crate::support::wait_for;
use crate::support::wait_quiet;

/// A relay that does not listen by then does not start.
const READY: Duration = Duration::from_secs(10);
/// A relay that reads files without having them watched does so by then.
const POLLS: Duration = Duration::from_millis(1500);
/// Nothing came out for so long: one connection's messages are through before the next one's.
const SETTLED: Duration = Duration::from_millis(250);
/// Nothing came out for so long: what is expected will not come any more.
const QUIET: Duration = Duration::from_millis(1200);
/// The end of patience with a relay that never falls silent.
const LIMIT: Duration = Duration::from_secs(20);

/// Where the relay's input comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Feed<'a> {
    /// The case's own bytes.
    Steps,
    /// A stream that a sending rsyslogd once wrote.
    Wire(&'a [u8]),
    /// A sending rsyslogd, now: its config and the program.
    Sender(&'a str, &'a str),
}

/// Everything around a relay. The fields are dropped in this order: the files last.
#[derive(Debug)]
struct Bench {
    tcp: TcpSink,
    tcp2: TcpSink,
    udp: UdpSink,
    udp2: UdpSink,
    local: LocalSinks,
    inputs: [(&'static str, u16); 2],
    dir: TempDir,
}

/// What `program` makes of `case`. Returns early once that is `expect`.
pub(crate) fn run(
    case: &Case,
    program: &str,
    feed: Feed<'_>,
    expect: &Outputs,
) -> Result<Outputs, String> {
    let bench = Bench::new();
    if case.modes {
        site::set_umask();
    }
    if case.site {
        site::furnish(&bench.out());
    }
    case.before.iter().for_each(|step| step.run(&bench.files()));
    let args: Vec<_> = case.args.iter().map(String::as_str).collect();
    let _fifos = bench.fifos(&case.steps);
    let begin = || {
        let relay = start(program, bench.dir.path(), &bench.expand(&case.conf), &args);
        bench.ready(relay, &case.steps, feed)
    };
    let mut relay = Ok(begin()?);

    let look = || bench.outputs(case);
    let settle = || drop(wait_quiet(SETTLED, LIMIT, look));
    let mut sender = None;
    match feed {
        Feed::Steps => play(
            &case.steps,
            |name| bench.port(name),
            &bench.run(),
            settle,
            |what| match what {
                Payload::Stop => stop(&mut relay, program),
                Payload::Start => relay = begin(),
                Payload::File(step) => step.run(&bench.files()),
                _ => unreachable!("sent"),
            },
        ),
        Feed::Wire(bytes) => {
            let connection = String::new();
            let what = Payload::Stream { connection, bytes: bytes.to_vec() };
            let (from, port) = ("127.0.0.1".to_owned(), "IN".to_owned());
            play(
                &[Step { from, port, unix: None, what }],
                |name| bench.port(name),
                &bench.run(),
                settle,
                |_| {},
            );
        }
        Feed::Sender(config, rsyslogd) => {
            let config = bench.expand(config);
            sender = Some(Sender::start(case, &config, rsyslogd)?);
        }
    }
    let start = Instant::now();
    let mut last = (look(), Instant::now());
    wait_for(LIMIT, || {
        let now = look();
        if now != last.0 {
            last = (now, Instant::now());
        }
        let arrived = !expect.is_empty() && last.0 == *expect;
        arrived || (last.1.elapsed() > QUIET && start.elapsed() > QUIET)
    });
    drop(sender);
    stop(&mut relay, program);
    match relay {
        Err(why) if !why.is_empty() => Err(why),
        _ => Ok(look()),
    }
}

/// Ends a relay that runs; what is left says why that failed, or nothing.
fn stop(relay: &mut Result<Daemon, String>, program: &str) {
    if let Ok(running) = std::mem::replace(relay, Err(String::new())) {
        let ended = running.stop();
        if !ended.status.success() {
            *relay = Err(format!("{program}: {}; stderr:\n{}", ended.status, ended.stderr));
        }
    }
}

/// What the case's sending rsyslogd writes to its target.
pub(crate) fn record_wire(case: &Case, config: &str, rsyslogd: &str) -> Result<Vec<u8>, String> {
    let sink = TcpSink::new();
    let config = config.replace("@IN@", &sink.port.to_string());
    let sender = Sender::start(case, &config, rsyslogd)?;
    let bytes = wait_quiet(QUIET, LIMIT, || sink.bytes());
    drop(sender);
    Ok(bytes)
}

/// A sending rsyslogd that has been fed.
#[derive(Debug)]
struct Sender {
    /// Held so that it lives as long as its target.
    _daemon: Daemon,
    _dir: TempDir,
}

impl Sender {
    fn start(case: &Case, config: &str, rsyslogd: &str) -> Result<Self, String> {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        let config = config.replace("@SENDER@", &port.to_string());
        let mut daemon = start(rsyslogd, dir.path(), &config, &[]);
        let run = dir.path();
        let listens =
            || case.steps.iter().all(|step| listens(step, port, run)) || !daemon.running();
        if !wait_for(READY, listens) || !daemon.running() {
            return Err(format!("the sender does not listen; stderr:\n{}", daemon.stop().stderr));
        }
        play(&case.steps, |_| port, run, || std::thread::sleep(SETTLED), |_| {});
        Ok(Self { _daemon: daemon, _dir: dir })
    }
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        fs::create_dir(dir.path().join("run")).unwrap();
        fs::create_dir(dir.path().join("files")).unwrap();
        Self {
            tcp: TcpSink::new(),
            tcp2: TcpSink::new(),
            udp: UdpSink::new(),
            udp2: UdpSink::new(),
            local: LocalSinks::new(dir.path()),
            inputs: [("IN", free_port()), ("IN2", free_port())],
            dir,
        }
    }

    fn port(&self, name: &str) -> u16 {
        self.inputs.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let sinks = [
            ("TCP", self.tcp.port),
            ("TCP2", self.tcp2.port),
            ("UDP", self.udp.port),
            ("UDP2", self.udp2.port),
        ];
        for (name, port) in sinks.into_iter().chain(self.inputs) {
            text = text.replace(&format!("@{name}@"), &port.to_string());
        }
        for (name, path) in [
            ("DIR", self.out()),
            ("RUN", self.run()),
            ("FILES", self.files()),
            ("FIFO", self.dir.path().join(LocalSinks::FIFO)),
            ("UNIX", self.dir.path().join(LocalSinks::UNIX)),
            ("PROGRAMS", source::root().join("tests/oracle/programs")),
        ] {
            text = text.replace(&format!("@{name}@"), &path.to_string_lossy());
        }
        text
    }

    /// The folder whose files the relay may read.
    fn files(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    /// The folder of sockets and FIFOs.
    fn run(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Makes the FIFOs that are written to, and holds them open: a reader then sees no end.
    fn fifos(&self, steps: &[Step]) -> Vec<File> {
        let names = steps.iter().filter_map(|step| match &step.what {
            Payload::Fifo { name, .. } => Some(name),
            _ => None,
        });
        let names: BTreeSet<_> = names.collect();
        let make = |name: &String| {
            let path = self.run().join(name);
            rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
            File::options().read(true).write(true).open(path).unwrap()
        };
        names.into_iter().map(make).collect()
    }

    /// The folder whose files are outputs.
    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// Waits until the relay listens wherever the case sends to.
    fn ready(&self, mut relay: Daemon, steps: &[Step], feed: Feed<'_>) -> Result<Daemon, String> {
        // One that polls files watches nothing: it is given this time.
        let polls = Instant::now() + POLLS;
        let sent =
            |step: &Step| !matches!(step.what, Payload::File(_) | Payload::Stop | Payload::Start);
        let reads = !steps.iter().any(sent);
        let pid = relay.pid();
        let up = || match feed {
            Feed::Steps if reads => files::watches(pid) || Instant::now() > polls,
            Feed::Steps => {
                steps.iter().all(|step| listens(step, self.port(&step.port), &self.run()))
            }
            Feed::Wire(_) | Feed::Sender(..) => tcp_listens(self.port("IN")),
        };
        let mut ended = false;
        let listening = wait_for(READY, || {
            ended = !relay.running();
            ended || up()
        });
        if ended || !listening {
            let ended = if ended { relay.ended() } else { relay.stop() };
            return Err(format!("does not listen ({}); stderr:\n{}", ended.status, ended.stderr));
        }
        Ok(relay)
    }

    fn outputs(&self, case: &Case) -> Outputs {
        let mut outputs = Outputs::new();
        let mut put = |name: &str, text| case.put(name, text, &mut outputs);
        put("tcp", text::encode_stream(&self.tcp.bytes()));
        put("tcp2", text::encode_stream(&self.tcp2.bytes()));
        put("udp", text::encode_datagrams(&self.udp.datagrams()));
        put("udp2", text::encode_datagrams(&self.udp2.datagrams()));
        put("fifo", text::encode_stream(&self.local.fifo()));
        put("unix", text::encode_datagrams(&self.local.datagrams()));
        let folder = self.out();
        source::walk(&folder, &mut |path| {
            if site::is_queue_file(path) {
                return;
            }
            // A socket holds nothing.
            if !path.is_file() {
                return;
            }
            let name = path.strip_prefix(&folder).unwrap().to_string_lossy();
            let bytes = plain(path);
            put(&format!("file {name}"), text::encode_stream(&bytes));
        });
        if case.modes {
            put("modes", site::modes(&folder));
        }
        outputs
    }
}

/// What a file holds, a compressed one without its compression. One that does not end (as long as
/// the relay has it open, or if it left it so) says so.
fn plain(path: &Path) -> Vec<u8> {
    let file = fs::read(path).unwrap();
    let mut bytes = Vec::new();
    let read = match path.extension().and_then(|suffix| suffix.to_str()) {
        Some("gz") => MultiGzDecoder::new(&file[..]).read_to_end(&mut bytes),
        Some("zst") => zstd::Decoder::new(&file[..]).unwrap().read_to_end(&mut bytes),
        _ => return file,
    };
    if read.is_err() {
        bytes.extend_from_slice(b"(cut short)");
    }
    bytes
}

fn listens(step: &Step, port: u16, run: &Path) -> bool {
    match &step.what {
        Payload::Datagrams(_) => udp_listens(port),
        Payload::Stream { .. } if step.unix.is_some() => {
            step.unix.as_ref().is_some_and(|name| run.join(name).exists())
        }
        Payload::Stream { .. } => tcp_listens(port),
        Payload::Close { .. } => true,
        Payload::Unix { socket, .. } => run.join(socket).exists(),
        // A socket that a command sends to is there when those of other steps are.
        Payload::Fifo { .. } | Payload::Command(_) => true,
        Payload::File(_) | Payload::Stop | Payload::Start => true,
    }
}

/// A connection to the socket, which is bound before it listens.
fn open_socket(path: &Path) -> Box<dyn Write> {
    let mut stream = None;
    assert!(wait_for(READY, || {
        stream = UnixStream::connect(path).ok();
        stream.is_some()
    }));
    Box::new(stream.unwrap())
}

/// Sends the steps in order; `settle` runs between two of different connections, so that their
/// messages have one order. Connections end at the end, in no order that matters: only one of
/// them may hold an unfinished frame by then.
/// What is not sent, `other` does.
fn play(
    steps: &[Step],
    port: impl Fn(&str) -> u16,
    run: &Path,
    settle: impl Fn(),
    mut other: impl FnMut(&Payload),
) {
    let mut open = HashMap::<&str, Box<dyn Write>>::new();
    for (index, step) in steps.iter().enumerate() {
        if index > 0 {
            settle();
        }
        let port = || port(&step.port);
        match &step.what {
            Payload::Stream { connection, bytes } => {
                let connect = || match &step.unix {
                    Some(name) => open_socket(&run.join(name)),
                    None => Box::new(connect(&step.from, port()).unwrap()),
                };
                let stream = open.entry(connection).or_insert_with(connect);
                stream.write_all(bytes).unwrap();
            }
            Payload::Close { connection } => drop(open.remove(connection.as_str()).unwrap()),
            Payload::Datagrams(datagrams) => {
                let socket = UdpSocket::bind((step.from.as_str(), 0)).unwrap();
                for datagram in datagrams {
                    assert_eq!(
                        socket.send_to(datagram, ("127.0.0.1", port())).unwrap(),
                        datagram.len()
                    );
                }
            }
            Payload::Unix { socket, datagrams } => {
                let sender = UnixDatagram::unbound().unwrap();
                for datagram in datagrams {
                    let sent = sender.send_to(datagram, run.join(socket)).unwrap();
                    assert_eq!(sent, datagram.len());
                }
            }
            Payload::Fifo { name, bytes } => {
                let mut fifo = File::options().write(true).open(run.join(name)).unwrap();
                fifo.write_all(bytes).unwrap();
            }
            Payload::Command(lines) => {
                let lines = lines.replace("@RUN@", &run.to_string_lossy());
                let status = Command::new("sh").args(["-ec", &lines]).status().unwrap();
                assert!(status.success(), "{status}: {lines}");
            }
            what @ (Payload::File(_) | Payload::Stop | Payload::Start) => other(what),
        }
    }
}
