//! Agreement with `rsyslogd -N1`: on configurations as they are found, as they are shipped, and on
//! one question each. `tests/data/config/README.md` says what is compared.
//!
//! `BONGSU_ORACLE` chooses as for the differential bench: unset, `live`, or `record`.

mod bench;
mod complaint;
mod doc;

mod except;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bench::Bench;
use bench::Verdict;
use except::Exceptions;

use crate::oracle::Mode;
use crate::oracle::find_rsyslogd;
use crate::support::process::BONGSU;
use crate::support::source;

const DATA: &str = "tests/data/config";
/// Cases of each kind at least: a test that lost them would be green too.
const CASES_MIN: [(&str, usize); 4] =
    [("realconf/", 60), ("plura/", 15), ("defaults/", 8), ("checks/", 150)];

/// One configuration: files by their path below `/`.
#[derive(Debug)]
struct Case {
    /// `realconf/001-imfile`, the path below [`DATA`] without the suffix.
    name: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Case {
    /// A single file.
    fn file(path: &Path) -> Self {
        let name = source::relative(path);
        let name = name.trim_start_matches(DATA).trim_matches('/').trim_end_matches(".conf");
        let files = vec![("etc/rsyslog.conf".to_owned(), fs::read(path).unwrap())];
        Self { name: name.to_owned(), files }
    }

    /// The files of a folder, included in the order of their names.
    fn folder(path: &Path) -> Self {
        let name = source::relative(path).trim_start_matches(DATA).trim_matches('/').to_owned();
        let main = b"$IncludeConfig /etc/rsyslog.d/*.conf\n".to_vec();
        let mut files = vec![("etc/rsyslog.conf".to_owned(), main)];
        for file in source::files(&source::relative(path), ".conf") {
            let name = file.file_name().unwrap().to_string_lossy();
            files.push((format!("etc/rsyslog.d/{name}"), fs::read(&file).unwrap()));
        }
        Self { name, files }
    }

    /// A tree of files that stands for `/`.
    fn tree(path: &Path) -> Self {
        let name = source::relative(path).trim_start_matches(DATA).trim_matches('/').to_owned();
        let files = source::files(&source::relative(path), "").into_iter().map(|file| {
            let below = file.strip_prefix(path).unwrap().to_string_lossy().into_owned();
            (below, fs::read(&file).unwrap())
        });
        Self { name, files: files.collect() }
    }

    fn verdict(&self, program: &str) -> Verdict {
        let bench = Bench::new();
        for (name, text) in &self.files {
            bench.write(name, text);
        }
        bench.check(program)
    }

    fn recording(&self) -> PathBuf {
        source::root().join(DATA).join("verdicts").join(format!("{}.txt", self.name))
    }
}

fn folders(below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(source::root().join(DATA).join(below)).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

fn cases() -> Vec<Case> {
    let files = |below: &str| source::files(&format!("{DATA}/{below}"), ".conf");
    let single = ["realconf", "plura", "checks"].into_iter().flat_map(files);
    let mut cases: Vec<_> = single.map(|path| Case::file(&path)).collect();
    let plura = files("plura");
    let mut whole: Vec<_> = plura.iter().map(|file| file.parent().unwrap()).collect();
    whole.dedup();
    cases.extend(whole.into_iter().map(Case::folder));
    cases.extend(folders("defaults").iter().map(|path| Case::tree(path)));
    for (kind, least) in CASES_MIN {
        let found = cases.iter().filter(|case| case.name.starts_with(kind)).count();
        assert!(found >= least, "only {found} cases {kind}");
    }
    cases
}

/// What is recorded of a case.
#[derive(Debug)]
struct Recorded {
    rsyslogd: Verdict,
    bongsu: Verdict,
}

const HEADS: [[&str; 2]; 2] = [
    ["== rsyslogd refuses ==\n", "== rsyslogd accepts ==\n"],
    ["== bongsu refuses ==\n", "== bongsu accepts ==\n"],
];

impl Recorded {
    fn read(case: &Case) -> Result<Self, String> {
        let text =
            fs::read_to_string(case.recording()).map_err(|_| "nothing recorded".to_owned())?;
        let parts = text.split_at(text.find("== bongsu ").ok_or("no section for bongsu")?);
        let [rsyslogd, bongsu] = [(0, parts.0), (1, parts.1)].map(|(program, text)| {
            let accepted = text.starts_with(HEADS[program][1]);
            let body = text.split_once('\n').map_or("", |(_, body)| body);
            Verdict { accepted, text: body.to_owned() }
        });
        Ok(Self { rsyslogd, bongsu })
    }

    fn write(&self, case: &Case) {
        let [rsyslogd, bongsu] = [&self.rsyslogd, &self.bongsu];
        let heads =
            [HEADS[0][usize::from(rsyslogd.accepted)], HEADS[1][usize::from(bongsu.accepted)]];
        let path = case.recording();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [heads[0], &rsyslogd.text, heads[1], &bongsu.text].concat()).unwrap();
    }
}

/// One case in one mode; what is wrong, if anything is.
fn judge(case: &Case, mode: Mode, rsyslogd: &str, except: &Exceptions) -> Result<bool, String> {
    let bongsu = case.verdict(BONGSU);
    let recorded = match mode {
        Mode::Record => {
            let recorded = Recorded { rsyslogd: case.verdict(rsyslogd), bongsu: bongsu.clone() };
            recorded.write(case);
            recorded
        }
        Mode::Golden | Mode::Live => Recorded::read(case)?,
    };
    if mode == Mode::Live {
        let live = case.verdict(rsyslogd);
        same("rsyslogd", &recorded.rsyslogd, &live)?;
    }
    same("bongsu", &recorded.bongsu, &bongsu)?;
    let mut wrong = Vec::new();
    let agreed = recorded.rsyslogd.accepted == bongsu.accepted;
    if !agreed && !except.status(&case.name) {
        let word = |accepted| if accepted { "accepts" } else { "refuses" };
        let theirs = word(recorded.rsyslogd.accepted);
        wrong.push(format!("rsyslogd {theirs} it, bongsu {} it", word(bongsu.accepted)));
    }
    for complaint in complaint::unanswered(&recorded.rsyslogd.text, &bongsu.text) {
        if !except.complaint(&case.name, &complaint) {
            wrong.push(format!("nothing of ours beside: {complaint}"));
        }
    }
    if wrong.is_empty() { Ok(agreed) } else { Err(wrong.join("\n")) }
}

fn same(program: &str, recorded: &Verdict, now: &Verdict) -> Result<(), String> {
    if recorded == now {
        return Ok(());
    }
    let equal = recorded.text.lines().zip(now.text.lines()).take_while(|(a, b)| a == b).count();
    let show = |verdict: &Verdict| {
        let lines = verdict.text.lines().skip(equal).take(6);
        let lines: String = lines.map(|line| format!("    {line}\n")).collect();
        format!("{}\n{lines}", if verdict.accepted { "accepted" } else { "refused" })
    };
    let (was, is) = (show(recorded), show(now));
    Err(format!("{program}, line {}: recorded: {was}  now: {is}", equal + 1))
}

#[test]
fn oracle_and_bongsu_accept_the_same() {
    let mode = Mode::of_environment();
    let rsyslogd = if mode == Mode::Golden { String::new() } else { find_rsyslogd() };
    let except = Exceptions::read(&source::root().join(DATA).join("verdicts.except"));
    let only = std::env::var("BONGSU_ORACLE_ONLY").unwrap_or_default();
    let mut failures = Vec::new();
    let mut agreed: std::collections::BTreeMap<&str, [usize; 2]> =
        std::collections::BTreeMap::new();
    let cases = cases();
    for case in cases.iter().filter(|case| case.name.contains(&only)) {
        let (kind, _) = case.name.split_once('/').unwrap();
        let count = agreed.entry(kind).or_default();
        count[1] += 1;
        match judge(case, mode, &rsyslogd, &except) {
            Ok(agrees) => count[0] += usize::from(agrees),
            Err(why) => failures.push(format!("=== {}\n{why}", case.name)),
        }
    }
    for (kind, [agreed, all]) in agreed {
        println!("{kind}: {agreed} of {all} with rsyslogd's exit status");
    }
    assert!(failures.is_empty(), "{} failed\n{}", failures.len(), failures.join("\n"));
    if only.is_empty() {
        assert_eq!(except.unused(), [""; 0], "nothing differs there any more");
    }
}
