//! Listening and accepting. One shard accepts; connections go to all shards in turn.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::backoff::Backoff;
use crate::base::drain::Signals;
use crate::base::reporter::Level;
use crate::base::versions::Versions;
use crate::input::FamilyStats;
use crate::input::InputSettings;
use crate::input::InputStats;
use crate::input::guard::Guard;
use crate::input::ratelimit::RateLimit;
use crate::input::tcp::NAME;
use crate::input::tcp::TcpSpec;
use crate::input::tcp::stream::Accepted;
use crate::input::tcp::stream::ListenSocket;
use crate::input::tcp::stream::Remote;
use crate::message::InputInfo;
use crate::parse::ParseSettings;
use crate::rules::RulesetId;

/// Connections that are accepted after the stop, at most: what the kernel's queue can hold.
const ACCEPTS_AT_STOP: u32 = 4096;
/// How long each of these is waited for.
const PATIENCE_AT_STOP: Duration = Duration::from_millis(10);

/// One running `imtcp` input: what its listeners and sessions share. They outlive what a reload
/// changes.
#[derive(Debug)]
pub struct TcpInput {
    /// Tells it from all others that this process had.
    pub key: u64,
    pub stats: Arc<InputStats>,
    pub setups: Versions<TcpSetup>,
    sessions: AtomicUsize,
}

/// What an input does with its connections.
#[derive(Debug)]
pub struct TcpSetup {
    pub spec: TcpSpec,
    pub ruleset: RulesetId,
    pub info: Arc<InputInfo>,
    pub parse: ParseSettings,
    pub settings: InputSettings,
    pub(super) limit: Option<Arc<RateLimit>>,
    pub(super) guard: Option<Arc<Guard>>,
}

/// A bound socket and its input.
#[derive(Debug)]
pub struct Listener {
    pub socket: ListenSocket,
    pub input: Arc<TcpInput>,
}

/// An accepted connection on its way to its shard.
#[derive(Debug)]
pub struct Connection {
    pub stream: Accepted,
    pub ticket: Ticket,
    /// Those of the input: it may be stopped alone.
    pub signals: Signals,
}

/// A connection's place among `maxSessions`; free again when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    pub peer: Remote,
    pub input: Arc<TcpInput>,
}

impl TcpSetup {
    /// `before` is what held until now: limits and what was said of senders go on where they are
    /// the same.
    #[must_use]
    pub fn new(
        label: String,
        spec: TcpSpec,
        ruleset: RulesetId,
        info: Arc<InputInfo>,
        parse: ParseSettings,
        settings: InputSettings,
        before: Option<&Self>,
    ) -> Self {
        let before_limit = before.and_then(|before| before.limit.as_ref());
        let limit = settings.limit(&spec.rate, label, before_limit);
        // As in rsyslogd, the lists are not for imptcp.
        let list = settings.allowed.tcp.as_ref().filter(|_| spec.module == NAME);
        let before_guard = before.and_then(|before| before.guard.as_ref());
        let guard = Guard::of(list, &settings, before_guard);
        Self { spec, ruleset, info, parse, settings, limit, guard }
    }

    /// What a peer is called where it comes and goes.
    fn name_of(&self, peer: Remote) -> String {
        match peer {
            Remote::At(address) => address.ip().to_canonical().to_string(),
            Remote::Here => self.info.hostname.to_string(),
        }
    }

    pub(in crate::input) fn say(&self, level: Level, text: &str) {
        self.settings.reporter.say(level, format!("{}: {text}", self.spec.module));
    }
}

impl TcpInput {
    #[must_use]
    pub const fn new(key: u64, setups: Versions<TcpSetup>, stats: Arc<InputStats>) -> Self {
        Self { key, stats, setups, sessions: AtomicUsize::new(0) }
    }

    /// What is counted of the peer's family.
    fn family(&self, peer: Remote) -> &FamilyStats {
        self.stats.family(peer.ip())
    }

    fn enter(&self, limit: usize) -> bool {
        let before = self.sessions.fetch_add(1, Ordering::Relaxed);
        if limit > 0 && before >= limit {
            self.sessions.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.input.sessions.fetch_sub(1, Ordering::Relaxed);
        self.input.stats.sessions_closed.add(1);
        self.input.family(self.peer).sessions_closed.add(1);
        let setup = self.input.setups.latest();
        if setup.spec.notify_close {
            let text = format!("session on {} closed from remote peer", setup.name_of(self.peer));
            setup.say(Level::Info, &text);
        }
    }
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
        let Self { socket, input } = self;
        let listener = socket.accepting()?;
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
                    hand_out.give(admit(&input, stream, peer, &signals)).await;
                }
                Err(error) if is_peers_fault(&error) => {}
                Err(error) => {
                    input.stats.accept_errors.add(1);
                    if input.stats.accept_errors.get().is_power_of_two() {
                        let text = format!("accept failed: {error}; open connections go on");
                        input.setups.latest().say(Level::Error, &text);
                    }
                    tokio::select! {
                        () = signals.stopped() => {}
                        () = tokio::time::sleep(waits.next_wait()) => {}
                    }
                }
            }
        }
        listener.withdraw();
        // Peers whose connection the kernel has accepted may have sent all they have to say.
        for _ in 0..ACCEPTS_AT_STOP {
            let accepted = tokio::time::timeout(PATIENCE_AT_STOP, listener.accept()).await;
            let Ok(Ok((stream, peer))) = accepted else { break };
            hand_out.give(admit(&input, stream, peer, &signals)).await;
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

fn admit(
    input: &Arc<TcpInput>,
    stream: Accepted,
    peer: Remote,
    signals: &Signals,
) -> Option<Connection> {
    let setup = input.setups.latest();
    if !input.enter(setup.spec.sessions_max) {
        input.stats.sessions_refused.add(1);
        input.family(peer).sessions_failed.add(1);
        if input.stats.sessions_refused.get().is_power_of_two() {
            let limit = setup.spec.sessions_max;
            let text = format!("too many tcp sessions (maxSessions={limit}), {peer} refused");
            setup.say(Level::Warning, &text);
        }
        return None;
    }
    input.stats.sessions_opened.add(1);
    input.family(peer).sessions_opened.add(1);
    if let Some(keep_alive) = setup.spec.keep_alive
        && let Err(error) = stream.keep_alive(&keep_alive)
        && input.stats.sessions_opened.get().is_power_of_two()
    {
        let text = format!("connection of {peer} goes on without keep-alive: {error}");
        setup.say(Level::Warning, &text);
    }
    if setup.spec.notify_open {
        let text = format!("connection established with host: {}", setup.name_of(peer));
        setup.say(Level::Info, &text);
    }
    let ticket = Ticket { peer, input: input.clone() };
    Some(Connection { stream, ticket, signals: signals.clone() })
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;
    use tokio::net::TcpStream;

    use super::*;
    use crate::base::diag::Diagnostics;
    use crate::base::drain::Control;
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
            sums_up: false,
        };
        let info = InputInfo { name: NAME_PLAIN.into(), hostname: "vm".into() };
        let parse = ParseSettings::default();
        let info = Arc::new(info);
        let setup = TcpSetup::new("in".into(), spec, RulesetId(0), info, parse, settings, None);
        (Arc::new(TcpInput::new(0, Versions::new(0, setup), Arc::default())), said)
    }

    /// What `input` makes of a new connection, and the other end, which keeps it open.
    async fn admitted(input: &Arc<TcpInput>) -> (Option<Connection>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let stream = Accepted::Tcp(stream.into_std().unwrap());
        (admit(input, stream, Remote::At(peer), &Control::new().1), client)
    }

    #[tokio::test]
    async fn keep_alive_is_set_on_what_is_accepted() {
        let (plain, _) = input("");
        let stream = admitted(&plain).await.0.unwrap().stream.tcp().unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());

        let values = "keepAlive.time=\"70\" keepAlive.interval=\"8\" keepAlive.probes=\"3\"";
        let (probed, said) = input(&format!("keepAlive=\"on\" {values}"));
        let stream = admitted(&probed).await.0.unwrap().stream.tcp().unwrap();
        let socket = SockRef::from(&stream);
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
