use std::collections::HashSet;
use std::io::Read as _;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;

use crate::config::ast::Value;
use crate::output::OutputSpec;
use crate::output::forward::PackMode;
use crate::output::testing::Action;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::output::testing::start_with;
use crate::output::testing::until;
use crate::queue::Chunk;

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

fn forward(port: &str, more: &[(&str, &str)]) -> Action {
    let fixed = [("type", "omfwd"), ("target", "127.0.0.1"), ("port", port), ("protocol", "tcp")];
    start(&[&fixed[..], more].concat())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    tokio::time::timeout(Duration::from_secs(10), listener.accept()).await.unwrap().unwrap().0
}

async fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

fn numbered(range: std::ops::Range<u32>, length: usize) -> Vec<String> {
    range.map(|i| format!("{i:08} {}", "x".repeat(length))).collect()
}

#[tokio::test]
async fn frames_and_ends_in_order() {
    for (framing, expected) in
        [("traditional", "one\ntwo\n\nthree\n"), ("octet-counted", "3 one4 two\n0 5 three")]
    {
        let (listener, port) = listener().await;
        let action = forward(&port, &[("tcp_framing", framing)]);
        action.push(&["one", "two\n"]).await;
        action.push(&["", "three"]).await;
        let stats = action.stats.clone();
        let (received, ()) =
            tokio::join!(async { read_to_end(accept(&listener).await).await }, action.end());
        assert_eq!(String::from_utf8(received).unwrap(), expected);
        assert_eq!(stats.delivered.get(), 4);
        assert_eq!(stats.bytes.get(), expected.len() as u64);
        assert_eq!((stats.opened.get(), stats.failures.get()), (1, 0));
    }
}

#[tokio::test]
async fn waits_for_a_target_that_comes_up_late() {
    let (first, port) = listener().await;
    drop(first);
    let action = forward(&port, &[]);
    action.push(&["early"]).await;
    let stats = action.stats.clone();
    until(|| stats.failures.get() >= 2).await;
    let said = action.said.clone();
    assert_eq!(said.all().len(), 1, "a suspension is said once");
    assert!(said.all()[0].contains(&format!("127.0.0.1:{port}")));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    let (received, ()) =
        tokio::join!(async { read_to_end(accept(&listener).await).await }, action.end());
    assert_eq!(received, b"early\n");
    assert!(said.all()[1].contains("resumed"));
}

/// Also where the next attempt was due long after the stop's time.
#[tokio::test]
async fn a_stop_is_tried_at_once() {
    let (first, port) = listener().await;
    drop(first);
    let action = forward(&port, &[("action.resumeInterval", "3600")]);
    action.push(&["in time"]).await;
    until(|| action.stats.failures.get() >= 1).await;
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    action.control.stop();
    let (received, ()) =
        tokio::join!(async { read_to_end(accept(&listener).await).await }, action.end());
    assert_eq!(received, b"in time\n");
}

#[tokio::test]
async fn gives_up_after_the_retries_that_were_asked_for() {
    let (first, port) = listener().await;
    drop(first);
    let action = forward(&port, &[("action.resumeRetryCount", "1")]);
    action.push(&["lost", "too"]).await;
    action.delivered().await;
    assert_eq!(action.stats.dropped_retries.get(), 2);
    assert_eq!(action.stats.failures.get(), 2);
    assert_eq!(action.stats.delivered.get(), 0);
    action.end().await;
}

/// The peer reads some, then resets the connection in the middle of a message: the next
/// connection starts at a message's start, and no message that the first had not taken from this
/// host is skipped.
#[tokio::test]
async fn a_cut_message_is_sent_again_from_its_start() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    let messages = numbered(0..2000, 4000);
    let sending = async {
        for some in messages.chunks(50) {
            action.push(some).await;
        }
        action.end().await;
    };
    let receiving = async {
        let mut first = accept(&listener).await;
        // Its kernel takes what fits, and the sender is left in the middle of a message.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut head = vec![0; 100_000];
        first.read_exact(&mut head).await.unwrap();
        socket2::SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
        drop(first);
        read_to_end(accept(&listener).await).await
    };
    let ((), rest) = tokio::join!(sending, receiving);
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.ends_with('\n'));
    let numbers: Vec<u32> = rest
        .lines()
        .map(|line| {
            assert_eq!(line.len(), 8 + 1 + 4000, "a whole message");
            line.split(' ').next().unwrap().parse().unwrap()
        })
        .collect();
    let from = numbers[0];
    assert!(from > 0 && from < 2000);
    assert_eq!(numbers, (from..2000).collect::<Vec<u32>>());
}

/// What the first connection's peer had in its kernel and did not read is lost, and nothing else;
/// nothing that it read comes again but the message that was cut.
#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    let messages = numbered(0..3000, 1000);
    let sending = async {
        for some in messages.chunks(50) {
            action.push(some).await;
        }
        action.end().await;
    };
    let receiving = async {
        let first = accept(&listener).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let unread = rustix::io::ioctl_fionread(&first).unwrap();
        socket2::SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
        drop(first);
        (unread, read_to_end(accept(&listener).await).await)
    };
    let ((), (unread, rest)) = tokio::join!(sending, receiving);
    let rest = String::from_utf8(rest).unwrap();
    let from: u64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(from, unread / 1010, "the first message that its kernel had not taken whole");
    assert_eq!(rest.lines().count() as u64, 3000 - from);
}

/// A peer that has ended its own side may read on.
#[tokio::test]
async fn a_half_closed_peer_gets_no_message_twice() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    let messages = numbered(0..9000, 1000);
    action.push(&messages).await;
    let mut first = accept(&listener).await;
    let mut one = [0; 1010];
    first.read_exact(&mut one).await.unwrap();
    first.shutdown().await.unwrap();
    let stats = action.stats.clone();
    let (head, rest, ()) = tokio::join!(
        read_to_end(first),
        async { read_to_end(accept(&listener).await).await },
        action.end()
    );
    assert_eq!(stats.delivered.get(), 9000);
    // What was cut comes again whole.
    let whole = head.len() - head.len() % 1010;
    assert!(whole > 0, "nothing more was under way");
    let all = [&one[..], &head[..whole], &rest].concat();
    assert_eq!(all, (messages.join("\n") + "\n").as_bytes());
}

/// A chunk is delivered when the peer's kernel has it, be the connection idle or not.
#[tokio::test]
async fn what_is_not_acknowledged_is_not_delivered() {
    let (listener, port) = listener().await;
    socket2::SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
    let action = forward(&port, &[]);
    action.push(&numbered(0..300, 1000)).await;
    let mut stream = accept(&listener).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(action.stats.delivered.get(), 0, "its last byte cannot be there");
    stream.read_exact(&mut vec![0; 300 * 1010]).await.unwrap();
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 300);
    action.end().await;
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_holds_back_the_queue() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    let messages = numbered(0..20_000, 1000);
    let queue = action.queue.clone();
    let sending = async {
        for some in messages.chunks(100) {
            action.push(some).await;
        }
        drop(queue);
        action.end().await;
    };
    let receiving = async {
        let mut stream = accept(&listener).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut all = Vec::new();
        let mut buffer = vec![0; 100_000];
        loop {
            let n = stream.read(&mut buffer).await.unwrap();
            if n == 0 {
                return all;
            }
            all.extend_from_slice(&buffer[..n]);
        }
    };
    let ((), all) = tokio::join!(sending, receiving);
    let expected = messages.join("\n") + "\n";
    assert!(all == expected.as_bytes());
}

#[tokio::test]
async fn a_peer_that_left_is_noticed_before_the_next_message() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[]);
    for text in ["one\n", "two\n", "three\n"] {
        action.push(&[text]).await;
        let mut stream = accept(&listener).await;
        let mut buffer = vec![0; text.len()];
        stream.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, text.as_bytes());
        // What a collector answers is thrown away.
        stream.write_all(b"thank you").await.unwrap();
        drop(stream);
    }
    assert_eq!(action.stats.delivered.get(), 3);
    action.end().await;
}

#[tokio::test]
async fn rebinds_after_the_interval() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("rebindInterval", "2")]);
    action.push(&["a", "b"]).await;
    assert_eq!(read_to_end(accept(&listener).await).await, b"a\nb\n");
    action.push(&["c"]).await;
    let (received, ()) =
        tokio::join!(async { read_to_end(accept(&listener).await).await }, action.end());
    assert_eq!(received, b"c\n");
}

#[tokio::test]
async fn the_last_message_is_repeated_on_demand() {
    let (listener, port) = listener().await;
    let action = forward(&port, &[("resendLastMSGOnReconnect", "on")]);
    action.push(&["one", "two"]).await;
    let mut stream = accept(&listener).await;
    stream.read_exact(&mut [0; 8]).await.unwrap();
    drop(stream);
    action.push(&["three"]).await;
    let (received, ()) =
        tokio::join!(async { read_to_end(accept(&listener).await).await }, action.end());
    assert_eq!(received, b"two\nthree\n");
}

#[tokio::test]
async fn targets_take_turns_and_stand_in_for_each_other() {
    let ((one, port_one), (two, port_two)) = (listener().await, listener().await);
    let (gone, port_gone) = listener().await;
    drop(gone);
    let action = pool(&[&port_one, &port_two, &port_gone], &[]);
    action.push(&numbered(0..1, 20)).await;
    let (first, mut second) = (accept(&one).await, accept(&two).await);
    until(|| action.stats.opened.get() == 2).await;
    for i in 1..200 {
        action.push(&numbered(i..i + 1, 20)).await;
    }
    action.delivered().await;
    assert!(action.said.all().iter().any(|text| text.contains("other targets")));
    assert_eq!(action.stats.suspended.get(), 0);
    // Half of it is with each. One of them goes with all that it has, and comes no more.
    let unread = |stream: &TcpStream| rustix::io::ioctl_fionread(stream).unwrap();
    let had = unread(&first) + unread(&second);
    assert_eq!(had, 200 * 30);
    assert!(unread(&first) > 30 * 30 && unread(&second) > 30 * 30);
    let lost = unread(&first) / 30;
    socket2::SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
    drop((first, one));
    for i in 200..400 {
        action.push(&numbered(i..i + 1, 20)).await;
    }
    let reading = async {
        let mut all = Vec::new();
        second.read_to_end(&mut all).await.unwrap();
        String::from_utf8(all).unwrap()
    };
    let (rest, ()) = tokio::join!(reading, action.end());
    let seen: HashSet<&str> = rest.lines().collect();
    assert_eq!(seen.len(), rest.lines().count(), "nothing twice");
    assert_eq!(seen.len() as u64, 400 - lost);
}

fn pool(ports: &[&str], params: &[(&str, &str)]) -> Action {
    let fixed = [("type", "omfwd"), ("protocol", "tcp"), ("pool.resumeInterval", "1")];
    let hosts = ports.iter().map(|_| "127.0.0.1".into()).collect();
    let ports = ports.iter().map(|port| (*port).into()).collect();
    start_with(
        &[&fixed[..], params].concat(),
        vec![("target", Value::Array(hosts)), ("port", Value::Array(ports))],
    )
}

/// Only when no target is left is the action suspended, and only then are its retries counted.
#[tokio::test]
async fn targets_that_are_all_gone_suspend_the_action() {
    let ((one, port_one), (two, port_two)) = (listener().await, listener().await);
    drop((one, two));
    let action = pool(&[&port_one, &port_two], &[]);
    action.push(&["kept"]).await;
    until(|| action.stats.suspended.get() == 1).await;
    let two = TcpListener::bind(format!("127.0.0.1:{port_two}")).await.unwrap();
    let (stats, said) = (action.stats.clone(), action.said.clone());
    let (received, ()) =
        tokio::join!(async { read_to_end(accept(&two).await).await }, action.end());
    assert_eq!(received, b"kept\n");
    assert_eq!((stats.resumed.get(), stats.delivered.get()), (1, 1));
    assert!(said.all().iter().any(|text| text.contains("back")), "{:?}", said.all());

    drop(two);
    let action = pool(&[&port_one, &port_two], &[("action.resumeRetryCount", "1")]);
    action.push(&["dropped", "too"]).await;
    action.delivered().await;
    assert_eq!(action.stats.dropped_retries.get(), 2);
    action.end().await;
}

/// A target that takes nothing more, and is alive, keeps what it has and holds nobody up.
#[tokio::test]
async fn a_target_that_is_stuck_leaves_the_rest_to_the_others() {
    let ((one, port_one), (two, port_two)) = (listener().await, listener().await);
    socket2::SockRef::from(&one).set_recv_buffer_size(64 << 10).unwrap();
    let action = pool(&[&port_one, &port_two], &[]);
    let messages = numbered(0..30_000, 1000);
    let queue = action.queue.clone();
    let sending = async {
        for some in messages.chunks(10) {
            let mut chunk = Chunk::default();
            for message in some {
                chunk.bytes.extend_from_slice(format!("{message}\n").as_bytes());
                chunk.end_message();
            }
            queue.push(&mut chunk).await;
        }
        drop(queue);
    };
    let receiving = async {
        let (mut stuck, mut second) = (accept(&one).await, accept(&two).await);
        // Far more than its turns: what the first one holds fits in the queue's 1 MiB.
        let mut most = vec![0; 24_000_000];
        let read = second.read_exact(&mut most);
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("stalled").unwrap();
        let reading = async {
            tokio::join!(second.read_to_end(&mut most), async {
                let mut rest = Vec::new();
                stuck.read_to_end(&mut rest).await.unwrap();
                rest
            })
        };
        let ((_, rest), ()) = tokio::join!(reading, action.end());
        most.extend_from_slice(&rest);
        most
    };
    let ((), all) = tokio::join!(sending, receiving);
    let all = String::from_utf8(all).unwrap();
    assert_eq!(all.lines().count(), 30_000);
    assert_eq!(all.lines().collect::<HashSet<_>>().len(), 30_000);
}

#[tokio::test]
async fn udp_sends_a_datagram_a_message() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let target = [("type", "omfwd"), ("target", "127.0.0.1"), ("port", port.as_str())];
    let action = start(&[&target[..], &[("udp.sendDelay", "50")]].concat());
    action.push(&numbered(0..300, 100)).await;
    let mut seen = HashSet::new();
    let mut buffer = [0; 9000];
    for _ in 0..300 {
        let n = server.recv(&mut buffer).await.unwrap();
        assert_eq!(n, 109);
        seen.insert(buffer[..8].to_vec());
    }
    action.delivered().await;
    assert_eq!(seen.len(), 300);
    assert_eq!(action.stats.delivered.get(), 300);
    assert_eq!(action.stats.dropped_unsendable.get(), 0);
    action.end().await;
}

#[tokio::test]
async fn udp_compresses_what_gets_shorter_by_it() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let target = [("type", "omfwd"), ("target", "127.0.0.1"), ("port", port.as_str())];
    let action = start(&[&target[..], &[("zipLevel", "9")]].concat());
    let long = "repeat ".repeat(40);
    action.push(&["short", &long]).await;
    let mut buffer = [0; 1000];
    let n = server.recv(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..n], b"short");
    let n = server.recv(&mut buffer).await.unwrap();
    assert_eq!(buffer[0], b'z');
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(&buffer[1..n]).read_to_string(&mut text).unwrap();
    assert_eq!(text, long);
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 2);
    action.end().await;
}

#[tokio::test]
async fn udp_goes_on_over_a_deaf_target_and_an_oversized_message() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    drop(server);
    let action = start(&[("type", "omfwd"), ("target", "127.0.0.1"), ("port", &port)]);
    action.push(&["nobody", "hears", "this"]).await;
    action.delivered().await;
    let server = UdpSocket::bind(format!("127.0.0.1:{port}")).await.unwrap();
    let mut chunk = Chunk { bytes: vec![b'x'; 70_000], ..Chunk::default() };
    chunk.end_message();
    chunk.bytes.extend_from_slice(b"after");
    chunk.end_message();
    action.queue.push(&mut chunk).await;
    let mut buffer = [0; 100];
    let n = server.recv(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..n], b"after");
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 4);
    assert_eq!(action.stats.dropped_unsendable.get(), 1);
    assert!(action.said.all().is_empty());
    action.end().await;
}

#[test]
fn what_cannot_be_done_is_refused() {
    let base = [("type", "omfwd"), ("target", "h"), ("protocol", "tcp")];
    let with = |name, value| compile(&[&base[..], &[(name, value)]].concat());
    for (name, value, word) in [
        ("streamDriver", "gtls", "in the clear"),
        ("streamDriverMode", "1", "in the clear"),
        ("tcp_framing", "newline", "octet-counted"),
        ("tcp_frameDelimiter", "256", "0 to 255"),
        ("networkNamespace", "red", "not supported"),
    ] {
        let complaints = with(name, value).unwrap_err();
        assert!(complaints[0].contains(word), "{name}: {complaints:?}");
    }
    assert!(with("streamDriver", "ptcp").is_ok());
    assert!(with("streamDriverMode", "0").is_ok());
    assert!(with("zipLevel", "3").is_ok());
    assert!(with("queue.filename", "spool").is_ok());
    assert!(with("queue.dequeueTimeBegin", "22").is_ok());
    assert!(with("compression.mode", "single").is_ok());
    assert!(with("compression.mode", "stream:always").is_ok());
    assert!(with("ackTimeout", "0").is_ok());
    assert!(compile(&[("type", "omfwd")]).unwrap_err()[0].contains("target"));
    let misspelt = compile(&[("type", "omfwd"), ("tagret", "h")]).unwrap_err();
    assert_eq!(misspelt, ["parameter 'tagret' not known"]);
    assert!(compile(&[("type", "omfwd"), ("target", "h"), ("protocol", "relp")]).is_err());
}

/// What rsyslogd 8.2302 makes of the pairs.
#[test]
fn modes_and_levels_of_compression() {
    let packing = |params: &[(&str, &str)]| {
        let base = [("type", "omfwd"), ("target", "h")];
        let tcp = [("protocol", "tcp")];
        match compile(&[&base[..], params, &tcp].concat()) {
            Ok(OutputSpec::Forward(spec)) => spec.packing.map(|p| (p.mode, p.level)),
            other => panic!("{other:?}"),
        }
    };
    let (mode, level) = ("compression.mode", "zipLevel");
    let stream = PackMode::Stream { flush: true };
    assert_eq!(packing(&[]), None);
    assert_eq!(packing(&[(level, "6")]), Some((PackMode::Single, 6)));
    assert_eq!(packing(&[(mode, "none"), (level, "6")]), Some((PackMode::Single, 6)));
    assert_eq!(packing(&[(mode, "single")]), Some((PackMode::Single, 9)));
    assert_eq!(packing(&[(mode, "single"), (level, "0")]), None);
    assert_eq!(packing(&[(mode, "stream:always"), (level, "0")]), Some((stream, 0)));
    assert_eq!(packing(&[("protocol", "udp"), (mode, "stream:always")]), None);
    assert_eq!(packing(&[(level, "12")]), None);
}
