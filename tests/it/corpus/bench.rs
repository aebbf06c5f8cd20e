//! A check of a configuration where nothing of the machine shows: both programs see an empty folder
//! in place of `/`, and accounts that every machine has.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use regex::Captures;
use regex::Regex;
use regex::bytes;
use tempfile::TempDir;

use crate::support::process::command;

/// Folders that a machine with rsyslog has, and one that its documentation likes.
const FOLDERS: [&str; 6] = [
    "etc/rsyslog.d",
    "rsyslog/work",
    "var/spool/rsyslog",
    "var/lib/rsyslog",
    "var/run/rsyslog",
    "var/log",
];
/// Files that a machine has besides, and those of the documentation.
const FILES: [&str; 4] = [
    "etc/ssl/certs/ca-certificates.crt",
    "path/to/contrib/gnutls/ca.pem",
    "path/to/contrib/gnutls/cert.pem",
    "path/to/contrib/gnutls/key.pem",
];
/// Paths that are looked up below the folder that stands for `/`. The first slash moves behind the
/// next name (`/etc/x`, `etc//x`): a relative path, of the same length.
static PATHS: LazyLock<bytes::Regex> = LazyLock::new(|| {
    let machine = "etc/rsyslog|etc/ssl/|var/spool/rsyslog|var/lib/rsyslog|var/run/rsyslog";
    let paths = format!(r"(^|[^\w./])/({machine}|rsyslog/work|path/to/)");
    bytes::Regex::new(&paths).unwrap()
});
/// Accounts that rsyslog's packages make, and other machines lack.
static ACCOUNTS: LazyLock<bytes::Regex> = LazyLock::new(|| {
    let names = r#"(?i)((?:owner|group|touser|togroup)[\s="]+)(r?syslog)\b("?)"#;
    bytes::Regex::new(names).unwrap()
});

/// What a program said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether it accepted the configuration. What status else it gave does not matter.
    pub(crate) accepted: bool,
    pub(crate) text: String,
}

/// The folder that stands for `/`.
#[derive(Debug)]
pub(crate) struct Bench {
    root: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in FOLDERS {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in FILES {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        Self { root }
    }

    /// Writes a file of the configuration; `name` is its path below `/`.
    pub(crate) fn write(&self, name: &str, text: &[u8]) {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, adapted(text)).unwrap();
    }

    /// Checks `etc/rsyslog.conf`.
    pub(crate) fn check(&self, program: &str) -> Verdict {
        // -C: rsyslogd would go to the real root directory.
        let args: &[&str] = &["-C", "-N1", "-f", "etc/rsyslog.conf"];
        let mut check = command(program, self.root.path());
        let output = check.args(args).env_remove("RSYSLOG_MODDIR").output().unwrap();
        verdict(&output, self.root.path())
    }
}

/// The text of a file, so that it means the same on every machine. No line or column moves.
fn adapted(text: &[u8]) -> Vec<u8> {
    let below = |found: &bytes::Captures<'_>| {
        let slash = found[2].iter().position(|byte| *byte == b'/').unwrap();
        let (first, rest) = found[2].split_at(slash);
        [&found[1], first, b"/", rest].concat()
    };
    let text = PATHS.replace_all(text, below);
    let to_root = |found: &bytes::Captures<'_>| {
        let blanks = " ".repeat(found[2].len() - "root".len());
        [&found[1], b"root", &found[3], blanks.as_bytes()].concat()
    };
    ACCOUNTS.replace_all(&text, to_root).into_owned()
}

fn verdict(output: &Output, root: &Path) -> Verdict {
    static RULES: LazyLock<[(Regex, &str); 7]> = LazyLock::new(|| {
        let regex = |text: &str| Regex::new(text).unwrap();
        [
            (regex(r"\b(etc|var|rsyslog|path)//"), "/$1/"),
            (regex(r"(?m)^(rsyslogd|bongsu): (version .*|End of config .* Bye\.)\n?"), ""),
            // How many there are of each kind.
            (regex(r"(?m)^bongsu: \d+ errors?, .*\n?"), ""),
            (regex(r" ?\[v[\d.]+ try https?://www\.rsyslog\.com/e/(\d+) \]"), " [$1]"),
            (regex(r" \[cwd: [^\]]*\]"), ""),
            (regex(r"/usr/lib/[\w-]*/?rsyslog/"), "MODULES/"),
            (regex(r"(?m)[ \t]+$"), ""),
        ]
    });
    let text = String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned();
    let mut text = text.replace(&*root.to_string_lossy(), "ROOT");
    for (regex, by) in RULES.iter() {
        let by = |found: &Captures<'_>| {
            let mut to = String::new();
            found.expand(by, &mut to);
            to
        };
        text = regex.replace_all(&text, by).into_owned();
    }
    Verdict { accepted: output.status.success(), text: format!("{}\n", text.trim()) }
}

#[test]
fn no_column_moves() {
    let before =
        b"$FileOwner syslog\ninclude(file=\"/etc/rsyslog.d/*\")\nx(dirGroup=\"syslog\" a=\"b\")";
    let after =
        b"$FileOwner root  \ninclude(file=\"etc//rsyslog.d/*\")\nx(dirGroup=\"root\"   a=\"b\")";
    assert_eq!(adapted(before), after);
    let unchanged = b"*.* /var/log/rsyslog\n$Owner systemd\nowner=\"syslogger\"";
    assert_eq!(adapted(unchanged), unchanged);
}
