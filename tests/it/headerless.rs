//! `detect.headerless` on a socket: where messages without a header go, beside those that have one.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
const WITH: &str = "<13>Oct 11 22:14:15 web app: with a header";
const WITHOUT: &str = "just some text";
/// Begins like a PRI, so that it has a header, if a bad one.
const BAD: &str = "<999>what is this";

/// What the relay says at its end, of messages over one connection.
fn run(dir: &Path, parser: &str) -> String {
    let port = free_port();
    let path = |name: &str| dir.join(name).display().to_string();
    let config = format!(
        r#"module(load="imtcp")
parser(name="headers" type="pmrfc3164" {parser})
template(name="t" type="string" string="%hostname% %syslogtag%%msg% %bongsu-class%\n")
ruleset(name="plain") {{ action(type="omfile" file="{}" template="t") }}
ruleset(name="main" parser="headers") {{ action(type="omfile" file="{}" template="t") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="main")
"#,
        path("plain"),
        path("main")
    );
    let daemon = start(BONGSU, dir, &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("{WITHOUT}\n{WITH}\n{BAD}\n").as_bytes()).unwrap();
    // The last one goes to the main ruleset in any case.
    let read = || fs::read_to_string(dir.join("main")).unwrap_or_default();
    assert!(wait_for(SOON, || read().contains("what is this")), "{}", read());
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    ended.stderr
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn they_get_a_host_and_a_tag() {
    let dir = TempDir::new().unwrap();
    let parser = r#"detect.headerless="on" headerless.hostname="bare" headerless.tag="hdr""#;
    let said = run(dir.path(), parser);
    let main = lines(&dir.path().join("main"));
    assert_eq!(main[0], format!("bare hdr{WITHOUT} headerless"));
    assert_eq!(main[1], "web app: with a header rfc3164");
    assert!(!main[2].ends_with("headerless"), "{main:?}");
    assert!(said.contains("in 3: to actions 3; out 3: delivered 3"), "{said}");
}

#[test]
fn they_go_to_a_ruleset_and_a_file_of_their_own() {
    let dir = TempDir::new().unwrap();
    let errors = dir.path().join("errors");
    let parser = format!(
        r#"detect.headerless="on" headerless.ruleset="plain" headerless.errorfile="{}""#,
        errors.display()
    );
    run(dir.path(), &parser);
    assert_eq!(lines(&dir.path().join("main")).len(), 2);
    let plain = lines(&dir.path().join("plain"));
    assert!(plain.len() == 1 && plain[0].contains(WITHOUT), "{plain:?}");
    let errors = lines(&errors);
    assert!(errors.len() == 1 && errors[0].contains(WITHOUT), "{errors:?}");
}

#[test]
fn they_are_dropped_and_counted() {
    let dir = TempDir::new().unwrap();
    let said = run(dir.path(), r#"detect.headerless="on" headerless.drop="on""#);
    assert_eq!(lines(&dir.path().join("main")).len(), 2);
    assert!(said.contains("in 3: to actions 2, stopped by rules 1; out 2: delivered 2"), "{said}");
}
