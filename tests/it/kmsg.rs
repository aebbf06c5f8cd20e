//! The kernel's records (imkmsg) through a FIFO that stands in for `/dev/kmsg`, in a mount
//! namespace: root alone can make one. `BONGSU_ORACLE=record` writes down what rsyslogd makes of
//! them, `live` asks it as well.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::fs::CWD;
use rustix::fs::Mode as Permissions;
use tempfile::TempDir;

use crate::oracle::Mode;
use crate::oracle::find_rsyslogd;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::command;
use crate::support::process::write_config;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);
/// What rsyslogd 8.2302 made of [`RECORDS`].
const RECORDED: &str = "tests/data/kmsg/rsyslogd.txt";
/// As `Documentation/ABI/testing/dev-kmsg` has them, each what one `read` gives.
const RECORDS: [&str; 9] = [
    "6,339,5140900,-;NET: Registered protocol family 10\n",
    "30,340,5690716,-;udevd[80]: starting version 181\n",
    "4,341,5690717,-;with fields\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n",
    "14,342,6000000,c;a continued line of the user facility\n",
    "3,343,7000000,-,caller=T1;from a caller\n",
    "6,344,8000000,-;a tab \\x09 and a backslash \\x5c\n",
    "6,345,8000001,-;one field\n A=\n",
    "6,346,8000002,-;semicolons; and, commas = here\n B=a;b=c\n",
    "191,347,9000000,-;the last facility\n",
];

/// What `program` writes of the records.
fn run(program: &str) -> String {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    rustix::fs::mkfifoat(CWD, path("kmsg"), Permissions::RUSR | Permissions::WUSR).unwrap();
    // Both ends: neither waits for the other.
    let mut kmsg = File::options().read(true).write(true).open(path("kmsg")).unwrap();
    let config = format!(
        "module(load=\"imkmsg\")\n\
         template(name=\"t\" type=\"string\" string=\"%inputname%|%pri%|%syslogtag%|%programname%|\
         %msg:::json%|%rawmsg:::json%|%$!%\\n\")\n\
         if $inputname == \"imkmsg\" then action(type=\"omfile\" file=\"{}\" template=\"t\")\n",
        path("out").display()
    );
    let config = write_config(dir.path(), &config);
    let mut unshare = command("unshare", dir.path());
    let script = "mount --bind kmsg /dev/kmsg && exec \"$@\"";
    unshare.args(["-m", "sh", "-c", script, "sh", program, "-n", "-i", "pid", "-f"]).arg(config);
    let daemon = Daemon::spawn(&mut unshare);
    let lines = || fs::read_to_string(path("out")).unwrap_or_default().lines().count();
    for (number, record) in RECORDS.iter().enumerate() {
        kmsg.write_all(record.as_bytes()).unwrap();
        // Two that stand in the FIFO at once would be one read.
        assert!(wait_for(SOON, || lines() > number), "{program}: {record:?} does not come");
    }
    drop(daemon.stop());
    fs::read_to_string(path("out")).unwrap()
}

#[test]
fn records_become_what_rsyslogd_makes_of_them() {
    let private = Command::new("unshare").args(["-m", "true"]).status();
    if !private.is_ok_and(|status| status.success()) {
        println!("no mount namespace for this user: what was recorded is only looked at");
        let recorded = fs::read_to_string(RECORDED).unwrap();
        assert_eq!(recorded.lines().count(), RECORDS.len());
        return;
    }
    let mode = Mode::of_environment();
    if mode == Mode::Record {
        fs::create_dir_all(Path::new(RECORDED).parent().unwrap()).unwrap();
        fs::write(RECORDED, run(&find_rsyslogd())).unwrap();
    }
    let recorded = fs::read_to_string(RECORDED).unwrap();
    if mode == Mode::Live {
        assert_eq!(run(&find_rsyslogd()), recorded);
    }
    assert_eq!(run(BONGSU), recorded);
}
