//! The examples of rsyslog's documentation (Debian's `rsyslog-doc`): what rsyslogd says of each,
//! and what Bongsu says. Their text is not kept: a record holds page, number and checksum.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use crate::corpus::DATA;
use crate::corpus::bench::Bench;
use crate::corpus::bench::Verdict;
use crate::corpus::complaint::theirs;
use crate::corpus::except::Exceptions;
use crate::oracle::Mode;
use crate::oracle::find_rsyslogd;
use crate::support::process::BONGSU;
use crate::support::source;

/// Where Debian puts the pages.
const PAGES: &str = "/usr/share/doc/rsyslog-doc/html";
/// A search that lost the examples would be green too.
const EXAMPLES_MIN: usize = 300;
const TABLE: &str = "docs/doc-examples.md";
/// Longest reason in the table, in characters.
const WHY_MAX: usize = 150;
const HEAD: &str = "\
# The examples of rsyslog's documentation

Every block of configuration in the pages of Debian's `rsyslog-doc` 8.2302, checked by
`rsyslogd -N1` and by `bongsu -N1`. Many are fragments: the modules that they name and do not load
are loaded before them, imfile gets a work directory, and an action stands behind them. Written by
`tests/it/corpus/doc.rs`; do not edit.

| rsyslogd | accepted | with a note | not built yet | refused | together |
|---|---|---|---|---|---|
";
const LEGEND: &str = "
Not built yet: understood, and left out of what runs until a later version. Lacks: Debian's
packages of rsyslog do not have the module, so rsyslogd cannot say. The number is that of the
literal block on its page.

| page | block | rsyslogd | Bongsu | why |
|---|---|---|---|---|
";
/// Outputs that are there without `module()`.
const BUILT_IN: [&str; 4] = ["omfile", "omfwd", "ompipe", "omusrmsg"];

#[derive(Debug)]
struct Example {
    /// Below [`PAGES`], without `.html`.
    page: String,
    /// Among the literal blocks of its page, from 1.
    number: usize,
    text: String,
}

/// What is recorded of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    page: String,
    number: usize,
    checksum: String,
    /// `accepts`, `refuses`, or `lacks MODULE`.
    rsyslogd: String,
    /// `accepted`, `with a note`, `not built yet`, `refused`.
    bongsu: String,
    why: String,
}

impl Row {
    fn line(&self) -> String {
        let Self { page, number, checksum, rsyslogd, bongsu, why } = self;
        format!("{page}\t{number}\t{checksum}\t{rsyslogd}\t{bongsu}\t{why}\n")
    }

    fn parse(line: &str) -> Self {
        let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [page, number, checksum, rsyslogd, bongsu, why] = fields.try_into().unwrap();
        Self { page, number: number.parse().unwrap(), checksum, rsyslogd, bongsu, why }
    }

    fn name(&self) -> String {
        format!("doc/{}#{}", self.page, self.number)
    }
}

/// The literal blocks of a page, as text.
fn literal_blocks(html: &str) -> Vec<String> {
    static PRE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)<pre>(.*?)</pre>").unwrap());
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<[^>]*>").unwrap());
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let blocks = PRE.captures_iter(html).map(|found| {
        let text = TAG.replace_all(&found[1], "").into_owned();
        entities.iter().fold(text, |text, (entity, by)| text.replace(entity, by))
    });
    blocks.collect()
}

/// Whether a block is configuration, rather than a command, a message or a piece of C.
fn is_configuration(text: &str) -> bool {
    static SIGNS: LazyLock<Regex> = LazyLock::new(|| {
        let signs = [
            r"\b(?:module|action|input|template|global|ruleset|main_queue|lookup_table)\s*\(\s*[\w.]+\s*=",
            r"\b(?:dyn_stats|percentile_stats|parser|timezone|include|property|constant)\s*\(\s*[\w.]+\s*=",
            r"^\s*\$[A-Z]\w+\s+\S",
            r"^\s*if\s.*\bthen\b",
            r"^\s*(?:set|unset|reset)\s+\$[!./]",
            r"^\s*foreach\s*\(",
            r"^:[\w$!.-]+\s*,",
            r"^\s*[a-z*][a-z0-9,*]*\.[=!]*[a-z*][\w.,;=!*]*\s*(?:-?/|@|\||-?\?|~|\^|:|&|>|stop|action|call|\{)",
        ];
        Regex::new(&format!("(?mi){}", signs.join("|"))).unwrap()
    });
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^\s*(?:#include|static rsRetVal|typedef|def \w+\(|rsyslogd: )").unwrap()
    });
    SIGNS.is_match(text) && !OTHER.is_match(text)
}

fn examples() -> Vec<Example> {
    let mut pages = Vec::new();
    source::walk(Path::new(PAGES), &mut |path| pages.push(path.to_path_buf()));
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "html"));
    pages.sort();
    let mut all = Vec::new();
    for path in pages {
        let html = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let page = path.strip_prefix(PAGES).unwrap().with_extension("");
        for (i, text) in literal_blocks(&html).into_iter().enumerate() {
            if is_configuration(&text) {
                let page = page.to_string_lossy().into_owned();
                all.push(Example { page, number: i + 1, text });
            }
        }
    }
    all
}

/// The example with what it needs around it: the modules that it names and does not load, and an
/// action, without which there is nothing to run.
fn whole(text: &str) -> String {
    static TYPE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?im)^[^#\n]*?\btype\s*=\s*"((?:im|om|mm)\w+)""#).unwrap());
    let mut modules: Vec<_> =
        TYPE.captures_iter(text).map(|found| found[1].to_lowercase()).collect();
    modules.sort();
    modules.dedup();
    modules.retain(|name| {
        let loads = format!(r#"(?im)^[^#\n]*(load\s*=\s*"[\w./:-]*{name}|\$ModLoad\s+\S*{name})"#);
        !BUILT_IN.contains(&name.as_str()) && !Regex::new(&loads).unwrap().is_match(text)
    });
    let loads: String = modules.iter().map(|name| format!("module(load=\"{name}\") ")).collect();
    let end = "action(type=\"omfile\" file=\"/var/log/all\")";
    let folder = if text.contains("imfile") && !text.to_lowercase().contains("workdirectory") {
        "global(workDirectory=\"/var/spool/rsyslog\")"
    } else {
        ""
    };
    format!("{loads}{folder}\n{text}\n{end}\n")
}

/// Short enough for a table, and nothing in it that a table would take for its own.
fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace('|', "\\|").replace('<', "&lt;").replace(['`', '*'], "\u{b4}");
    let cut: String = line.chars().take(WHY_MAX).collect();
    if cut.len() < line.len() { cut + "…" } else { line }
}

fn judged(example: &Example, rsyslogd: &str) -> Row {
    static OURS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^\S*?:\d+:\d+: (error|warning|note): (.*)$").unwrap());
    static LACKS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"could not load module '([^']*)'").unwrap());
    let bench = Bench::new();
    bench.write("etc/rsyslog.conf", whole(&example.text).as_bytes());
    let oracle: Verdict = bench.check(rsyslogd);
    let ours = bench.check(BONGSU);
    let of = |severity: &str| {
        let mut all = OURS.captures_iter(&ours.text).filter(|found| &found[1] == severity);
        all.next().map(|found| found[2].to_owned())
    };
    let unbuilt = OURS
        .captures_iter(&ours.text)
        .map(|found| found[2].to_owned())
        .find(|message| message.contains("not built yet"));
    let (bongsu, why) = match (ours.accepted, unbuilt, of("warning").or_else(|| of("note"))) {
        (false, ..) => ("refused", of("error").unwrap_or_default()),
        (true, Some(unbuilt), _) => ("not built yet", unbuilt),
        (true, None, Some(note)) => ("with a note", note),
        (true, None, None) => ("accepted", String::new()),
    };
    let lacks = LACKS.captures(&oracle.text).map(|found| format!("lacks {}", &found[1]));
    let verdict = if oracle.accepted { "accepts" } else { "refuses" };
    // Where we take what rsyslogd does not, its reason is the interesting one.
    let why = match theirs(&oracle.text).first() {
        Some(first) if ours.accepted && !oracle.accepted && lacks.is_none() => {
            format!("rsyslogd: {}", first.text)
        }
        _ => why,
    };
    let mut checksum = flate2::Crc::new();
    checksum.update(example.text.as_bytes());
    Row {
        page: example.page.clone(),
        number: example.number,
        checksum: format!("{:08x}", checksum.sum()),
        rsyslogd: lacks.unwrap_or_else(|| verdict.to_owned()),
        bongsu: bongsu.to_owned(),
        why: short(&why),
    }
}

fn record_path() -> PathBuf {
    source::root().join(DATA).join("doc-examples.tsv")
}

fn recorded() -> Vec<Row> {
    let text = fs::read_to_string(record_path()).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(Row::parse).collect()
}

/// `docs/doc-examples.md`.
fn table(rows: &[Row], except: &Exceptions) -> String {
    let mut text = HEAD.to_owned();
    let verdicts = ["accepted", "with a note", "not built yet", "refused"];
    let oracle = ["accepts", "refuses", "lacks"];
    let count = |theirs: &str, ours: &str| {
        let fits = |row: &&Row| row.rsyslogd.starts_with(theirs) && row.bongsu.starts_with(ours);
        rows.iter().filter(fits).count()
    };
    for (theirs, name) in oracle.iter().zip(["accepts", "refuses", "lacks the module"]) {
        let counts = verdicts.map(|ours| count(theirs, ours).to_string()).join(" | ");
        writeln!(text, "| {name} | {counts} | {} |", count(theirs, "")).unwrap();
    }
    let counts = verdicts.map(|ours| count("", ours).to_string()).join(" | ");
    writeln!(text, "| together | {counts} | {} |", rows.len()).unwrap();
    text.push_str(LEGEND);
    for row in rows {
        let Row { page, number, rsyslogd, bongsu, why, .. } = row;
        let why = except.reason(&row.name()).unwrap_or_else(|| why.clone());
        writeln!(text, "| {page} | {number} | {rsyslogd} | {bongsu} | {why} |").unwrap();
    }
    text
}

/// Recorded verdicts that differ without a reason in the list of exceptions.
fn unexplained(rows: &[Row], except: &Exceptions) -> Vec<String> {
    let differs = |row: &&Row| {
        let refused = row.bongsu == "refused";
        !row.rsyslogd.starts_with("lacks") && refused == (row.rsyslogd == "accepts")
    };
    let open = rows.iter().filter(differs).filter(|row| !except.status(&row.name()));
    open.map(|row| format!("{}: {} {}: {}", row.name(), row.rsyslogd, row.bongsu, row.why))
        .collect()
}

#[test]
fn oracle_documentation_examples() {
    let mode = Mode::of_environment();
    let except = Exceptions::read(&source::root().join(DATA).join("doc-examples.except"));
    if mode != Mode::Golden {
        let rsyslogd = find_rsyslogd();
        let examples = examples();
        assert!(
            examples.len() >= EXAMPLES_MIN,
            "{} examples in {PAGES}: is rsyslog-doc installed?",
            examples.len()
        );
        let rows: Vec<_> = examples.iter().map(|example| judged(example, &rsyslogd)).collect();
        if mode == Mode::Record {
            let head = "# page, literal block, CRC-32, rsyslogd, bongsu, why\n";
            let lines: String = rows.iter().map(Row::line).collect();
            fs::write(record_path(), [head, &lines].concat()).unwrap();
            fs::write(source::root().join(TABLE), table(&rows, &except)).unwrap();
        }
        let old = recorded();
        let new = rows.iter().filter(|row| !old.contains(row));
        let new: Vec<_> = new.map(Row::line).collect();
        assert!(new.is_empty() && old.len() == rows.len(), "not as recorded:\n{}", new.concat());
    }
    let rows = recorded();
    assert!(rows.len() >= EXAMPLES_MIN, "only {} examples", rows.len());
    let open = unexplained(&rows, &except);
    assert!(open.is_empty(), "{} differ\n{}", open.len(), open.join("\n"));
    let written = fs::read_to_string(source::root().join(TABLE)).unwrap();
    assert_eq!(written, table(&rows, &except), "{TABLE} is not what the records say");
    assert_eq!(except.unused(), [""; 0], "nothing differs there any more");
}

#[test]
fn blocks_of_a_page() {
    let html = "<p>x</p><pre><span></span>if $msg <span>&lt;</span> &quot;&amp;lt;&quot; then stop\n</pre>\n<pre>b</pre>";
    assert_eq!(literal_blocks(html), ["if $msg < \"&lt;\" then stop\n", "b"]);
    assert!(is_configuration("if $msg then stop"));
    assert!(is_configuration("mail.*;auth.none  -/var/log/x"));
    assert!(is_configuration("# x\naction( type=\"omfile\""));
    assert!(!is_configuration("apt-get install rsyslog"));
    assert!(!is_configuration("see www.rsyslog.com for more"));
}

#[test]
fn an_example_gets_what_it_needs() {
    let text = whole("action(type=\"omprog\" binary=\"x\")");
    assert!(text.starts_with("module(load=\"omprog\") \naction("), "{text}");
    assert!(whole("module(load=\"omprog\")\naction(type=\"omprog\")").starts_with("\nmodule("));
    assert!(whole("input(type=\"imfile\"").starts_with("module(load=\"imfile\") global("));
}
