//! `configs/tag-by-source.conf` as it is shipped: who sends from which network is tagged as its
//! table says, byte by byte, and the table can be edited while it runs.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;

use bstr::BString;
use bstr::ByteSlice as _;
use rustix::process::Signal;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::Daemon;
use crate::support::process::said;
use crate::support::process::start_aside;
use crate::support::source;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
const CONF: &str = "configs/tag-by-source.conf";
const TABLE: &str = "configs/tag-by-source.csv";

/// The relay with the shipped files, in a folder of its own. Ports alone are others.
struct Relay {
    dir: TempDir,
    daemon: Daemon,
    port: u16,
    nat: u16,
}

impl Relay {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("configs")).unwrap();
        fs::copy(source::root().join(TABLE), dir.path().join(TABLE)).unwrap();
        let (port, nat) = (free_port(), free_port());
        let mut text = fs::read_to_string(source::root().join(CONF)).unwrap();
        for (given, free, times) in [("5514", port, 2), ("5515", nat, 1)] {
            let given = format!("address=\"127.0.0.1\" port=\"{given}\"");
            assert_eq!(text.matches(&given).count(), times);
            text = text.replace(&given, &format!("address=\"127.0.0.1\" port=\"{free}\""));
        }
        fs::write(dir.path().join(CONF), text).unwrap();
        let daemon = start_aside(dir.path(), CONF);
        let listen = || tcp_listens(port) && tcp_listens(nat);
        assert!(wait_for(SOON, listen), "nothing listens: {}", said(dir.path()));
        Self { dir, daemon, port, nat }
    }

    fn udp(&self, from: [u8; 4], message: &[u8]) {
        let socket = UdpSocket::bind(SocketAddr::from((from, 0))).unwrap();
        socket.send_to(message, ("127.0.0.1", self.port)).unwrap();
    }

    fn tcp(&self, from: [u8; 4], port: u16, message: &[u8]) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        TcpStream::from(socket).write_all(&[message, b"\n"].concat()).unwrap();
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join(name)).unwrap_or_default()
    }

    /// The lines of a file, once there are so many; in order, since senders race each other.
    fn lines(&self, name: &str, count: usize) -> Vec<BString> {
        let there = wait_for(SOON, || self.file(name).lines().count() >= count);
        assert!(there, "{name}:\n{}", self.file(name).as_bstr());
        let mut lines: Vec<BString> = self.file(name).lines().map(BString::from).collect();
        lines.sort_unstable();
        lines
    }

    /// Puts another table in place of the old one, as an editor does, and has it read.
    fn edit(&self, text: &str) {
        replace(&self.dir.path().join(TABLE), text);
        self.daemon.signal(Signal::HUP);
    }

    /// What it has said, once `wanted` is in it so often.
    fn said(&self, wanted: &str, times: usize) -> String {
        let there = wait_for(SOON, || said(self.dir.path()).matches(wanted).count() >= times);
        let said = said(self.dir.path());
        assert!(there, "{wanted}: not {times} times in\n{said}");
        said
    }

    /// Sends from 127.0.1.1 until the last line of a file has `wanted` in it.
    fn becomes(&self, name: &str, wanted: &str) {
        let there = wait_for(SOON, || {
            self.udp([127, 0, 1, 1], b"<14>1 2026-10-11T22:14:15Z h p - - - probe");
            thread::sleep(Duration::from_millis(20));
            self.file(name).lines().next_back().is_some_and(|line| line.contains_str(wanted))
        });
        assert!(there, "never {wanted}:\n{}", self.file(name).as_bstr());
    }
}

/// A new file takes the old one's name: nobody reads half of it.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// What is written of the first messages, and `YEAR` for the year that a time without one gets.
const STRUCTURED: &[u8] = b"\
<13>1 YEAR-10-11T22:14:15+00:00 fw-1 kernel - - [bongsu@32473 tenant=\"bank\" zone=\"FKR-2\" \
logtype=\"acg\"] two \"x\\y]\" /z
<14>1 2026-10-11T22:14:15Z h five - - [bongsu@32473 tenant=\"office\" zone=\"KR-2\" \
logtype=\"object-storage-access\"] five
<14>1 2026-10-11T22:14:15Z h four - - [bongsu@32473 tenant=\"office\" zone=\"KR-2\" \
logtype=\"cloud-activity-tracer\"] four
<14>1 2026-10-11T22:14:15Z h six - - [bongsu@32473 tenant=\"local\" zone=\"local\" \
logtype=\"syslog\"] six
<165>1 2026-10-11T22:14:15.003Z web-1 app 11 ID47 [bongsu@32473 tenant=\"bank\" zone=\"FKR-1\" \
logtype=\"cloud-activity-tracer\"][ex@9 k=\"v\"] one
<86>1 YEAR-10-11T22:14:15+00:00 vpn sslvpn 7 - [bongsu@32473 tenant=\"shop\" zone=\"KR-2\" \
logtype=\"ssl-vpn\"] three \xED\x95
";
const JSON: &[u8] = b"\
{\"time\":\"2026-10-11T22:14:15.003Z\",\"from\":\"127.0.1.5\",\"host\":\"web-1\",\"program\":\"app\",\
\"severity\":\"notice\",\"tenant\":\"bank\",\"zone\":\"FKR-1\",\
\"logtype\":\"cloud-activity-tracer\",\"message\":\"one\"}
{\"time\":\"2026-10-11T22:14:15Z\",\"from\":\"127.0.7.8\",\"host\":\"h\",\"program\":\"four\",\
\"severity\":\"info\",\"tenant\":\"office\",\"zone\":\"KR-2\",\
\"logtype\":\"cloud-activity-tracer\",\"message\":\"four\"}
{\"time\":\"2026-10-11T22:14:15Z\",\"from\":\"127.0.7.9\",\"host\":\"h\",\"program\":\"five\",\
\"severity\":\"info\",\"tenant\":\"office\",\"zone\":\"KR-2\",\
\"logtype\":\"object-storage-access\",\"message\":\"five\"}
{\"time\":\"2026-10-11T22:14:15Z\",\"from\":\"127.9.9.9\",\"host\":\"h\",\"program\":\"six\",\
\"severity\":\"info\",\"tenant\":\"local\",\"zone\":\"local\",\
\"logtype\":\"syslog\",\"message\":\"six\"}
{\"time\":\"YEAR-10-11T22:14:15+00:00\",\"from\":\"127.0.3.7\",\"host\":\"fw-1\",\
\"program\":\"kernel\",\"severity\":\"notice\",\"tenant\":\"bank\",\"zone\":\"FKR-2\",\
\"logtype\":\"acg\",\"message\":\" two \\\"x\\\\y]\\\" /z\"}
{\"time\":\"YEAR-10-11T22:14:15+00:00\",\"from\":\"127.0.6.1\",\"host\":\"vpn\",\
\"program\":\"sslvpn\",\"severity\":\"info\",\"tenant\":\"shop\",\"zone\":\"KR-2\",\
\"logtype\":\"ssl-vpn\",\"message\":\" three \xEF\xBF\xBD\"}
";
const PREFIX: &[u8] = b"\
<13>YEAR-10-11T22:14:15+00:00 fw-1 bank.acg/kernel: two \"x\\y]\" /z
<14>2026-10-11T22:14:15Z h local.syslog/six six
<14>2026-10-11T22:14:15Z h office.cloud-activity-tracer/four four
<14>2026-10-11T22:14:15Z h office.object-storage-access/five five
<165>2026-10-11T22:14:15.003Z web-1 bank.cloud-activity-tracer/app[11] one
<86>YEAR-10-11T22:14:15+00:00 vpn shop.ssl-vpn/sslvpn[7]: three \xED\x95
";
const STAMPED: &[u8] = b"\
<13>YEAR-10-11T22:14:15+00:00 fw-1 kernel: [origip=127.0.3.7] two \"x\\y]\" /z
<14>2026-10-11T22:14:15Z h five [origip=127.0.7.9] five
<14>2026-10-11T22:14:15Z h four [origip=127.0.7.8] four
<14>2026-10-11T22:14:15Z h six [origip=127.9.9.9] six
<165>2026-10-11T22:14:15.003Z web-1 app[11] [origip=127.0.1.5] one
<86>YEAR-10-11T22:14:15+00:00 vpn sslvpn[7]: [origip=127.0.6.1] three \xED\x95
";

fn expected(text: &[u8]) -> Vec<BString> {
    let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let text = text.replace("YEAR", year.to_string());
    let mut lines: Vec<BString> = text.lines().map(BString::from).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_network_has_its_tags() {
    let relay = Relay::start();
    let (port, udp) = (relay.port, |from, message: &[u8]| relay.udp(from, message));
    let tcp = |from, message: &[u8]| relay.tcp(from, port, message);
    udp([127, 0, 1, 5], b"<165>1 2026-10-11T22:14:15.003Z web-1 app 11 ID47 [ex@9 k=\"v\"] one");
    udp([127, 0, 3, 7], br#"<13>Oct 11 22:14:15 fw-1 kernel: two "x\y]" /z"#);
    tcp([127, 0, 6, 1], b"<86>Oct 11 22:14:15 vpn sslvpn[7]: three \xED\x95");
    tcp([127, 0, 7, 8], b"<14>1 2026-10-11T22:14:15Z h four - - - four");
    tcp([127, 0, 7, 9], b"<14>1 2026-10-11T22:14:15Z h five - - - five");
    udp([127, 9, 9, 9], b"<14>1 2026-10-11T22:14:15Z h six - - - six");
    assert_eq!(relay.lines("tagged-5424.log", 6), expected(STRUCTURED));
    assert_eq!(relay.lines("tagged-json.log", 6), expected(JSON));
    assert_eq!(relay.lines("tagged-prefix.log", 6), expected(PREFIX));
    assert_eq!(relay.lines("stamped.log", 6), expected(STAMPED));

    // All of them once more, stamped, from one address: each goes where it came from.
    for line in expected(STAMPED) {
        relay.tcp([127, 0, 0, 1], relay.nat, &line);
    }
    relay.tcp([127, 0, 5, 5], relay.nat, b"<13>Oct 11 22:14:15 h plain: no stamp");
    relay.tcp([127, 0, 5, 6], relay.nat, b"<13>Oct 11 22:14:15 h bad: [origip=../../x] trick");
    for (file, line) in [
        ("127.0.1.5", &b"2026-10-11T22:14:15.003Z web-1 app[11] tenant=bank one"[..]),
        ("127.0.3.7", br#"YEAR-10-11T22:14:15+00:00 fw-1 kernel: tenant=bank two "x\y]" /z"#),
        ("127.0.6.1", b"YEAR-10-11T22:14:15+00:00 vpn sslvpn[7]: tenant=shop three \xED\x95"),
        ("127.0.7.8", b"2026-10-11T22:14:15Z h four tenant=office four"),
        ("127.0.7.9", b"2026-10-11T22:14:15Z h five tenant=office five"),
        ("127.9.9.9", b"2026-10-11T22:14:15Z h six tenant=local six"),
        ("127.0.5.5", b"YEAR-10-11T22:14:15+00:00 h plain: tenant=shop no stamp"),
        ("127.0.5.6", b"YEAR-10-11T22:14:15+00:00 h bad: tenant=shop [origip=../../x] trick"),
    ] {
        assert_eq!(relay.lines(&format!("origin-{file}.log"), 1), expected(line));
    }
    let ended = relay.daemon.stop();
    assert!(ended.status.success(), "{}", said(relay.dir.path()));
}

#[test]
fn the_table_is_edited_while_the_relay_runs() {
    let relay = Relay::start();
    relay.becomes("tagged-prefix.log", " bank.cloud-activity-tracer/");
    relay.edit("prefix,tenant,zone,logtype\n127.0.1.0/24,\"Kim \"\"&\"\" [Co]\\\",,\"한글,]\"\n");
    relay.becomes(
        "tagged-5424.log",
        r#"[bongsu@32473 tenant="Kim \"&\" [Co\]\\" zone="" logtype="한글,\]"] probe"#,
    );
    relay.becomes(
        "tagged-json.log",
        r#""tenant":"Kim \"&\" [Co]\\","zone":"","logtype":"한글,]","message":"probe""#,
    );
    // Broken, and gone: the table stays, and the relay says why.
    let table = relay.dir.path().join(TABLE);
    relay.edit("prefix,tenant\n127.0.1.0/24,half\n127.0.1.0/240,x\n");
    relay.said("could not be reloaded", 1);
    relay.becomes("tagged-json.log", "Kim");
    fs::remove_file(&table).unwrap();
    relay.daemon.signal(Signal::HUP);
    relay.said("could not be reloaded", 2);
    relay.becomes("tagged-json.log", "Kim");
    relay.edit("prefix,tenant,zone,logtype\n*,nobody,nowhere,none\n");
    relay.becomes("tagged-prefix.log", " nobody.none/");
    let said = relay.said("reloaded from file 'configs/tag-by-source.csv'", 4);
    for wanted in ["(line 3)", "whose prefix length is none", "No such file"] {
        assert!(said.contains(wanted), "{wanted} is not in\n{said}");
    }
    assert!(relay.daemon.stop().status.success());
}
