//! Listening and accepting. One shard accepts; connections go to all shards in turn.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::base::backoff::Backoff;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::guard::Guard;
use crate::input::ratelimit::RateLimit;
use crate::input::tcp::NAME;
use crate::input::tcp::TcpSpec;
use crate::message::InputInfo;
use crate::parse::ParseSettings;
use crate::rules::RulesetId;

/// Connections that are accepted after the stop, at most: what the kernel's queue can hold.
const ACCEPTS_AT_STOP: u32 = 4096;
/// How long each of these is waited for.
const PATIENCE_AT_STOP: Duration = Duration::from_millis(10);

/// One running `imtcp` input: what its listeners and sessions share.
#[derive(Debug)]
pub struct TcpInput {
    pub spec: TcpSpec,
    pub ruleset: RulesetId,
    pub info: Arc<InputInfo>,
    pub parse: ParseSettings,
    pub settings: InputSettings,
    pub stats: Arc<InputStats>,
    pub(super) limit: Option<Arc<RateLimit>>,
    pub(super) guard: Option<Guard>,
    sessions: AtomicUsize,
}

/// A bound socket and its input.
#[derive(Debug)]
pub struct Listener {
    pub socket: std::net::TcpListener,
    pub input: Arc<TcpInput>,
}

/// An accepted connection on its way to its shard.
#[derive(Debug)]
pub struct Connection {
    pub stream: std::net::TcpStream,
    pub ticket: Ticket,
}

/// A connection's place among `maxSessions`; free again when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    pub peer: SocketAddr,
    pub input: Arc<TcpInput>,
}

impl TcpInput {
    #[must_use]
    pub fn new(
        label: String,
        spec: TcpSpec,
        ruleset: RulesetId,
        info: Arc<InputInfo>,
        parse: ParseSettings,
        settings: InputSettings,
        stats: Arc<InputStats>,
    ) -> Self {
        let limit = settings.limit(&spec.rate, label);
        // As in rsyslogd, the lists are not for imptcp.
        let list = settings.allowed.tcp.clone().filter(|_| spec.module == NAME);
        let guard = list.map(|list| Guard::new(list, settings.allowed.says));
        let sessions = AtomicUsize::new(0);
        Self { spec, ruleset, info, parse, settings, stats, limit, guard, sessions }
    }

    fn enter(&self) -> bool {
        let limit = self.spec.sessions_max;
        let before = self.sessions.fetch_add(1, Ordering::Relaxed);
        if limit > 0 && before >= limit {
            self.sessions.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        true
    }

    pub(in crate::input) fn say(&self, level: Level, text: &str) {
        self.settings.reporter.say(level, format!("{}: {text}", self.spec.module));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.input.sessions.fetch_sub(1, Ordering::Relaxed);
        self.input.stats.sessions_closed.add(1);
        self.input.stats.family(self.peer.ip()).sessions_closed.add(1);
        if self.input.spec.notify_close {
            let text = format!("session on {} closed from remote peer", name_of(self.peer.ip()));
            self.input.say(Level::Info, &text);
        }
    }
}

fn name_of(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

impl Listener {
    /// Accepts until the stop. Without file descriptors it waits and tries again; connections
    /// that are open are not touched.
    ///
    /// # Errors
    /// If the socket cannot be registered with the runtime.
    pub async fn run(
        self,
        shards: Vec<mpsc::Sender<Connection>>,
        mut signals: Signals,
    ) -> std::io::Result<()> {
        self.socket.set_nonblocking(true)?;
        let Self { socket, input } = self;
        let listener = TcpListener::from_std(socket)?;
        let mut waits = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
        let mut hand_out = HandOut { shards, turn: 0 };
        loop {
            let accepted = tokio::select! {
                biased;
                () = signals.stopped() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    waits.reset();
                    hand_out.give(admit(&input, stream, peer)).await;
                }
                Err(error) if is_peers_fault(&error) => {}
                Err(error) => {
                    input.stats.accept_errors.add(1);
                    if input.stats.accept_errors.get().is_power_of_two() {
                        let text = format!("accept failed: {error}; open connections go on");
                        input.say(Level::Error, &text);
                    }
                    tokio::select! {
                        () = signals.stopped() => {}
                        () = tokio::time::sleep(waits.next_wait()) => {}
                    }
                }
            }
        }
        // Peers whose connection the kernel has accepted may have sent all they have to say.
        for _ in 0..ACCEPTS_AT_STOP {
            let accepted = tokio::time::timeout(PATIENCE_AT_STOP, listener.accept()).await;
            let Ok(Ok((stream, peer))) = accepted else { break };
            hand_out.give(admit(&input, stream, peer)).await;
        }
        Ok(())
    }
}

/// Gives connections to the shards in turn.
struct HandOut {
    shards: Vec<mpsc::Sender<Connection>>,
    turn: usize,
}

impl HandOut {
    async fn give(&mut self, connection: Option<Connection>) {
        let Some(connection) = connection else { return };
        self.turn = (self.turn + 1) % self.shards.len();
        // A shard takes connections in for as long as there are listeners.
        if self.shards[self.turn].send(connection).await.is_err() {}
    }
}

/// The connection was gone before it was accepted: nothing is wrong here.
fn is_peers_fault(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::ConnectionAborted;
    use std::io::ErrorKind::ConnectionReset;
    use std::io::ErrorKind::Interrupted;
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn admit(input: &Arc<TcpInput>, stream: TcpStream, peer: SocketAddr) -> Option<Connection> {
    if !input.enter() {
        input.stats.sessions_refused.add(1);
        input.stats.family(peer.ip()).sessions_failed.add(1);
        if input.stats.sessions_refused.get().is_power_of_two() {
            let limit = input.spec.sessions_max;
            let text = format!("too many tcp sessions (maxSessions={limit}), {peer} refused");
            input.say(Level::Warning, &text);
        }
        return None;
    }
    let Ok(stream) = stream.into_std() else {
        input.sessions.fetch_sub(1, Ordering::Relaxed);
        input.stats.accept_errors.add(1);
        input.stats.family(peer.ip()).sessions_failed.add(1);
        return None;
    };
    input.stats.sessions_opened.add(1);
    input.stats.family(peer.ip()).sessions_opened.add(1);
    if let Some(keep_alive) = input.spec.keep_alive
        && let Err(error) = keep_alive.apply(&stream)
        && input.stats.sessions_opened.get().is_power_of_two()
    {
        let text = format!("connection of {peer} goes on without keep-alive: {error}");
        input.say(Level::Warning, &text);
    }
    if input.spec.notify_open {
        input
            .say(Level::Info, &format!("connection established with host: {}", name_of(peer.ip())));
    }
    Some(Connection { stream, ticket: Ticket { peer, input: input.clone() } })
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::reporter::Said;
    use crate::config::ast::StmtKind;
    use crate::config::param::Params;
    use crate::config::parse_text;
    use crate::input::Allowed;
    use crate::input::tcp::MODULE_PLAIN;
    use crate::input::tcp::NAME_PLAIN;
    use crate::net::Family;
    use crate::net::reverse::Names;

    fn input(params: &str) -> (Arc<TcpInput>, Arc<Said>) {
        let config = parse_text("t", format!("input(port=\"0\" {params})").as_bytes());
        let StmtKind::Object(object) = &config.statements[0].kind else { panic!("{params}") };
        let mut diags = Diagnostics::default();
        let params = MODULE_PLAIN.check(object, MODULE_PLAIN.instance, &mut diags);
        let module = Params::default();
        let spec = TcpSpec::compile(NAME_PLAIN, &module, &params, 8096, &mut diags).unwrap();
        assert!(diags.all.is_empty(), "{:?}", diags.all);
        let said = Arc::new(Said::default());
        let settings = InputSettings {
            message_bytes_max: 8096,
            hostname: "vm".into(),
            names: Arc::new(Names::new(false, None)),
            reporter: said.clone(),
            family: Family::Any,
            allowed: Allowed::default(),
            limits: Arc::default(),
        };
        let info = InputInfo { name: NAME_PLAIN.into(), hostname: "vm".into() };
        let parse = ParseSettings::default();
        let stats = Arc::default();
        let input =
            TcpInput::new("in".into(), spec, RulesetId(0), Arc::new(info), parse, settings, stats);
        (Arc::new(input), said)
    }

    /// What `input` makes of a new connection, and the other end, which keeps it open.
    async fn admitted(input: &Arc<TcpInput>) -> (Option<Connection>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        (admit(input, stream, peer), client)
    }

    #[tokio::test]
    async fn keep_alive_is_set_on_what_is_accepted() {
        let (plain, _) = input("");
        let connection = admitted(&plain).await.0.unwrap();
        assert!(!SockRef::from(&connection.stream).keepalive().unwrap());

        let values = "keepAlive.time=\"70\" keepAlive.interval=\"8\" keepAlive.probes=\"3\"";
        let (probed, said) = input(&format!("keepAlive=\"on\" {values}"));
        let connection = admitted(&probed).await.0.unwrap();
        let socket = SockRef::from(&connection.stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(70));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(8));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        assert!(said.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_connection_without_its_keep_alive_is_better_than_none() {
        // Linux knows at most 127 probes.
        let (input, said) = input("keepAlive=\"on\" keepAlive.probes=\"1000\"");
        assert!(admitted(&input).await.0.is_some());
        let said = said.0.lock().unwrap();
        assert!(said.len() == 1 && said[0].contains("without keep-alive"), "{said:?}");
    }

    #[tokio::test]
    async fn sessions_are_limited_and_given_back() {
        let (input, said) = input("maxSessions=\"1\"");
        let (first, _client) = admitted(&input).await;
        assert!(first.is_some());
        assert!(admitted(&input).await.0.is_none());
        assert_eq!(input.stats.sessions_refused.get(), 1);
        assert!(said.0.lock().unwrap()[0].contains("maxSessions=1"));
        drop(first);
        assert!(admitted(&input).await.0.is_some());
    }
}
