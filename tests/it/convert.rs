//! `bongsu convert` and `-o`: what is written reads as what it was written from.
//!
//! `BONGSU_RECORD=1` writes the files in `tests/data/config/convert` anew.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bongsu::base::diag::Diagnostics;
use bongsu::config;
use bongsu::config::Config;
use bongsu::config::ast::Block;
use bongsu::config::print;
use bongsu::config::print::without_places;
use bongsu::engine;
use regex::Regex;

use crate::support::process::BONGSU;
use crate::support::process::command;
use crate::support::source;

/// Configurations from the field, ours, and those that are there in both forms.
const FOLDERS: [&str; 4] = [
    "tests/data/config/realconf",
    "tests/data/config/plura",
    "tests/data/config/yaml/twins",
    "configs",
];

/// Those that are kept in both forms.
const GOLDEN: [&str; 14] = [
    "realconf/002-rhel7-default",
    "realconf/006-prifilt-call",
    "realconf/010-device-omhttp-json",
    "realconf/011-splunkhec-gateway",
    "realconf/016-relp-collector-chain",
    "realconf/017-debian-default",
    "realconf/021-jsonf-string-template",
    "realconf/030-pihole-fromhost-dyna",
    "realconf/032-re-extract-multiline",
    "realconf/042-shell-execute-caret",
    "realconf/044-suse-default",
    "realconf/054-ftp-nested-if",
    "plura/ceelog/71-FROMHOSTIP-plura",
    "plura/plain/99-fromhost_ip",
];

type Printer = fn(&Block) -> Result<Vec<u8>, Diagnostics>;

fn corpus() -> Vec<PathBuf> {
    let files = FOLDERS.iter().flat_map(|folder| {
        [".conf", ".yaml"].into_iter().flat_map(|suffix| source::files(folder, suffix))
    });
    let files: Vec<_> = files.collect();
    assert!(files.len() >= 80, "the configurations were not found");
    files
}

fn load(path: &Path) -> Config {
    config::load(path).unwrap()
}

/// What a configuration compiles to, and what is said about it, without places.
fn compiled(mut config: Config) -> (String, Vec<String>) {
    let options = engine::Options {
        hostname: "host.example".to_owned(),
        no_dns: false,
        ipv4: false,
        ipv6: false,
    };
    let read = config.diagnostics.all.len();
    let plan = engine::compile(&mut config, &options);
    let place = Regex::new(r"Loc \{[^}]*\}").unwrap();
    let plan = place.replace_all(&format!("{plan:#?}"), "Loc").into_owned();
    // A plan holds hash maps, whose order is another each time.
    let mut lines: Vec<&str> = plan.lines().collect();
    lines.sort_unstable();
    let plan = lines.join("\n");
    let mut said: Vec<String> = config.diagnostics.all[read..]
        .iter()
        .map(|d| format!("{}: {} {:?}", d.severity, d.message, d.help))
        // It is said only where nothing else is wrong.
        .filter(|said| !said.contains("no active actions"))
        .collect();
    said.sort();
    // Where several global() say the same, YAML has one.
    said.dedup();
    (plan, said)
}

/// A configuration's statements, without places, and in modern words.
fn meaning(config: &Config) -> Block {
    let mut diags = Diagnostics::default();
    let modern = print::modern(config.statements.clone(), &mut diags);
    assert!(diags.all.is_empty(), "{:?}", diags.all);
    without_places(modern)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fails with the first line that is another.
fn alike(name: &str, (plan, said): &(String, Vec<String>), expected: &(String, Vec<String>)) {
    assert_eq!(said.join("\n"), expected.1.join("\n"), "{name}");
    // Whether imfile makes variables depends on a look at the text (`reads_variables`).
    let looked = ["metadata: ", "variables: "];
    let lines = |plan: &str| {
        let own = |line: &&str| !looked.iter().any(|name| line.trim_start().starts_with(name));
        let lines = plan.lines().filter(own);
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (plan, expected) = (lines(plan), lines(&expected.0));
    for (line, wanted) in plan.iter().zip(&expected) {
        assert_eq!(line, wanted, "{name}");
    }
    assert_eq!(plan.len(), expected.len(), "{name}");
}

/// Both forms of `config` compile to what it compiles to, and are converted to themselves.
fn round_trips(name: &str, config: Config) {
    let rainerscript = print::rainerscript(&config.statements)
        .unwrap_or_else(|diags| panic!("{name}: {:?}", diags.all));
    let yaml =
        print::yaml(&config.statements).unwrap_or_else(|diags| panic!("{name}: {:?}", diags.all));
    let as_script = config::parse_text("a.conf", &rainerscript);
    let as_yaml = config::parse_text("a.yaml", &yaml);

    assert_eq!(meaning(&as_script), meaning(&config), "{name}");

    let printed = |statements: &Block, form: Printer| text(&form(statements).unwrap());
    let (script, tree) = (&as_script.statements, &as_yaml.statements);
    assert_eq!(printed(script, print::rainerscript), text(&rainerscript), "{name}");
    assert_eq!(printed(script, print::yaml), text(&yaml), "{name}");
    assert_eq!(printed(tree, print::yaml), text(&yaml), "{name}");
    let back = print::rainerscript(tree).unwrap();
    let there = config::parse_text("b.conf", &back);
    assert_eq!(printed(&there.statements, print::rainerscript), text(&back), "{name}");
    assert_eq!(printed(&there.statements, print::yaml), text(&yaml), "{name}");

    let expected = compiled(config);
    alike(name, &compiled(as_script), &expected);
    alike(name, &compiled(as_yaml), &expected);
    alike(name, &compiled(there), &expected);
}

#[test]
fn there_and_back() {
    for path in corpus() {
        round_trips(&source::relative(&path), load(&path));
    }
    // Each of PLURA's folders is one configuration.
    for folder in ["ceelog", "docker/nginx", "plain", "rsyslog-origip-routing/conf"] {
        let path = source::root().join("tests/data/config/plura").join(folder);
        let whole = format!("$IncludeConfig {}/*.conf\n", path.display());
        let config = config::parse_text("whole.conf", whole.as_bytes());
        assert!(!config.statements.is_empty(), "{folder}");
        round_trips(folder, config);
    }
}

/// A tree of files with includes in every place that there is one.
fn tree(dir: &Path) -> PathBuf {
    let at = |name: &str| dir.join(name).display().to_string();
    let files = [
        (
            "main.conf",
            format!(
                "# kept\nmodule(load=\"imtcp\")\n\
                 include(\n   file=\"{}\" # all\n) input(type=\"imtcp\" port=\"514\")\n\
                 $IncludeConfig {}\n\
                 if $msg contains \"x\" then {{ include(file=\"{}\") stop }}\n\
                 mail.* include(file=\"{}\")\n\
                 :msg, contains, \"y\"\n  $IncludeConfig {}\n\
                 include(text=`echo /from/text`) # a bare file\n\
                 include(file=\"{}\" mode=\"optional\")\n\
                 include(file=\"{}\" config.enabled=\"off\")\n\
                 *.* /last;T",
                at("*.inc"),
                at("bom.conf"),
                at("block.txt"),
                at("block.txt"),
                at("block.txt"),
                at("missing.conf"),
                at("missing.conf"),
            ),
        ),
        ("a.inc", "template(name=\"T\" type=\"string\" string=\"%msg%\\n\")".to_owned()),
        ("b.inc", format!("$ActionName named\n$IncludeConfig {}\n", at("deep.txt"))),
        ("deep.txt", "*.=info /info\nkern.* /kern \\".to_owned()),
        ("bom.conf", "\u{feff}stop # 한글\r\n".to_owned()),
        ("block.txt", "# two actions\naction(type=\"omfile\" file=\"/1\")\n/2".to_owned()),
    ];
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    dir.join("main.conf")
}

#[test]
fn one_file_says_what_all_of_them_say() {
    let dir = tempfile::tempdir().unwrap();
    let config = load(&tree(dir.path()));
    let said: Vec<_> = config.diagnostics.all.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(said, Vec::<&str>::new());
    assert_eq!(config.statements.len(), 11);
    let flat = print::flatten(&config).unwrap();
    let read = config::parse_text("flat.conf", &flat);
    assert!(read.diagnostics.all.is_empty(), "{}", text(&flat));
    assert_eq!(
        without_places(read.statements),
        without_places(config.statements),
        "{}",
        text(&flat)
    );
    assert!(text(&flat).contains("# kept\n"));
    // Nothing is left that could be included.
    let read = config::parse_text("flat.conf", &flat);
    assert!(read.inclusions.is_empty());
}

#[test]
fn the_field_is_flattened() {
    for path in corpus() {
        let config = load(&path);
        let flat = print::flatten(&config).unwrap();
        let read = config::parse_text("flat.conf", &flat).statements;
        let name = source::relative(&path);
        let modern = |block| print::modern(block, &mut Diagnostics::default());
        let (read, all) = (modern(read), modern(config.statements));
        assert_eq!(without_places(read), without_places(all), "{name}");
    }
}

/// What a file holds, without what includes other files of the machine.
fn alone(path: &Path) -> Config {
    let text = fs::read(path).unwrap();
    let lines = text.split_inclusive(|b| *b == b'\n');
    let alone: Vec<u8> =
        lines.filter(|line| !line.starts_with(b"$IncludeConfig")).flatten().copied().collect();
    config::parse_text("alone.conf", &alone)
}

#[test]
fn both_forms_as_they_are_kept() {
    let folder = source::root().join("tests/data/config");
    let record = std::env::var_os("BONGSU_RECORD").is_some();
    for name in GOLDEN {
        let config = alone(&folder.join(name).with_extension("conf"));
        let forms: [(&str, Printer); 2] = [("conf", print::rainerscript), ("yaml", print::yaml)];
        for (extension, form) in forms {
            let file = Path::new(name).file_name().unwrap();
            let kept = folder.join("convert").join(file).with_extension(extension);
            let made = form(&config.statements).unwrap();
            if record {
                fs::create_dir_all(kept.parent().unwrap()).unwrap();
                fs::write(&kept, &made).unwrap();
            }
            let kept = fs::read(&kept).unwrap_or_else(|e| panic!("{}: {e}", kept.display()));
            assert_eq!(text(&made), text(&kept), "{name}");
        }
    }
}

/// `bongsu` with `args` in `dir`: its exit status, standard output and standard error.
fn bongsu(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let out = command(BONGSU, dir).args(args).output().unwrap();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn yaml_and_conf_include_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let include = |name: &str| format!("include:\n  - path: {}/{name}\n", dir.path().display());
    write("main.conf", &format!("/1\ninclude(file=\"{}/a.yaml\")\n/3\n", dir.path().display()));
    let rules = "rulesets: [{name: RSYSLOG_DefaultRuleset, filter: mail.*, actions: [{type: omfile, file: /2}]}]\n";
    write("a.yaml", &format!("{rules}{}", include("b.conf")));
    write("b.conf", "# said once\ntemplate(name=\"T\" type=\"string\" string=\"x\")\n");
    write("main.yaml", &include("main.conf"));
    for main in ["main.conf", "main.yaml"] {
        let config = load(&dir.path().join(main));
        assert_eq!(config.statements.len(), 4, "{main}");
        let (status, flat, said) = bongsu(dir.path(), &["-N1", "-f", main, "-o", "-"]);
        assert_eq!((status, said.contains("0 errors, 0 warnings")), (Some(0), true), "{said}");
        let read = config::parse_text("flat.conf", flat.as_bytes());
        assert!(read.diagnostics.all.is_empty(), "{flat}");
        assert_eq!(meaning(&read), meaning(&config), "{flat}");
    }
}

#[test]
fn a_lossy_conversion_is_refused_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("bad.conf", "if $msg contians \"x\" then stop\naction(type=\"omfile\" file=\"/x\")\n");
    let args = ["convert", "-f", "bad.conf", "--to", "yaml"];
    let (status, out, said) = bongsu(dir.path(), &args);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains("did you mean 'contains'?") && said.contains("--force"), "{said}");
    let (status, out, said) = bongsu(dir.path(), &[&args[..], &["--force"]].concat());
    assert_eq!(status, Some(0));
    assert!(said.contains("did you mean 'contains'?"), "{said}");
    assert!(out.ends_with("    actions:\n      - type: omfile\n        file: /x\n"), "{out}");
    // What a form cannot say is not left out by any option.
    write("bad.conf", "$template T,\"a\\255\"\n/x;T\n");
    let (status, out, said) = bongsu(dir.path(), &[&args[..], &["--force"]].concat());
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains("bad.conf:1:13: error: YAML is UTF-8"), "{said}");
    let (status, ..) = bongsu(dir.path(), &["convert", "-f", "bad.conf", "--to", "rainerscript"]);
    assert_eq!(status, Some(0));
}

#[test]
fn a_template_that_rsyslog_cuts_is_no_template() {
    let dir = tempfile::tempdir().unwrap();
    let text = "$template T,\"%msg% %nosuch% x\\n\"\n*.* /x;T\n";
    fs::write(dir.path().join("cut.conf"), text).unwrap();
    let args = ["convert", "-f", "cut.conf", "--to", "rainerscript"];
    let (status, out, said) = bongsu(dir.path(), &args);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains("up to the mistake"), "{said}");
}

#[test]
fn what_came_from_the_environment_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = "action(type=\"omfile\" file=`echo $CONVERTED`)\n";
    fs::write(dir.path().join("env.conf"), text).unwrap();
    let mut converts = command(BONGSU, dir.path());
    converts.env("CONVERTED", "/var/log/it").args(["convert", "-f", "env.conf"]);
    let out = converts.args(["--to", "rainerscript", "-o", "out.conf"]).output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    let said = self::text(&out.stderr);
    assert!(said.contains("env.conf:1:27: warning: the value that this has now"), "{said}");
    let made = fs::read_to_string(dir.path().join("out.conf")).unwrap();
    assert!(made.contains("file=\"/var/log/it\""), "{made}");
}

#[test]
fn one_file_that_would_mean_something_else_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let rules = "rulesets: [{name: RSYSLOG_DefaultRuleset, actions: [{type: omfile, file: /2}]}]\n";
    write("a.yaml", rules);
    // The rules of a YAML file are the default ruleset's; in the place of the include they are r's.
    let yaml = dir.path().join("a.yaml").display().to_string();
    write("main.conf", &format!("/1\n$RuleSet r\n/3\n$IncludeConfig {yaml}\n"));
    let args = ["-N1", "-f", "main.conf", "-o", "full.conf"];
    let (status, _, said) = bongsu(dir.path(), &args);
    assert_eq!(status, Some(1));
    assert!(said.contains("cannot be written in one file"), "{said}");
    assert!(!dir.path().join("full.conf").exists());
    // Nor is one where there is no place for it.
    write("main.conf", "/1\n");
    let (status, _, said) = bongsu(dir.path(), &["-N1", "-f", "main.conf", "-o", "none/full.conf"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("cannot write 'none/full.conf'"), "{said}");
    let (status, ..) = bongsu(dir.path(), &args);
    assert_eq!(status, Some(0));
    assert!(fs::read_to_string(dir.path().join("full.conf")).unwrap().contains("\n/1\n"));
}

#[test]
fn legacy_templates_keep_their_meaning() {
    let texts = [
        r#"a\\b\"c\n\r\065\7%msg:::sp-if-no-1st-sp,drop-last-lf%\t"#,
        r#"%msg:R,ERE,1,BLANK:(\d+)%x--end:json:n% 100 %syslogtag:1:32%\n"#,
        r#"100\% \\n \\x41 %timereported:::date-rfc3339,date-utc%%hostname:::uppercase%\37\n"#,
    ];
    for text in texts {
        let whole = format!("$template T,\"{text}\"\n*.* /var/log/all;T\n");
        let config = config::parse_text("legacy.conf", whole.as_bytes());
        assert!(config.diagnostics.all.is_empty(), "{text}");
        round_trips(text, config);
    }
}
