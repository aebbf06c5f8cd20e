//! `bongsu explain` and `bongsu test`: what they say is what the relay does.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::oracle::site;
use crate::support::connect;
use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::command;
use crate::support::process::start;
use crate::support::process::write_config;
use crate::support::sink::TcpSink;
use crate::support::sink::UdpSink;
use crate::support::source;
use crate::support::tcp_listens;
use crate::support::udp_listens;
use crate::support::wait_for;

/// Generous: the machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(15);
/// Relays that run at the same time: they mostly wait.
const PARALLEL: usize = 4;
/// An input for a configuration that leaves it to another file.
const INPUT: &str = "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"@IN@\")\n";
/// The folder of PLURA's configurations.
const PLURA: &str = "tests/data/config/plura";
/// Those that belong together, or stand by themselves.
const SITES: &[&[&str]] = &[
    &["docker/nginx/30-nginx_plura.conf"],
    &["rsyslog-origip-routing/conf/10-relay-add-origip.conf"],
    &["rsyslog-origip-routing/conf/20-plc-route-by-origip.conf"],
    &[
        "ceelog/70-imudp-plura.conf",
        "ceelog/71-FROMHOSTIP-plura.conf",
        "ceelog/79-ceelogtemplate-plura.conf",
        "ceelog/80-ceelogtemplate-secui.conf",
        "ceelog/99-plura-ceelog.conf",
    ],
    &[
        "ceelog/70-imudp-plura.conf",
        "ceelog/71-FROMHOSTIP-plura.conf",
        "ceelog/80-ceelogtemplate-sniper.conf",
        "ceelog/77-plura.conf",
        "ceelog/99-plura-ceelog.conf",
    ],
    &["ceelog/80-udp.conf", "ceelog/77-plura.conf", "ceelog/99-plura.conf"],
    &["plain/70-imudp-plura.conf", "plain/70-plura-exception.conf", "plain/99-fromhost_ip.conf"],
    &["plain/80-dhcpd.conf"],
    &["plain/80-named.conf"],
    &["plain/80-postfix.conf"],
    &["plain/81-httpd-remote.conf"],
    &["plain/99-dhcpd_plura.conf"],
    &["plain/99-fromhost_ip_msgonly.conf"],
    &["plain/99-postfix_plura.conf"],
];
/// Beside the samples: what the rules ask for.
const MESSAGES: &[&str] = &[
    "<78>Nov 22 11:22:33 h1 CRON[9]: (root) CMD (true)",
    "<75>Nov 22 11:22:33 h1 CRON[9]: cannot fork",
    "<134>Nov 22 11:22:33 h1 postfix/smtpd[4]: connect from unknown",
    "<134>Nov 22 11:22:33 h1 named[4]: client query",
    "<134>Nov 22 11:22:33 h1 dhcpd[4]: DHCPACK on 10.0.0.1",
    "<134>Nov 22 11:22:33 h1 httpd[4]: GET / 200",
    "<134>Nov 22 11:22:33 h1 wordpressdb: slow query",
    "<13>Nov 22 11:22:33 h1 app: origip= and no address",
    "<27>Nov 22 11:22:33 h1 kernel: do-add-ip6-address failed",
    "<27>Nov 22 11:22:33 h1 kernel: no IPv6 link local address",
];
/// Addresses that rules ask for, and what stands for them on this machine.
const ADDRESSES: [(&str, &str); 6] = [
    ("10.0.3.7", "127.0.3.7"),
    ("10.10.10.144", "127.0.10.144"),
    ("10.10.10.147", "127.0.10.147"),
    ("xxx.xxx.xxx.yyy", "127.0.4.1"),
    ("172.16.xxx.yyy", "127.0.5.1"),
    ("172.16.xxx.zzz", "127.0.5.2"),
];

/// What takes part in one comparison.
struct Bench {
    name: String,
    dir: TempDir,
    port: u16,
    tcp: TcpSink,
    udp: UdpSink,
    /// The configuration as it runs.
    config: String,
}

/// What goes where, by target.
type Written = BTreeMap<String, String>;

impl Bench {
    fn new(name: &str, text: &str) -> Self {
        let (dir, port) = (TempDir::new().unwrap(), free_port());
        let (tcp, udp) = (TcpSink::new(), UdpSink::new());
        let mut text = site::sandboxed(text.to_owned());
        for (written, real) in ADDRESSES {
            text = text.replace(written, real);
        }
        let target = Regex::new(r#"target="[^"]*"(\s+)port="\d+"(\s+)protocol="(tcp|udp)""#);
        let by = r#"target="127.0.0.1"${1}port="@${3}@"${2}protocol="${3}""#;
        text = target.unwrap().replace_all(&text, by).into_owned();
        if !text.contains("@IN@") {
            text.insert_str(0, INPUT);
        }
        text = text.replace("global(workDirectory=\"@DIR@/var/lib/bongsu\"", "global(");
        text.insert_str(0, "global(net.enableDNS=\"off\" workDirectory=\"@DIR@\")\n");
        let ports = [("@IN@", port), ("@tcp@", tcp.port), ("@udp@", udp.port)];
        for (mark, port) in ports {
            text = text.replace(mark, &port.to_string());
        }
        let text = text.replace("\"./", "\"@DIR@/");
        let text = text.replace("@DIR@", dir.path().to_str().unwrap());
        let tables = dir.path().join("configs");
        fs::create_dir(&tables).unwrap();
        for table in source::files("configs", ".csv") {
            fs::copy(&table, tables.join(table.file_name().unwrap())).unwrap();
        }
        Self { name: name.to_owned(), dir, port, tcp, udp, config: text }
    }

    /// The kinds of input that the configuration has.
    fn inputs(&self) -> Vec<&'static str> {
        let lines = self.config.lines().filter(|line| !line.starts_with('#'));
        let config: String = lines.collect();
        let has = |name: &&str| {
            config.contains(&format!("type=\"{name}\""))
                || (*name == "imudp" && config.contains("$UDPServerRun"))
        };
        ["imudp", "imtcp"].into_iter().filter(has).collect()
    }

    /// Runs a relay, sends everything, and holds what it writes against what was foretold.
    fn compare(&self) -> Result<(), String> {
        site::furnish(self.dir.path());
        let relay = start(BONGSU, self.dir.path(), &self.config, &[]);
        let listens = |input: &&str| match *input {
            "imudp" => udp_listens(self.port),
            _ => tcp_listens(self.port),
        };
        if !wait_for(SOON, || self.inputs().iter().all(listens)) {
            return Err(format!("{} does not listen: {}", self.name, relay.stop().stderr));
        }
        let mut expected = Written::new();
        let mut verdicts = BTreeMap::<String, bool>::new();
        for input in self.inputs() {
            for from in ["127.0.0.1"].into_iter().chain(ADDRESSES.map(|(_, real)| real)) {
                let messages = messages();
                self.foretell(input, from, &messages, &mut expected, &mut verdicts);
                self.send(input, from, &messages);
                let same = || self.written(&expected) == expected;
                if !wait_for(SOON, same) {
                    let written = self.written(&expected);
                    let said = relay.stop().stderr;
                    let name = &self.name;
                    return Err(format!(
                        "{name}, {input} from {from}:\nforetold {expected:#?}\nwritten {written:#?}\n{said}"
                    ));
                }
            }
        }
        let ended = relay.stop();
        if !ended.status.success() {
            return Err(format!("{}: {}", self.name, ended.stderr));
        }
        // Nothing else was written, either.
        let files = source_files(self.dir.path());
        let strange: Vec<_> = files.iter().filter(|file| !expected.contains_key(*file)).collect();
        let never: Vec<_> = verdicts.iter().filter(|(_, held)| !**held).collect();
        if expected.is_empty() || !strange.is_empty() || !never.is_empty() {
            let name = &self.name;
            return Err(format!(
                "{name}: not foretold: {strange:?}; conditions never met: {never:?}"
            ));
        }
        Ok(())
    }

    /// Adds what `explain` says of the messages.
    fn foretell(
        &self,
        input: &str,
        from: &str,
        messages: &[String],
        expected: &mut Written,
        verdicts: &mut BTreeMap<String, bool>,
    ) {
        let args = ["--json", "--input", input, "--from", from];
        let output = explain(self.dir.path(), &args, messages.join("\n").as_bytes());
        assert!(output.status.success(), "{}: {output:?}", self.name);
        let mut count = 0;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let told: Value = serde_json::from_str(line).unwrap();
            for output in told["outputs"].as_array().unwrap() {
                assert!(output["hex"].is_null());
                let target = output["target"].as_str().unwrap().to_owned();
                let text = normalised(output["text"].as_str().unwrap());
                expected.entry(target).or_default().push_str(&text);
            }
            for step in told["steps"].as_array().unwrap().iter().filter(|s| s["step"] == "test") {
                let place = format!("{} {}", step["at"], step["source"]);
                *verdicts.entry(place).or_default() |= step["holds"] == true;
            }
            count += 1;
        }
        assert_eq!(count, messages.len());
    }

    fn send(&self, input: &str, from: &str, messages: &[String]) {
        if input == "imtcp" {
            let mut stream = connect(from, self.port).unwrap();
            stream.write_all((messages.join("\n") + "\n").as_bytes()).unwrap();
            return;
        }
        let socket = UdpSocket::bind((from, 0)).unwrap();
        for message in messages {
            socket.send_to(message.as_bytes(), ("127.0.0.1", self.port)).unwrap();
        }
    }

    /// What the targets have got so far.
    fn written(&self, targets: &Written) -> Written {
        let read = |target: &String| {
            let bytes = match target.split(':').next().unwrap() {
                "tcp" => self.tcp.bytes(),
                "udp" => self.udp.datagrams().concat(),
                _ => fs::read(self.dir.path().join(target)).unwrap_or_default(),
            };
            (target.clone(), normalised(&String::from_utf8_lossy(&bytes)))
        };
        targets.keys().map(read).collect()
    }
}

/// PLURA's samples, and [`MESSAGES`].
fn messages() -> Vec<String> {
    let samples = fs::read_to_string(source::root().join(PLURA).join("samples.log")).unwrap();
    let samples = samples.lines().map(str::to_owned);
    samples.chain(MESSAGES.iter().map(|message| (*message).to_owned())).collect()
}

/// Without the time of arrival, which is another in a relay.
fn normalised(text: &str) -> String {
    static TIMES: LazyLock<Regex> = LazyLock::new(|| {
        let rfc3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d";
        let short = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d";
        Regex::new(&format!("{rfc3339}|{short}")).unwrap()
    });
    TIMES.replace_all(text, "TIME").into_owned()
}

/// The files below `folder` that a relay wrote, by their whole names.
fn source_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    source::walk(folder, &mut |path| {
        let name = path.to_str().unwrap();
        if name.ends_with(".log") && !name.ends_with("/bongsu.log") {
            files.push(name.to_owned());
        }
    });
    files
}

/// `bongsu explain -f relay.conf` in `dir`, with `stdin`.
fn explain(dir: &Path, args: &[&str], stdin: &[u8]) -> Output {
    let mut command = command(BONGSU, dir);
    command.args(["explain", "-f", "relay.conf"]).args(args).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A child that reads nothing closes the pipe: that is for its exit status to say.
    let writer = thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

#[test]
fn what_is_foretold_is_what_the_relay_writes() {
    let mut benches = Vec::new();
    for path in source::files("configs", ".conf") {
        let (name, text) = (source::relative(&path), fs::read_to_string(&path).unwrap());
        // Those that read what is on this machine, and listen to nobody else.
        let loads = |name| text.lines().any(|l| !l.starts_with('#') && l.contains(name));
        if ["imuxsock", "imfile"].into_iter().any(loads) && !loads("imudp") {
            continue;
        }
        // All inputs get the same port here, so that each ruleset has a bench of its own.
        let nat = |line: &&str| !line.contains("ruleset=\"behindNat\"");
        let one = text.lines().filter(nat).collect::<Vec<_>>().join("\n") + "\n";
        if one.len() < text.len() {
            benches
                .push(Bench::new(&name, &one.replace("ruleset=\"tag\"", "ruleset=\"behindNat\"")));
        }
        benches.push(Bench::new(&name, &one));
    }
    for files in SITES {
        let text = files
            .iter()
            .map(|file| fs::read_to_string(source::root().join(PLURA).join(file)).unwrap() + "\n");
        benches.push(Bench::new(files.last().unwrap(), &text.collect::<String>()));
    }
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(bench) = benches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = bench.compare() {
                        failures.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {}\n{}",
        failures.len(),
        benches.len(),
        failures.join("\n")
    );
}

/// No configuration of PLURA's is forgotten.
#[test]
fn every_site_takes_part() {
    let files = source::files(PLURA, ".conf");
    assert!(files.len() >= 20);
    for file in files {
        let name = source::relative(&file);
        // It loads a module that no rule or input uses.
        let idle = name.ends_with("ceelog/00-imfile.conf");
        assert!(idle || SITES.iter().flat_map(|s| *s).any(|site| name.ends_with(site)), "{name}");
    }
}

/// Standard output of a run on `config` that ended with `status`, and standard error.
fn told(config: &str, args: &[&str], stdin: &[u8], status: i32) -> (String, String) {
    let dir = TempDir::new().unwrap();
    write_config(dir.path(), config);
    let output = explain(dir.path(), args, stdin);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(status), "{args:?}: {stdout}\n{stderr}");
    (stdout, stderr)
}

const RULES: &str = r#"module(load="imudp")
module(load="mmjsonparse")
global(localHostname="relay1")
input(type="imudp" port="5514" ruleset="main")
$AllowedSender UDP, 127.0.0.1, 10.0.0.0/8
template(name="t" type="string" string="%msg%|%$.x%|%$!who%\n")
ruleset(name="queued" queue.type="LinkedList") {
  set $.x = "lost";
}
ruleset(name="main") {
  if $programname == "CRON" and $msg contains "CMD" then stop
  if parse_json($msg, "\$!p") == 0
     and $!p!a > 3 then {
    set $.x = $!p!a * 2;
    set $.x!y = 1;
    call queued
  } else if $msg == "" then stop
  else {
    foreach ($.i in $!none) do { set $.x = $.i; }
  }
  action(type="mmjsonparse" cookie="")
  action(type="omfile" name="all" file="/nowhere/all" template="t")
}
"#;

#[test]
fn a_person_can_read_it() {
    let now = ["--from", "10.0.0.5", "--fromhost", "web-1", "--now", "2026-11-22T19:00:00+09:00"];
    let json = r#"<13>Nov 22 18:59:58 app: {"a": 7, "who": "김"}"#;
    let (text, _) = told(RULES, &[&now[..], &[json]].concat(), b"", 0);
    for line in [
        "from      10.0.0.5 (web-1)",
        "input     imudp (imudp, port 5514)",
        "ruleset   main",
        "parser    rsyslog.rfc3164",
        "  hostname             web-1",
        "  timegenerated        Nov 22 19:00:00",
        r#"  no    relay.conf:11  $programname == "CRON" and $msg contains "CMD""#,
        r#"  yes   relay.conf:12  parse_json($msg, "\$!p") == 0 and $!p!a > 3"#,
        "                         now $!p!who = '김'",
        "                           $.x = '14'",
        "                           not set: something else is in the way of $.x!y, it stays unset",
        "                           on a copy: the ruleset has a queue",
        "  -> 1  relay.conf:22  action(type=\"omfile\" name=\"all\" file=\"/nowhere/all\" template=\"t\")",
        "  1  /nowhere/all  (omfile, action all, 31 bytes)",
        r#"      {"a": 7, "who": "김"}|14|김\n"#,
    ] {
        let found = text.lines().any(|shown| shown == line);
        assert!(found, "{line:?} is not a line of\n{text}");
    }
    assert!(!text.contains("discarded") && !text.contains('\x1b'), "{text}");

    let cron = "<78>Nov 22 18:59:58 h CRON[3]: (root) CMD (true)";
    let (text, _) = told(RULES, &[&now[..], &[cron]].concat(), b"", 0);
    assert!(text.contains("\ndiscarded: no action took it\n"), "{text}");
    assert!(text.contains("  stop  relay.conf:11    stop\n"), "{text}");
    // What the short cut left out was not seen.
    let (text, _) = told(RULES, &["<13>Nov 22 18:59:58 h su: CMD"], b"", 0);
    let (_, rest) = text.split_once("relay.conf:11").unwrap();
    let (seen, _) = rest.split_once("relay.conf:12").unwrap();
    assert!(seen.contains("$programname 'su'") && !seen.contains("' CMD'"), "{text}");
    assert!(text.contains("there is nothing to go over"), "{text}");
}

/// The relay drops what would leave its directory: tests/it/files.rs.
#[test]
fn a_file_outside_of_its_directory_is_none() {
    let config = "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"514\")\n\
                  template(name=\"f\" type=\"string\" string=\"/nowhere/in/%hostname%.log\")\n\
                  template(name=\"g\" type=\"string\" string=\"%hostname%.log\")\n\
                  action(type=\"omfile\" dynaFile=\"f\")\naction(type=\"omfile\" dynaFile=\"g\")\n";
    let message = |host: &str| format!("<13>1 2026-01-01T00:00:00Z {host} a - - - x");
    let (out, _) = told(config, &[&message("../x")], b"", 0);
    assert!(out.contains("  1  dropped, /nowhere/in/../x.log leads out of /nowhere/in/  (omf"));
    assert!(out.contains("  2  dropped, ../x.log leads out of the current directory  ("), "{out}");
    let (out, _) = told(config, &[&message("y/../x")], b"", 0);
    assert!(out.contains("  1  /nowhere/in/y/../x.log  (omfile"), "{out}");
}

#[test]
fn any_bytes_are_explained() {
    let long = [b"<13>Nov 22 18:59:58 h t: ".as_slice(), &vec![b'x'; 20_000]].concat();
    let stdin =
        [b"<13>Nov 22 18:59:58 h t: \xff\xfe\x1b[31m \xed\x95\n\n".as_slice(), &long].concat();
    let (text, _) = told(RULES, &["--json"], &stdin, 0);
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 2);
    // A control character is escaped by the parser, the rest goes on as it came.
    let hex = told[0]["outputs"][0]["hex"].as_str().unwrap();
    assert!(hex.contains("fffe23303333"), "{hex}");
    assert!(hex.contains("ed95"), "{hex}");
    let reasons = told[1]["because"].to_string();
    assert!(reasons.contains("maxMessageSize"), "{reasons}");
    assert!(told[1]["outputs"][0]["hex"].is_null());
}

#[test]
fn who_may_not_send_is_told() {
    let args = ["--json", "--from", "192.0.2.1", "<13>x"];
    let told: Value = serde_json::from_str(&told(RULES, &args, b"", 0).0).unwrap();
    assert!(told["because"].to_string().contains("$AllowedSender"), "{told}");
    assert_eq!(
        (told["discarded"].as_bool(), told["steps"].as_array().map(Vec::len)),
        (Some(true), Some(0))
    );
}

#[test]
fn mistakes_have_their_exit_status() {
    let (out, said) = told("action(type=\"omfile\")\n", &["<13>x"], b"", 1);
    assert!(out.is_empty() && said.contains("relay.conf:1:1: error"), "{said}");
    let (_, said) = told(RULES, &["--input", "imrelp", "<13>x"], b"", 64);
    assert!(said.contains("no input imrelp; it has imudp (port 5514)"), "{said}");
    told(RULES, &["--port", "514", "<13>x"], b"", 64);
    told(RULES, &["--from", "10.0.0", "<13>x"], b"", 64);
    told(RULES, &["--now", "yesterday", "<13>x"], b"", 64);
}

/// `bongsu test` on cases for [`RULES`].
fn test_run(cases: &str, args: &[&str], status: i32) -> (String, String) {
    let dir = TempDir::new().unwrap();
    write_config(dir.path(), RULES);
    fs::create_dir(dir.path().join("t")).unwrap();
    fs::write(dir.path().join("t/relay.test.toml"), cases).unwrap();
    let mut command = command(BONGSU, dir.path());
    let output = command.arg("test").arg("t/relay.test.toml").args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(status), "{stdout}\n{stderr}");
    (stdout, stderr)
}

const CASES: &str = r#"config = "../relay.conf"
now = "2026-11-22T10:00:00Z"

[[case]]
name = "doubled"
from = "10.0.0.5"
message = 'app: {"a": 7}'
port = 5514
parser = "rsyslog.rfc3164"
ruleset = "main"
properties = { "$$myhostname" = "relay1", programname = "app", pri = 13, timereported = "Nov 22 10:00:00" }
variables = { "$.x" = 14, "$!p!a" = "7", "$!none" = "" }
includes = [{ action = "all" }, { contains = "|14|" }]

[[case]]
name = "cron"
message = "<78>Nov 22 18:59:58 h CRON[3]: (root) CMD (true)"
writes = []
discarded = true
"#;

#[test]
fn cases_hold_or_say_what_does_not() {
    let (text, _) = test_run(CASES, &[], 0);
    assert!(text.ends_with("test result: ok. 2 passed; 0 failed\n"), "{text}");
    let wrong = CASES
        .replace("\"$.x\" = 14", "\"$.x\" = 15")
        .replace("|14|", "|15|")
        .replace("writes = []", "writes = [{ text = \"x\" }]")
        .replace("rsyslog.rfc3164", "rsyslog.rfc5424");
    let (text, _) = test_run(&wrong, &[], 1);
    for part in [
        "test doubled ... FAILED\n",
        "---- doubled (t/relay.test.toml:4)\n",
        "  parser\n    expected: rsyslog.rfc5424\n      actual: rsyslog.rfc3164\n                         ^\n",
        "  variables.$.x\n    expected: 15\n      actual: 14\n               ^\n",
        "  includes[1]\n    expected: contains '|15|'\n      actual: target '/nowhere/all', action 'all',",
        "  writes\n    expected: text 'x'\n      actual: no output\n",
        "test result: FAILED. 0 passed; 2 failed\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let (text, _) = test_run(&wrong, &["--json"], 1);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["failures"][1]["what"], "variables.$.x");
    assert_eq!((lines[0]["ok"].as_bool(), lines[2]["failed"].as_u64()), (Some(false), Some(2)));
}

#[test]
fn files_of_cases_with_mistakes_are_refused() {
    let refused = |cases: &str| test_run(cases, &[], 1).1;
    let said = refused(&CASES.replace("port = 5514", "prot = 5514"));
    assert!(said.contains("t/relay.test.toml:8: unknown field `prot`"), "{said}");
    let said = refused(&CASES.replace("writes = []\ndiscarded = true\n", ""));
    assert!(said.contains("t/relay.test.toml:15: case 'cron' expects nothing"), "{said}");
    let said = refused(&CASES.replace("2026-11-22T10:00:00Z", "noon"));
    assert!(said.contains("t/relay.test.toml:2: now is no time"), "{said}");
    let said = refused("config = \"../relay.conf\"\n");
    assert!(said.contains("there is no [[case]]"), "{said}");
    let said = refused(&CASES.replace("../relay.conf", "relay.conf"));
    assert!(said.contains("could not open config file 't/relay.conf'"), "{said}");
}

#[test]
fn the_examples_of_cases_hold() {
    let files = source::files("configs", ".test.toml");
    assert!(!files.is_empty());
    let dir = TempDir::new().unwrap();
    let output = command(BONGSU, dir.path()).arg("test").args(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
