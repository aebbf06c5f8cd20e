//! impstats in the forms that rsyslog 8.2302 does not have, and so no oracle case either.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

/// What a relay reports at its stop, after three messages.
fn report(format: &str) -> String {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let (out, stats) = (dir.path().join("out"), dir.path().join("stats"));
    let config = format!(
        r#"module(load="impstats" interval="600" format="{format}" log.syslog="off" log.file="{}")
module(load="imtcp")
dyn_stats(name="by-name")
input(type="imtcp" address="127.0.0.1" port="{port}" name="in")
set $.x = dyn_inc("by-name", $programname);
action(type="omfile" name="out" file="{}")
"#,
        stats.display(),
        out.display()
    );
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for n in 0..3 {
        writeln!(stream, "<13>Oct 11 22:14:15 h tag: {n}").unwrap();
    }
    let lines = || fs::read_to_string(&out).unwrap_or_default().lines().count();
    assert!(wait_for(SOON, || lines() == 3));
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    fs::read_to_string(stats).unwrap()
}

/// Each figure has its three lines, and nothing else is in the file.
#[test]
fn prometheus_can_read_its_reports() {
    let report = report("prometheus");
    let lines: Vec<&str> = report.lines().collect();
    for figure in lines.chunks(3) {
        let [help, kind, value] = figure else { panic!("{figure:?}") };
        let name = help.strip_prefix("# HELP ").unwrap().split(' ').next().unwrap();
        let of = |kind: &str| format!("# TYPE {name} {kind}");
        assert!(*kind == of("counter") || *kind == of("gauge"), "{figure:?}");
        let number = value.strip_prefix(name).unwrap().strip_prefix(' ').unwrap();
        assert!(number.parse::<i64>().is_ok(), "{value}");
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        assert!(name.chars().all(legal), "{name}");
    }
    for line in [
        "out_processed_total 3",
        "U__main_20_Q__enqueued__total 3",
        "U__main_20_Q__discarded_2E_full__total 0",
        "U__by_2D_name__tag 3",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {report}");
    }
}

/// A report is one line, and a JSON object.
#[test]
fn zabbix_can_read_its_reports() {
    let report = report("zabbix");
    let value: Value = serde_json::from_str(&report).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(report.lines().count(), 1);
    assert_eq!(object["timedate"].as_str().unwrap().len(), "Sun Nov 22 10:25:02 2026".len());
    assert_eq!(object["stats_core_action"][0]["processed"], 3);
    assert_eq!(object["stats_imtcp_local"][0]["submitted"], 3);
    assert_eq!(object["stats_dynstats_bucket"][0]["values"]["tag"], 3);
    assert!(object["stats_impstats"][0]["maxrss"].as_u64().unwrap() > 0);
}
