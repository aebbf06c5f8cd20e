//! A real site's configuration in a case: the folder of a case's outputs stands for `/`, and what
//! the relay makes there is looked at with its mode and owner.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use rustix::fs::Mode;
use rustix::process::getegid;
use rustix::process::geteuid;
use rustix::process::umask;

use crate::support::source;

/// Where the configurations are, and what is sent to them.
const FOLDERS: [&str; 2] = ["tests/data/config", "tests/oracle/sites"];
/// What a machine has before its relay starts.
const MACHINE: [&str; 5] =
    ["etc/rsyslog.d", "var/lib/rsyslog", "var/log", "var/run/rsyslog", "var/spool/rsyslog"];

/// What has to change before a configuration can run beside the machine's own relay.
static SANDBOX: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    let regex = |text: &str| Regex::new(text).unwrap();
    let folders = "app|etc|mnt|networks|var";
    [
        // Inputs that would take the machine's own messages.
        (
            regex(r#"(?m)^\s*(module\(load="|\$ModLoad\s+)(imjournal|imklog|immark|imuxsock)\b.*"#),
            "",
        ),
        (regex(&format!(r#"(?m)(^|[\s"',?|-])/({folders})/"#)), "$1@DIR@/$2/"),
        (regex(r#"(input\([^)]*\bport=)"\d+""#), r#"$1"@IN@""#),
        (regex(r"(\$(?:UDP|InputTCP)ServerRun\s+)\d+"), "${1}@IN@"),
        (regex(r#"address="(?:0\.0\.0\.0)?""#), r#"address="127.0.0.1""#),
    ]
});

/// The text of one of the files that cases name.
pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = FOLDERS.iter().map(|folder| source::root().join(folder).join(name));
    let path = path.into_iter().find(|path| path.exists());
    fs::read(path.unwrap_or_else(|| panic!("no {name} in {FOLDERS:?}"))).unwrap()
}

/// The configuration `name`, a file or a folder of them in the order of their names, so that it
/// runs anywhere. `rewrites` are the case's own.
pub(crate) fn config(name: &str, rewrites: &[(Regex, String)]) -> String {
    let path = source::root().join(FOLDERS[0]).join(name);
    let files = if path.is_dir() {
        source::files(&format!("{}/{name}", FOLDERS[0]), ".conf")
    } else {
        vec![path]
    };
    assert!(!files.is_empty(), "no configuration in {name}");
    let mut text = String::new();
    for file in files {
        text.push_str(&fs::read_to_string(file).unwrap());
        text.push('\n');
    }
    for (regex, by) in rewrites {
        assert!(regex.is_match(&text), "{regex} is not in {name}");
        text = regex.replace_all(&text, by).into_owned();
    }
    sandboxed(text)
}

/// A configuration so that it runs anywhere, with `@DIR@` for `/` and `@IN@` for its inputs' ports.
pub(crate) fn sandboxed(mut text: String) -> String {
    for (regex, by) in SANDBOX.iter() {
        text = regex.replace_all(&text, *by).into_owned();
    }
    own(&text)
}

/// An ordinary user cannot give files away: there they are given to that user.
pub(super) fn own(text: &str) -> String {
    if geteuid().is_root() {
        return text.to_owned();
    }
    let names =
        |kind| Regex::new(&format!(r#"(?i)\b((?:file|dir){kind})(?:Num)?(\W+)\w+"#)).unwrap();
    let text = names("owner").replace_all(text, format!("${{1}}Num${{2}}{}", geteuid().as_raw()));
    names("group").replace_all(&text, format!("${{1}}Num${{2}}{}", getegid().as_raw())).into_owned()
}

/// What [`modes`] gives to an ordinary user, of what root recorded.
pub(crate) fn own_modes(recorded: &str) -> String {
    if geteuid().is_root() {
        return recorded.to_owned();
    }
    Regex::new(r"(?m)^(\d+) \S+").unwrap().replace_all(recorded, "$1 self:self").into_owned()
}

/// Umask 022 is what a service manager gives a relay.
pub(crate) fn set_umask() {
    umask(Mode::from_raw_mode(0o022));
}

/// Makes `root` look like a machine's `/`.
pub(crate) fn furnish(root: &Path) {
    for folder in MACHINE {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::set_permissions(root, Permissions::from_mode(0o755)).unwrap();
}

/// Mode, owner and group of each file and folder below `root`, a line each: `self` is who runs the
/// test.
pub(crate) fn modes(root: &Path) -> String {
    let mut paths = Vec::new();
    below(root, &mut paths);
    paths.sort();
    let line = |path: &PathBuf| {
        let meta = fs::symlink_metadata(path).unwrap();
        let name = |id: u32, own: u32| if id == own { "self".to_owned() } else { id.to_string() };
        let user = name(meta.uid(), geteuid().as_raw());
        let group = name(meta.gid(), getegid().as_raw());
        let end = if meta.is_dir() { "/" } else { "" };
        let path = path.strip_prefix(root).unwrap().display();
        format!("{:04o} {user}:{group} {path}{end}\n", meta.mode() & 0o7777)
    };
    paths.iter().map(line).collect()
}

/// A queue on disk has files of its own while it runs, whose form is no rsyslogd's.
pub(super) fn is_queue_file(path: &Path) -> bool {
    let suffix = path.extension().and_then(|suffix| suffix.to_str());
    suffix.is_some_and(|suffix| ["seg", "state", "lock"].contains(&suffix))
}

fn below(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, paths);
        }
        if !is_queue_file(&path) {
            paths.push(path);
        }
    }
}
