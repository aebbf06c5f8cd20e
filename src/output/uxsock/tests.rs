use std::os::unix::net;
use std::path::Path;

use super::*;
use crate::output::OutputSpec;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::output::testing::until;
use crate::telemetry::Counter;

fn receive(socket: &net::UnixDatagram) -> String {
    let mut bytes = vec![0; 1 << 20];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

fn bind(path: &Path) -> net::UnixDatagram {
    let socket = net::UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

#[test]
fn what_it_takes() {
    let OutputSpec::UxSock(spec) = compile(&[("type", NAME), ("socket", "/s")]).unwrap() else {
        panic!("no omuxsock");
    };
    assert_eq!(spec.template, "RSYSLOG_TraditionalForwardFormat");
    let refused = |socket: &str| compile(&[("type", NAME), ("socket", socket)]).unwrap_err();
    assert_eq!(refused(""), ["no socket to send to"]);
    assert!(refused(&"x".repeat(200))[0].contains("is no name of a socket"));
}

#[tokio::test]
async fn a_datagram_each_and_a_receiver_that_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let text = path.to_str().unwrap();
    let action = start(&[("type", NAME), ("socket", text), ("action.resumeInterval", "0")]);
    action.push(&["one\n", "", "two"]).await;
    until(|| !action.said.all().is_empty()).await;
    assert!(action.said.all()[0].contains("No such file"), "{:?}", action.said.all());
    let socket = bind(&path);
    action.delivered().await;
    assert_eq!([receive(&socket), receive(&socket)], ["one\n", "two"]);
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    let socket = bind(&path);
    action.push(&["three", &"x".repeat(4 << 20), "four"]).await;
    action.delivered().await;
    assert_eq!([receive(&socket), receive(&socket)], ["three", "four"]);
    assert_eq!((action.stats.delivered.get(), action.stats.dropped_unsendable.get()), (5, 1));
    action.end().await;
}

#[tokio::test]
async fn an_abstract_name_and_a_slow_receiver() {
    let name = format!("@bongsu-test-{}", std::process::id());
    let socket = net::UnixDatagram::bind_addr(&address(&name).unwrap()).unwrap();
    let action = start(&[("type", NAME), ("socket", &name)]);
    // More than a socket holds.
    let lines: Vec<_> = (0..1000).map(|i| format!("{i}")).collect();
    action.push(&lines).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(action.stats.delivered.get() == 0 && action.stats.failures.get() == 0);
    let reading = std::thread::spawn(move || {
        lines.iter().for_each(|line| assert_eq!(receive(&socket), *line));
    });
    action.delivered().await;
    reading.join().unwrap();
    assert_eq!(action.stats.delivered.get(), 1000);
    action.end().await;
}

/// What was too large is counted as that, also where the rest is given up.
#[tokio::test]
async fn what_was_too_large_is_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let socket = bind(&path);
    let text = path.to_str().unwrap();
    let action = start(&[("type", NAME), ("socket", text), ("action.resumeRetryCount", "0")]);
    // More than a socket holds, so that it stops in the middle.
    let mut lines = vec!["x".repeat(900_000)];
    lines.extend((0..2000).map(|i| format!("{i}")));
    action.push(&lines).await;
    until(|| action.stats.opened.get() == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receive(&socket), "0");
    drop(socket);
    action.delivered().await;
    let counts =
        [&action.stats.delivered, &action.stats.dropped_unsendable, &action.stats.dropped_retries];
    let [delivered, too_large, given_up] = counts.map(Counter::get);
    assert_eq!((delivered + too_large + given_up, too_large), (2001, 1));
    assert!(delivered > 0 && given_up > 0, "{delivered} {given_up}");
    action.end().await;
}
