//! The journal, read by a journalctl that the tests write themselves: what becomes of entries, of
//! the position, of a journalctl that dies. And the journal as an output, with a real journald
//! where one can be started.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::write_config;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

/// Entries `n` + 1 to 3000 behind the cursor `s=1;i=n`, one with `--lines=1`; nothing more then.
const MANY: &str = r#"
n=0 last=3000
for word; do
    case $word in
        --after-cursor=*) n=$((0x${word##*=})) ;;
        --lines=1) n=$((last - 1)) ;;
    esac
done
awk -v n="$n" -v last="$last" 'BEGIN {
    for (i = n + 1; i <= last; i++) {
        printf "__CURSOR=s=1;i=%x\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=%d\n\n", i, i
        if (i % 50 == 0) { fflush(); system("sleep 0.01") }
    }
}'
"#;
const WAIT: &str = "case $* in *--follow*) exec sleep 1000 ;; esac\n";

/// A relay that finds `script` as journalctl, and what it writes.
struct Relay {
    dir: TempDir,
}

impl Relay {
    fn new(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let program = dir.path().join("journalctl");
        fs::write(&program, format!("#!/bin/sh\necho \"$*\" >> asked\n{script}")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it; `parameters` are imjournal's.
    fn start(&self, parameters: &str, template: &str) -> Daemon {
        let config = format!(
            "global(workDirectory=\"@\")\n\
             module(load=\"imjournal\" stateFile=\"state\" rateLimit.interval=\"0\" {parameters})\n\
             template(name=\"t\" type=\"string\" string=\"{template}\\n\")\n\
             action(type=\"omfile\" file=\"@/out\" template=\"t\")\n"
        );
        self.run(&config)
    }

    /// Starts it with the configuration `config`, in which `@` is its folder.
    fn run(&self, config: &str) -> Daemon {
        let file = write_config(self.path(), &config.replace('@', self.path().to_str().unwrap()));
        let mut command = command(BONGSU, self.path());
        let path = format!("{}:{}", self.path().display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).arg("-n").arg("-f").arg(file).args(["-i", "pid"]);
        Daemon::spawn(&mut command)
    }

    fn text(&self, name: &str) -> String {
        fs::read(self.path().join(name))
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn waits_for_lines(&self, lines: usize) {
        let come = || self.text("out").lines().count() >= lines;
        assert!(wait_for(SOON, come), "{} lines", self.text("out").lines().count());
    }
}

/// Entries with everything that an entry can have, and what rsyslogd 8.2302 made of them
/// (`tests/data/journal/record`), by default and with each parameter that it knows and that shows.
/// Of the others: `fsync` and `persistStateInterval` show after a crash alone, `remote` and
/// `ignorePreviousMessages` decide what journalctl is asked for, which other tests here look at,
/// `workAroundJournalBug` does nothing; `defaultTag`, `fileCreateMode` and `main` are newer.
#[test]
fn entries_become_what_rsyslogd_makes_of_them() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/journal");
    let mut seen = Vec::new();
    for (parameters, recorded) in [
        ("", "rsyslogd.txt"),
        ("usePid=\"syslog\"", "rsyslogd-syslog-pid.txt"),
        ("usePid=\"system\"", "rsyslogd-system-pid.txt"),
        ("defaultSeverity=\"debug\" defaultFacility=\"local3\"", "rsyslogd-defaults.txt"),
    ] {
        let theirs = fs::read(data.join(recorded)).unwrap();
        become_what_was_recorded(&data, parameters, &theirs);
        assert!(!seen.contains(&theirs), "{parameters} shows nothing");
        seen.push(theirs);
    }
}

fn become_what_was_recorded(data: &Path, parameters: &str, theirs: &[u8]) {
    let relay = Relay::new(&format!("cat {}\n{WAIT}", data.join("entries.export").display()));
    let daemon = relay.start(
        parameters,
        "%pri%|%timereported:::date-rfc3339%|%timegenerated:::date-rfc3339%|%fromhost-ip%|\
         %syslogtag:::json%|%programname:::json%|%app-name:::json%|%procid:::json%|%inputname%|\
         %rawmsg:::json%|%msg:::json%|%$!all-json%",
    );
    relay.waits_for_lines(210);
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    let ours = fs::read(relay.path().join("out")).unwrap();
    let pairs = ours.split(|b| *b == b'\n').zip(theirs.split(|b| *b == b'\n'));
    for (ours, theirs) in pairs {
        let [ours, theirs] = [ours, theirs].map(|line| line.escape_ascii().to_string());
        assert_eq!(ours, theirs, "{parameters}");
    }
    assert_eq!(ours.len(), theirs.len());
    let last = fs::read(data.join("entries.export")).unwrap();
    let mut cursors =
        last.split(|b| *b == b'\n').filter_map(|line| line.strip_prefix(b"__CURSOR="));
    assert_eq!(relay.text("state").as_bytes(), cursors.next_back().unwrap());
}

/// What impstats says of it, under rsyslogd's names.
#[test]
fn its_figures_have_rsyslogds_names() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/journal");
    let relay = Relay::new(&format!("cat {}\n{WAIT}", data.join("entries.export").display()));
    let daemon = relay.run(
        "global(workDirectory=\"@\")\n\
         module(load=\"impstats\" interval=\"1\" log.file=\"@/stats\" log.syslog=\"off\")\n\
         module(load=\"imjournal\" rateLimit.interval=\"600\" rateLimit.burst=\"100\")\n\
         action(type=\"omfile\" file=\"@/out\")\n",
    );
    let wanted = "imjournal: origin=imjournal submitted=100 read=210 discarded=110 failed=0 ";
    assert!(wait_for(SOON, || relay.text("stats").contains(wanted)), "{}", relay.text("stats"));
    assert!(relay.text("stats").contains(" recovery_attempts=0"), "{}", relay.text("stats"));
    assert!(daemon.stop().status.success());
}

#[test]
fn killed_it_goes_on_where_it_was() {
    let relay = Relay::new(&format!("{MANY}{WAIT}"));
    for round in 1..=5 {
        let daemon = relay.start("persistStateInterval=\"1\"", "%msg%");
        let come = || relay.text("out").lines().count() >= round * 400;
        assert!(wait_for(SOON, come));
        // Dropped, it is killed.
        drop(daemon);
    }
    let daemon = relay.start("persistStateInterval=\"1\"", "%msg%");
    let all = || relay.text("out").lines().any(|line| line == "3000");
    assert!(wait_for(SOON, all));
    assert!(wait_for(SOON, || relay.text("state") == "s=1;i=bb8"), "{}", relay.text("state"));
    assert!(daemon.stop().status.success());
    let mut seen: Vec<u32> = relay.text("out").lines().map(|line| line.parse().unwrap()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=3000).collect::<Vec<_>>());
    // The next run has nothing to read.
    let before = relay.text("out").lines().count();
    let asked = relay.text("asked").lines().count();
    let daemon = relay.start("", "%msg%");
    assert!(wait_for(SOON, || relay.text("asked").lines().count() > asked));
    std::thread::sleep(Duration::from_millis(200));
    assert!(daemon.stop().status.success());
    assert_eq!(relay.text("out").lines().count(), before);
    assert!(relay.text("asked").ends_with("--after-cursor=s=1;i=bb8\n"));
}

#[test]
fn a_journalctl_that_dies_is_started_behind_what_was_read() {
    let script = MANY.replace("last=3000", "last=$((n + 10))");
    let after = script.replace("awk -v", "last=$((n + 10)); awk -v");
    let relay = Relay::new(&format!("{after}echo 'the disk is gone' >&2; exit 1\n"));
    let daemon = relay.start("", "%msg%");
    relay.waits_for_lines(30);
    let ended = daemon.stop();
    assert!(ended.stderr.contains("imjournal: journalctl: the disk is gone"), "{}", ended.stderr);
    let lines: Vec<u32> = relay.text("out").lines().map(|line| line.parse().unwrap()).collect();
    let count = u32::try_from(lines.len()).unwrap();
    assert_eq!(lines, (1..=count).collect::<Vec<_>>());
    assert!(relay.text("asked").contains("--after-cursor=s=1;i=14\n"));
}

#[test]
fn what_is_no_journal_is_said_and_tried_again() {
    let relay = Relay::new("printf 'garbage=\\n=\\n'; exec sleep 1000\n");
    let daemon = relay.start("", "%msg%");
    assert!(wait_for(SOON, || relay.text("asked").lines().count() >= 2));
    let ended = daemon.stop();
    assert!(ended.stderr.contains("not systemd's export format"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("export format").count(), 1);
}

#[test]
fn where_reading_begins() {
    let relay = Relay::new(&format!("{MANY}{WAIT}"));
    fs::write(relay.path().join("state"), "garbage").unwrap();
    // rsyslogd reads nothing then, and says so.
    let daemon = relay.start("ignoreNonValidStatefile=\"off\"", "%msg%");
    std::thread::sleep(Duration::from_millis(300));
    let ended = daemon.stop();
    assert!(ended.stderr.contains("it holds no cursor: the journal is not read"));
    assert!(relay.text("asked").is_empty());
    assert_eq!(relay.text("state"), "garbage");
    // From the end, which has to be found first.
    let daemon = relay.start("ignorePreviousMessages=\"on\" remote=\"on\"", "%msg%");
    assert!(wait_for(SOON, || relay.text("asked").lines().count() == 2));
    std::thread::sleep(Duration::from_millis(200));
    let ended = daemon.stop();
    assert!(ended.stderr.contains("it holds no cursor: the journal is read from its end"));
    let asked = relay.text("asked");
    assert!(asked.contains("--merge --lines=1\n") && asked.ends_with("--after-cursor=s=1;i=bb8\n"));
    assert!(relay.text("out").is_empty());
    // And from the beginning.
    let daemon = relay.start("defaultFacility=\"local3\" defaultSeverity=\"3\"", "%pri% %msg%");
    relay.waits_for_lines(3000);
    assert!(daemon.stop().status.success());
    assert_eq!(relay.text("out").lines().next(), Some("155 1"));
}

#[test]
fn the_rate_limit_drops_and_the_position_moves_on() {
    let relay = Relay::new(&format!("{MANY}{WAIT}"));
    let config = "rateLimit.burst=\"7\" persistStateInterval=\"1\"";
    let daemon = relay.start(config, "%msg%");
    relay.waits_for_lines(3000);
    assert!(daemon.stop().status.success());
    fs::remove_file(relay.path().join("state")).unwrap();
    fs::remove_file(relay.path().join("out")).unwrap();
    let file = relay.path().join("relay.conf");
    let text = fs::read_to_string(&file).unwrap().replace("interval=\"0\"", "interval=\"600\"");
    fs::write(&file, text).unwrap();
    let mut again = command(BONGSU, relay.path());
    let path = format!("{}:{}", relay.path().display(), std::env::var("PATH").unwrap());
    again.env("PATH", path).arg("-n").arg("-f").arg(file).args(["-i", "pid"]);
    let daemon = Daemon::spawn(&mut again);
    assert!(wait_for(SOON, || relay.text("state") == "s=1;i=bb8"), "{}", relay.text("state"));
    let ended = daemon.stop();
    let lines = relay.text("out").lines().filter(|line| line.parse::<u32>().is_ok()).count();
    assert_eq!(lines, 7, "{}", ended.stderr);
    assert!(ended.stderr.contains("2993"), "{}", ended.stderr);
}

/// The example of rsyslog's documentation. The receiver is what journald is to it: a socket.
#[test]
fn fields_of_a_template_go_to_the_journal() {
    let relay = Relay::new(
        "printf '__CURSOR=s=1;i=1\\n__REALTIME_TIMESTAMP=1700000000000000\\nMESSAGE=m\\n\\n'\n\
         exec sleep 1000\n",
    );
    let socket = UnixDatagram::bind(relay.path().join("socket")).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let config = r#"
        module(load="omjournal")
        module(load="imjournal" stateFile="@/state")
        template(name="journal" type="list") {
            constant(value="Something happened" outname="MESSAGE")
            property(name="$!event-type" outname="EVENT_TYPE")
        }
        template(name="bare" type="list") { constant(value="x") property(name="$!a" outname="-") }
        action(type="omjournal" template="bare")
    "#;
    let file = write_config(relay.path(), config);
    let checked = command(BONGSU, relay.path()).arg("-N1").arg("-f").arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(said.contains("template 'bare' has no part with a name to send"), "{said}");
    let config = format!(
        "{}set $!event-type = \"line\\nfeed\";\n\
         action(type=\"omjournal\" template=\"journal\" socket=\"socket\")\n\
         action(type=\"omjournal\" socket=\"socket\")\n",
        config.replace("action(type=\"omjournal\" template=\"bare\")", "")
    );
    let daemon = relay.run(&config);
    let mut bytes = [0; 4096];
    let mut entries = Vec::new();
    while entries.len() < 2 {
        let length = socket.recv(&mut bytes).unwrap();
        entries.push(bytes[..length].escape_ascii().to_string());
    }
    assert!(daemon.stop().status.success());
    entries.sort();
    let fields =
        r"MESSAGE=Something happened\nEVENT_TYPE\n\t\x00\x00\x00\x00\x00\x00\x00line\nfeed\n";
    assert!(entries.contains(&format!("{fields}SYSLOG_IDENTIFIER=rsyslogd\\n")), "{entries:#?}");
    let plain = r"MESSAGE=m\nPRIORITY=5\nSYSLOG_FACILITY=1\nSYSLOG_IDENTIFIER=journal:\n";
    assert!(entries.contains(&plain.to_owned()), "{entries:#?}");
}

/// journald in a mount namespace of its own, which takes root: from `logger` by way of the journal
/// and the relay back into the journal, a large entry too.
#[test]
fn a_real_journald() {
    const JOURNALD: &str = "/lib/systemd/systemd-journald";
    if !rustix::process::geteuid().is_root() || !Path::new(JOURNALD).exists() {
        println!("left out: it needs root and {JOURNALD}");
        return;
    }
    let dir = TempDir::new().unwrap();
    let config = r#"
        global(maxMessageSize="1m")
        module(load="imjournal" stateFile="@/state" rateLimit.interval="0")
        module(load="omjournal")
        template(name="e" type="list") {
            property(name="msg" outname="MESSAGE") constant(value="yes" outname="RELAYED")
        }
        if $syslogtag startswith "asked" then action(type="omjournal" template="e")
    "#;
    let at = dir.path().to_str().unwrap();
    write_config(dir.path(), &config.replace('@', at));
    let script = format!(
        "set -e; cd {at}
        mkdir -p /run/systemd/journal /run/log
        for place in /run/systemd/journal /run/log /var/log; do mount -t tmpfs none $place; done
        {JOURNALD} 2>journald & journald=$!
        until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
        {BONGSU} -n -f relay.conf -i pid 2>said & relay=$!
        echo small | systemd-cat -t asked
        head -c 400000 /dev/zero | tr '\\0' x | systemd-cat -t asked
        for round in $(seq 200); do
            [ $(journalctl -q RELAYED=yes -o cat | wc -c) -ge 400000 ] && break
            sleep 0.05
        done
        kill $relay; wait $relay
        journalctl -q RELAYED=yes -o cat >relayed
        kill $journald"
    );
    let ended = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let said = fs::read_to_string(dir.path().join("said")).unwrap_or_default();
    let relayed = fs::read_to_string(dir.path().join("relayed")).unwrap_or_default();
    assert!(relayed.starts_with("small\n"), "{said} {}", String::from_utf8_lossy(&ended.stderr));
    // journald cuts a line of a stream at 48 KiB.
    assert!(relayed.len() >= 400_000, "{} bytes: {said}", relayed.len());
}
