use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::output::testing::Action;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::parse::relp;
use crate::parse::relp::Command;
use crate::parse::relp::Decoder;
use crate::parse::relp::FrameLimits;

const LIMITS: FrameLimits = FrameLimits { data_bytes_max: 10_000, abort: true };

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

fn forward(port: &str, more: &[(&str, &str)]) -> Action {
    let fixed = [("type", "omrelp"), ("target", "127.0.0.1"), ("port", port)];
    start(&[&fixed[..], more].concat())
}

/// A receiver, driven by hand.
struct Receiver {
    stream: TcpStream,
    decoder: Decoder,
    heard: Vec<u8>,
    at: usize,
}

impl Receiver {
    async fn accept(listener: &TcpListener) -> Self {
        let accepted = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
        let stream = accepted.unwrap().unwrap().0;
        Self { stream, decoder: Decoder::default(), heard: Vec::new(), at: 0 }
    }

    /// Accepts, and opens the session.
    async fn open(listener: &TcpListener) -> Self {
        let mut receiver = Self::accept(listener).await;
        let (txnr, command, offers) = receiver.hear().await.unwrap();
        assert_eq!((txnr, command), (1, Command::Open));
        assert!(relp::Offers::read(offers.as_bytes()).syslog);
        receiver.say(1, "rsp", "200 OK\nrelp_version=0\ncommands=syslog").await;
        receiver
    }

    /// The next frame; `None` at the end.
    async fn hear(&mut self) -> Option<(u32, Command, String)> {
        loop {
            let end = self.heard.len();
            let taken = self.decoder.frame(LIMITS, &mut self.heard, &mut self.at, end).unwrap();
            if let Some(frame) = taken {
                let data = frame.data.of(&self.heard).to_vec();
                return Some((frame.txnr, frame.command, String::from_utf8(data).unwrap()));
            }
            let read = self.stream.read_buf(&mut self.heard);
            match tokio::time::timeout(Duration::from_secs(10), read).await.unwrap() {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
        }
    }

    async fn syslog(&mut self, txnr: u32, expected: &str) {
        let heard = self.hear().await.unwrap();
        assert_eq!(heard, (txnr, Command::Syslog, expected.to_owned()));
    }

    async fn say(&mut self, txnr: u32, command: &str, data: &str) {
        let mut frame = Vec::new();
        relp::write(&mut frame, txnr, command, data.as_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    async fn ok(&mut self, txnr: u32) {
        self.say(txnr, "rsp", "200 OK").await;
    }

    /// Answers the `close` of that number.
    async fn close(&mut self, txnr: u32) {
        assert_eq!(self.hear().await, Some((txnr, Command::Close, String::new())));
        self.say(txnr, "rsp", "").await;
        self.say(0, "serverclose", "").await;
        assert_eq!(self.hear().await, None);
    }
}

#[tokio::test]
async fn a_message_is_delivered_when_it_is_answered() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    action.push(&["one", "", "two\n"]).await;
    let mut receiver = Receiver::open(&listener).await;
    receiver.syslog(2, "one").await;
    receiver.syslog(3, "").await;
    receiver.syslog(4, "two\n").await;
    receiver.ok(2).await;
    receiver.ok(3).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(action.stats.delivered.get(), 0, "the chunk is not through");
    receiver.ok(4).await;
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 3);
    action.push(&["three"]).await;
    receiver.syslog(5, "three").await;
    receiver.ok(5).await;
    tokio::join!(action.end(), receiver.close(6));
}

#[tokio::test]
async fn the_window_is_kept() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("windowSize", "3")]);
    action.push(&["a", "b", "c", "d"]).await;
    let mut receiver = Receiver::open(&listener).await;
    for (txnr, text) in [(2, "a"), (3, "b"), (4, "c")] {
        receiver.syslog(txnr, text).await;
    }
    let more = tokio::time::timeout(Duration::from_millis(200), receiver.hear()).await;
    assert!(more.is_err(), "more than the window: {more:?}");
    receiver.ok(2).await;
    receiver.syslog(5, "d").await;
    for txnr in 3..=5 {
        receiver.ok(txnr).await;
    }
    tokio::join!(action.end(), receiver.close(6));
}

#[tokio::test]
async fn what_was_not_answered_is_sent_again() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    action.push(&["a", "b"]).await;
    action.push(&["c"]).await;
    let mut first = Receiver::open(&listener).await;
    for (txnr, text) in [(2, "a"), (3, "b"), (4, "c")] {
        first.syslog(txnr, text).await;
    }
    first.ok(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(first);
    let mut second = Receiver::open(&listener).await;
    second.syslog(2, "b").await;
    second.syslog(3, "c").await;
    second.ok(2).await;
    second.ok(3).await;
    action.delivered().await;
    assert_eq!((action.stats.delivered.get(), action.stats.opened.get()), (3, 2));
    tokio::join!(action.end(), second.close(4));
}

/// A server that is about to go, one that answers nothing, one that answers what nobody asked, and
/// one that is none: a new session each, and nothing is lost.
#[tokio::test]
async fn bad_receivers_are_left() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("timeout", "1"), ("action.resumeIntervalMax", "1")]);
    action.push(&["a", "b"]).await;
    for bad in 0..5 {
        let mut receiver = Receiver::open(&listener).await;
        receiver.syslog(2, "a").await;
        match bad {
            0 => receiver.say(0, "serverclose", "").await,
            1 => receiver.ok(3).await,
            2 => receiver.ok(77).await,
            3 => receiver.stream.write_all(b"HTTP/1.0 400\r\n").await.unwrap(),
            _ => {}
        }
        while receiver.hear().await.is_some() {}
    }
    let mut refuses = Receiver::accept(&listener).await;
    refuses.hear().await.unwrap();
    refuses.say(1, "rsp", "500 not you").await;
    assert_eq!(refuses.hear().await, None);
    let mut useless = Receiver::accept(&listener).await;
    useless.hear().await.unwrap();
    useless.say(1, "rsp", "200 OK\nrelp_version=0").await;
    assert_eq!(useless.hear().await, None);
    let mut good = Receiver::open(&listener).await;
    good.syslog(2, "a").await;
    good.syslog(3, "b").await;
    good.ok(2).await;
    good.ok(3).await;
    action.delivered().await;
    assert_eq!((action.stats.delivered.get(), action.stats.failures.get()), (2, 7));
    tokio::join!(action.end(), good.close(4));
}

/// As rsyslogd: the message is given up, the session is broken off.
#[tokio::test]
async fn a_refused_message_is_given_up() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    action.push(&["a", "b", "c"]).await;
    let mut first = Receiver::open(&listener).await;
    first.syslog(2, "a").await;
    first.ok(2).await;
    first.syslog(3, "b").await;
    first.say(3, "rsp", "500 cannot store").await;
    while first.hear().await.is_some() {}
    let mut second = Receiver::open(&listener).await;
    second.syslog(2, "c").await;
    second.ok(2).await;
    action.delivered().await;
    let stats = &action.stats;
    assert_eq!((stats.delivered.get(), stats.dropped_unsendable.get()), (2, 1));
    assert!(action.said.all()[0].contains("500 cannot store"), "{:?}", action.said.all());
    tokio::join!(action.end(), second.close(3));
}

#[tokio::test]
async fn rebinds_after_the_interval() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("rebindInterval", "2")]);
    action.push(&["a", "b", "c"]).await;
    let mut first = Receiver::open(&listener).await;
    first.syslog(2, "a").await;
    first.syslog(3, "b").await;
    first.ok(2).await;
    first.ok(3).await;
    first.close(4).await;
    let mut second = Receiver::open(&listener).await;
    second.syslog(2, "c").await;
    second.ok(2).await;
    action.delivered().await;
    tokio::join!(action.end(), second.close(3));
}

#[tokio::test]
async fn comes_from_the_address_that_was_given() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("localClientIP", "127.0.0.9")]);
    action.push(&["a"]).await;
    let mut receiver = Receiver::open(&listener).await;
    assert_eq!(receiver.stream.peer_addr().unwrap().ip().to_string(), "127.0.0.9");
    receiver.syslog(2, "a").await;
    receiver.ok(2).await;
    tokio::join!(action.end(), receiver.close(3));
}

#[tokio::test]
async fn many_messages_through_a_slow_receiver() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("windowSize", "100")]);
    let messages: Vec<String> = (0..5000).map(|i| format!("{i} {}", "x".repeat(i % 900))).collect();
    let sending = async {
        for some in messages.chunks(70) {
            action.push(some).await;
        }
        action.delivered().await;
        let stats = action.stats.clone();
        action.end().await;
        stats.delivered.get()
    };
    let receiving = async {
        let mut receiver = Receiver::open(&listener).await;
        for (txnr, message) in (2..).zip(&messages) {
            receiver.syslog(txnr, message).await;
            receiver.ok(txnr).await;
        }
        receiver.close(5002).await;
    };
    let (delivered, ()) = tokio::join!(sending, receiving);
    assert_eq!(delivered, 5000);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let base = [("type", "omrelp"), ("target", "h")];
    assert!(compile(&base).is_ok());
    assert!(compile(&[("type", "omrelp")]).is_err());
    let tls = compile(&[&base[..], &[("tls", "on")]].concat()).unwrap_err();
    assert!(tls[0].contains("in the clear"), "{tls:?}");
    assert!(compile(&[&base[..], &[("tls", "off"), ("tls.caCert", "/x")]].concat()).is_ok());
}
