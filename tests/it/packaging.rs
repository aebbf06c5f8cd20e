//! The Debian package as far as it can be looked at without installing it: what it names exists,
//! scripts can be read, and the manual page knows the flags. `tests/system/run` installs it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::process::BONGSU;
use crate::support::source;

const UNIT: &str = "configs/systemd/bongsu.service";
const ROTATION: &str = "configs/logrotate/rsyslog";
const STOCK: &str = "configs/debian/rsyslog.conf";

fn text(name: &str) -> String {
    let path = source::root().join(name);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `[package.metadata.deb]` of Cargo.toml.
fn metadata() -> toml::Table {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    manifest["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

/// What the package ships: for each file its place in the system and where it comes from; a link
/// comes from nowhere, and what it leads to stands third.
fn shipped() -> Vec<(String, Option<String>, Option<String>)> {
    let mut shipped = Vec::new();
    for asset in metadata()["assets"].as_array().unwrap() {
        if let Some(link) = asset.as_table() {
            let text = |key: &str| link[key].as_str().unwrap().to_owned();
            shipped.push((format!("/{}", text("dest")), None, Some(text("link_name"))));
            continue;
        }
        let [source, dest, _mode] = asset.as_array().unwrap().as_slice() else {
            panic!("{asset:?}: not [source, destination, mode]")
        };
        let (source, dest) = (source.as_str().unwrap(), dest.as_str().unwrap());
        let name = Path::new(source).file_name().unwrap().to_str().unwrap();
        let place = if dest.ends_with('/') { format!("/{dest}{name}") } else { format!("/{dest}") };
        shipped.push((place, Some(source.to_owned()), None));
    }
    shipped
}

/// Files of the repository that are shell scripts of the package.
fn scripts() -> Vec<String> {
    let all = source::files("configs/debian", "").into_iter().map(|f| source::relative(&f));
    all.filter(|name| text(name).starts_with("#!/bin/sh\n")).collect()
}

#[test]
fn the_package_names_files_that_exist() {
    let metadata = metadata();
    for key in ["license-file", "triggers-file", "changelog"] {
        text(metadata[key].as_str().unwrap());
    }
    let scripts = source::root().join(metadata["maintainer-scripts"].as_str().unwrap());
    for name in ["postinst", "prerm", "postrm"] {
        assert!(scripts.join(name).exists(), "no {name}");
    }
    let shipped = shipped();
    assert!(shipped.len() > 10, "the assets were not found");
    for (place, from, to) in &shipped {
        if let Some(from) = from.as_deref().filter(|from| !from.starts_with("target/")) {
            let pattern = source::root().join(from);
            let mut found = glob::glob(pattern.to_str().unwrap()).unwrap();
            assert!(found.next().is_some(), "{place}: no such file: {from}");
        }
        if let Some(to) = to {
            // Manual pages are compressed on their way.
            let to = to.trim_end_matches(".gz");
            assert!(
                shipped.iter().any(|(other, ..)| other == to),
                "{place} leads to no file: {to}"
            );
        }
        // What stands there belongs to the system's owner, or to rsyslog's package.
        assert!(!place.starts_with("/etc/"), "{place} would be a conffile");
    }
}

#[test]
fn what_is_called_is_shipped() {
    let places: BTreeSet<String> = shipped().into_iter().map(|(place, ..)| place).collect();
    let own = Regex::new(r"/usr/(?:s?bin|lib|share)/(?:(?:bongsu|rsyslog)\b[\w/.-]*|rsyslogd)");
    let own = own.unwrap();
    let mut seen = 0;
    for name in scripts().iter().map(String::as_str).chain([UNIT, ROTATION]) {
        let text = text(name).replace("/usr/share/bongsu/$2", "");
        for found in own.find_iter(&text) {
            assert!(places.contains(found.as_str()), "{name}: {} is not shipped", found.as_str());
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} calls were found");
    let provided = Regex::new(r"provide /\S+ (\w+\S*)").unwrap();
    for name in provided.captures_iter(&text("configs/debian/postinst")) {
        let place = format!("/usr/share/bongsu/{}", &name[1]);
        assert!(places.contains(&place), "{place} is not shipped");
    }
}

#[test]
fn scripts_can_be_read_and_run() {
    let mut scripts = scripts();
    assert!(scripts.len() >= 5, "{scripts:?}");
    scripts.extend(
        ["run", "boot", "send", "send-defaults"].map(|name| format!("tests/system/{name}")),
    );
    for name in scripts {
        let path = source::root().join(&name);
        let shell = if text(&name).starts_with("#!/bin/sh\n") { "sh" } else { "bash" };
        let checked = Command::new(shell).arg("-n").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} is not executable");
    }
}

#[test]
fn the_unit_is_one() {
    let unit = text(UNIT);
    let line = Regex::new(r"^(\[(Unit|Service|Install)\]|[A-Z]\w+=\S.*|#.*|)$").unwrap();
    for (number, text) in unit.lines().enumerate() {
        assert!(line.is_match(text), "{UNIT}:{}: {text}", number + 1);
    }
    for alias in ["Alias=syslog.service", "Alias=rsyslog.service"] {
        assert!(unit.lines().any(|line| line == alias), "no {alias}");
    }
    // systemd looks whether programs exist: a machine that runs tests has not installed ours.
    let installed = Regex::new(r"/usr/(sbin/rsyslogd|bin/bongsu|lib/bongsu/keep-config)").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bongsu.service");
    fs::write(&file, installed.replace_all(&unit, "/bin/true").as_bytes()).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() {
        Ok(checked) => {
            let said = String::from_utf8_lossy(&checked.stderr);
            let ours: Vec<_> = said.lines().filter(|line| line.contains("bongsu")).collect();
            assert!(ours.is_empty(), "systemd-analyze: {ours:#?}");
        }
        Err(error) => eprintln!("the unit was not shown to systemd-analyze: {error}"),
    }
}

#[test]
fn a_new_system_is_rotated_as_it_logs() {
    let logs = |name: &str| -> BTreeSet<String> {
        let path = Regex::new(r"/var/log/[\w.]+").unwrap();
        path.find_iter(&text(name)).map(|found| found.as_str().to_owned()).collect()
    };
    assert_eq!(logs(STOCK), logs(ROTATION));
    assert!(logs(STOCK).len() > 4);
    let stock = source::root().join(STOCK);
    let checked = Command::new(BONGSU).args(["-N1", "-f"]).arg(stock).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// `cargo deb` gives the package the version of Cargo.toml, and Debian the one of the changelog.
#[test]
fn the_package_has_one_version_and_one_address() {
    let changelog = text("configs/debian/changelog");
    let head = concat!("bongsu (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(head), "configs/debian/changelog does not begin with {head}");
    let metadata = metadata();
    let maintainer = metadata["maintainer"].as_str().unwrap();
    let address = Regex::new(r"^[A-Z][\w ]+ <[\w.-]+@[\w-]+\.[\w.-]+>$").unwrap();
    assert!(address.is_match(maintainer), "{maintainer}: lintian wants a name and an address");
    let trailer = format!("\n -- {maintainer}  ");
    assert!(changelog.contains(&trailer), "the changelog is not signed by {maintainer}");
}

/// Each distribution's file that the corpus has is also run, in a system of its own.
#[test]
fn what_distributions_ship_is_run() {
    let run = text("tests/system/run");
    let names = Regex::new(r"distributions=\(([\w ]+)\)").unwrap();
    let names = names.captures(&run).expect("no list of distributions")[1].to_owned();
    let run: BTreeSet<&str> = names.split(' ').collect();
    // Made for other paths than Debian's package and unit have.
    let left_out = ["alpine", "suse15"];
    let mut seen = 0;
    for folder in fs::read_dir(source::root().join("tests/data/config/defaults")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(run.contains(&*name) != left_out.contains(&&*name), "{name}");
        seen += 1;
    }
    assert_eq!(seen, run.len() + left_out.len());
}

#[test]
fn the_manual_page_knows_all_flags_and_commands() {
    let page = text("docs/bongsu.8").replace('\\', "");
    let help = Command::new(BONGSU).arg("-h").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flag = Regex::new(r"(?m)^ +(-\w)?(?:, )?(--\w+)?").unwrap();
    let (commands, options) = help.split_once("Options:").unwrap();
    let mut seen = 0;
    for found in flag.captures_iter(options) {
        for name in found.iter().skip(1).flatten() {
            assert!(page.contains(name.as_str()), "docs/bongsu.8 does not know {}", name.as_str());
            seen += 1;
        }
    }
    for found in Regex::new(r"(?m)^  ([a-z]+)  ").unwrap().captures_iter(commands) {
        assert!(page.contains(&format!(".B {}\n", &found[1])), "docs/bongsu.8: {}", &found[1]);
        seen += 1;
    }
    assert!(seen > 25, "only {seen} flags and commands were found");
}
