//! `configs/plura` as it is shipped, all four relays in a row: node, relay between networks,
//! collector, and what reads the collector's ceelog files on to a last listener. Only addresses,
//! ports and folders are this test's.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::connect;
use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::udp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(30);
const CONFIGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/plura");
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config/plura/samples.log");
/// Messages of each pod that sends by TCP.
const EACH: usize = 500;

/// Starts `configs/plura/{name}.conf` with folders under `dir`.
fn shipped(name: &str, dir: &Path, listens: u16, next: u16) -> Daemon {
    for folder in ["work", "plura", "containers"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    let mut text = fs::read_to_string(format!("{CONFIGS}/{name}.conf")).unwrap();
    let here = |port| format!("=\"127.0.0.1\" port=\"{port}\"");
    for target in ["192.0.2.20", "192.0.2.30"] {
        let next = format!("target{}", here(next));
        text = text.replace(&format!("target=\"{target}\" port=\"514\""), &next);
    }
    text = text.replace("port=\"514\"", &format!("address{}", here(listens)));
    for (from, to) in [
        ("/var/lib/bongsu", "work"),
        ("/var/log/plura", "plura"),
        ("/var/log/containers", "containers"),
    ] {
        text = text.replace(from, dir.join(to).to_str().unwrap());
    }
    for fixed in ["/var/", "192.0.2.", "\"514\""] {
        assert!(!text.contains(fixed), "{name}.conf: {fixed} is still there");
    }
    let mut relay = start(BONGSU, dir, &text, &[]);
    let ready = || listens == 0 || udp_listens(listens) || !relay.running();
    assert!(wait_for(SOON, ready));
    relay
}

/// Takes lines of whoever connects.
fn listener() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let to = lines.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                to.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        }
    });
    (port, lines)
}

fn samples() -> Vec<Vec<u8>> {
    let text = fs::read(SAMPLES).unwrap();
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(<[u8]>::to_vec).collect()
}

/// What a node has: pods that send, a container that prints, a web server.
fn busy(node: &Path, port: u16) -> usize {
    let samples = samples();
    let pod = UdpSocket::bind("127.0.0.2:0").unwrap();
    for sample in &samples {
        pod.send_to(sample, ("127.0.0.1", port)).unwrap();
    }
    for pod in ["127.0.0.3", "127.0.0.4"] {
        let mut stream: TcpStream = connect(pod, port).unwrap();
        for n in 0..EACH {
            let line = format!("<38>Nov 22 11:22:33 {pod} sshd[7]: try {n} of \"kim\" \\ 한글\n");
            stream.write_all(line.as_bytes()).unwrap();
        }
    }
    let container = |name: &str, text: &str| {
        let file = format!("containers/{name}-{}.log", "0123456789abcdef".repeat(4));
        fs::write(node.join(file), text).unwrap();
    };
    let time = "2026-11-22T19:04:05.123456789+09:00";
    container(
        "web-1_shop_app",
        &format!("{time} stdout P paid by \n{time} stdout F card 4\n{time} stderr F out of ink\n"),
    );
    container("dns-1_kube-system_dns", &format!("{time} stdout F not of interest\n"));
    fs::write(
        node.join("plura/weblog.log"),
        "{\"Remote-addr\": \"10.244.1.1\", \"Uri\": \"/login\", \"Post-body\": \"pw=\\x22\"}\n\
         {\"Remote-addr\": \"10.244.1.9\", \"User-Agent\": \"ELB-HealthChecker\"}\n",
    )
    .unwrap();
    samples.len() + 2 * EACH + 2 + 1
}

#[test]
fn what_a_node_has_comes_through_all_relays_once() {
    let dir = TempDir::new().unwrap();
    let [node, relay, collector, files] =
        ["node", "relay", "collector", "files"].map(|name| dir.path().join(name));
    let (last, lines) = listener();
    let [at_node, at_relay, at_collector] = [free_port(), free_port(), free_port()];
    // The node's comes first: the others are not there yet, and it keeps what it has.
    let first = shipped("node", &node, at_node, at_relay);
    let count = busy(&node, at_node);
    let others = [
        shipped("relay", &relay, at_relay, at_collector),
        shipped("collector", &collector, at_collector, 0),
    ];
    // Reads what the collector writes.
    fs::create_dir_all(&files).unwrap();
    std::os::unix::fs::symlink(collector.join("plura"), files.join("plura")).unwrap();
    let reader = shipped("ceelog-files", &files, 0, last);
    let arrived = || lines.lock().unwrap().len();
    assert!(wait_for(SOON, || arrived() >= count), "{} of {count}", arrived());
    for relay in [first].into_iter().chain(others).chain([reader]) {
        let ended = relay.stop();
        assert!(ended.status.success(), "{}", ended.stderr);
    }
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    assert_eq!(lines.len(), count, "{lines:#?}");
    let times = |end: &str| lines.iter().filter(|line| line.ends_with(end)).count();
    let stamp = "[origip=127.0.0.1] ";
    for pod in ["127.0.0.3", "127.0.0.4"] {
        for n in 0..EACH {
            let end = format!(" {pod} sshd 7 - -  {stamp}try {n} of \"kim\" \\ 한글");
            assert_eq!(times(&end), 1, "{end}");
        }
    }
    for end in [
        " web-1 app - - -  [origip=127.0.0.1] paid by card 4",
        " web-1 app - - -  [origip=127.0.0.1] out of ink",
        " weblog - - -  [origip=127.0.0.1] {\"Remote-addr\": \"10.244.1.1\", \"Uri\": \"/login\", \
         \"Post-body\": \"pw=\\x22\"}",
        // Has gone through a relay that stamps before.
        " relay01 sshd 77 - -  [origip=1.1.1.1] Failed password for root from 10.9.9.9 port 22 ssh2",
        " mymachine su - - -  [origip=127.0.0.1] 'su root' failed for \"lonvick\" on /dev/pts/8",
        " kr1-db2 mysqld 99 - -  [origip=127.0.0.1] BOM-less audit: SELECT 1",
        "<192>Nov 22 11:22:33 host1 bad: priority out of range",
    ] {
        assert_eq!(times(end), 1, "{end}: {:#?}", lines.iter().take(40).collect::<Vec<_>>());
    }
    assert!(!lines.iter().any(|line| line.contains("ELB-") || line.contains("not of interest")));
    // What the agent reads on the node, and where it collects.
    let messages = |file: &Path| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        let object = |line| serde_json::from_str::<Value>(line).unwrap();
        let msg = |line| object(line)["ceelog"]["msg"].as_str().unwrap().to_owned();
        text.lines().map(msg).collect()
    };
    let of_pod = messages(&node.join("plura/ceelog-127.0.0.3.log"));
    let sent: Vec<_> = (0..EACH).map(|n| format!(" try {n} of \"kim\" \\ 한글")).collect();
    assert_eq!(of_pod, sent);
    assert_eq!(messages(&node.join("plura/ceelog-127.0.0.2.log")).len(), samples().len());
    assert_eq!(messages(&collector.join("plura/ceelog-1.1.1.1.log")).len(), 1);
    assert_eq!(messages(&collector.join("plura/ceelog-127.0.0.1.log")).len(), count - 1);
}
