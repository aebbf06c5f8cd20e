//! Regular expressions as glibc's `regexec(3)` takes them, which rsyslog uses (`tests/data/posix`).
//! With `BONGSU_ORACLE=record` the answers are taken from the C library of this machine anew, by
//! `tests/oracle/regexec.c`.
//!
//! `E` and `B` begin an extended and a basic expression, `e` and `b` those where letter case does
//! not count, with `refused` behind a tab if `regcomp` does not take it. `=` begins a text, and
//! behind a tab stands what matched, and what each group matched. `~` begins a text that glibc
//! takes otherwise than we do (docs/differences.md): only expressions with anchors or back
//! references may have one. `random.txt` is made anew, too, with seeds of its own.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use bongsu::base::posix::Expression;
use bongsu::base::posix::Syntax;
use tempfile::TempDir;

use crate::support::source;

const FOLDER: &str = "tests/data/posix";

/// The lines with our answers.
fn ours(lines: &str) -> String {
    let mut out = String::new();
    let mut expression = None;
    for line in lines.lines() {
        let line = line.split('\t').next().unwrap();
        match line.split_at_checked(2) {
            Some(("= " | "~ ", text)) => {
                let Some(regex) = &expression else { continue };
                write!(out, "{line}\t").unwrap();
                answer(regex, text.as_bytes(), &mut out);
            }
            Some((kind @ ("E " | "B " | "e " | "b "), pattern)) => {
                let any_case = kind.starts_with(|c: char| c.is_ascii_lowercase());
                let extended = kind.eq_ignore_ascii_case("e ");
                let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
                expression = Expression::new(pattern.as_bytes(), syntax, any_case).ok();
                out.push_str(line);
                out.push_str(if expression.is_none() { "\trefused" } else { "" });
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn answer(regex: &Expression, text: &[u8], out: &mut String) {
    let Some(found) = regex.find(text, true) else {
        assert!(!regex.is_match(text));
        return out.push_str("none");
    };
    assert!(regex.is_match(text));
    assert_eq!(regex.find(text, false).unwrap().all, found.all);
    for group in 0..=regex.groups() {
        out.push_str(if group == 0 { "" } else { " " });
        match found.group(group) {
            Some((from, to)) => write!(out, "{from}-{to}").unwrap(),
            None => out.push('-'),
        }
    }
}

/// The lines with the answers of the C library.
fn theirs(lines: &str) -> String {
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("regexec");
    let source = source::root().join("tests/oracle/regexec.c");
    let compiled = Command::new("cc").arg("-o").arg(&program).arg(&source).status().unwrap();
    assert!(compiled.success());
    let mut program =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = program.stdin.take().unwrap();
    let lines = lines.to_owned();
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = program.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Expressions over a, b and c, three texts for each.
struct Random {
    dice: fastrand::Rng,
    atoms: &'static [&'static str],
}

impl Random {
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.dice.usize(..of.len())]
    }

    fn alternatives(&mut self, depth: usize, out: &mut String) {
        for branch in 0..self.dice.usize(1..=2) + self.dice.usize(..=1) {
            out.push_str(if branch == 0 { "" } else { "|" });
            for _ in 0..self.dice.usize(..=3) {
                if depth > 0 && self.dice.usize(..5) < 2 {
                    out.push('(');
                    self.alternatives(depth - 1, out);
                    out.push(')');
                } else {
                    let atom = self.one(self.atoms);
                    out.push_str(atom);
                }
                const TIMES: [&str; 18] = [
                    "", "", "", "", "", "", "", "", "", "*", "*", "+", "?", "{1,2}", "{2}", "{,2}",
                    "{1,}", "{0}",
                ];
                let times = self.one(&TIMES);
                out.push_str(times);
            }
        }
    }

    /// Lines of `count` expressions.
    fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < 4 * count {
            let mut pattern = String::new();
            self.alternatives(2, &mut pattern);
            // Longer ones take glibc minutes now and then.
            if pattern.len() > 24 {
                continue;
            }
            let any_case = self.dice.usize(..8) == 0;
            lines.push(format!("{} {pattern}", if any_case { "e" } else { "E" }));
            for _ in 0..3 {
                let length = self.dice.usize(..8);
                let text: String =
                    (0..length).map(|_| self.one(&["a", "b", "c", "a", "B"])).collect();
                lines.push(format!("= {text}"));
            }
        }
        lines
    }
}

fn random() -> String {
    let plain = &["a", "b", "c", "a", "b", "c", ".", "[ab]", "[^a]"];
    let anchors = &["a", "b", "c", "a", "b", "c", ".", "[ab]", "^", "$", "\\<", "\\>", "\\b"];
    let back = &["a", "b", "c", "a", "b", "c", ".", "[ab]", "\\1", "\\2"];
    let sets: [(u64, usize, &[&str]); 3] = [(1, 2500, plain), (2, 400, anchors), (3, 1200, back)];
    let mut lines = Vec::new();
    for (seed, count, atoms) in sets {
        let dice = fastrand::Rng::with_seed(seed);
        lines.extend(Random { dice, atoms }.lines(count));
    }
    let mut answered = String::new();
    let mut rest = &lines[..];
    while !rest.is_empty() {
        let said = theirs(&(rest.join("\n") + "\n"));
        let patterns = said.lines().filter(|line| !line.starts_with('=')).count();
        if 4 * patterns == rest.len() {
            answered += &said;
            break;
        }
        // The last one, or the one behind it, takes glibc too long.
        let end = said.rfind("\nE ").max(said.rfind("\ne ")).map_or(0, |at| at + 1);
        answered += said.get(..end).unwrap_or_default();
        rest = &rest[4 * patterns.max(1)..];
    }
    let ours = ours(&answered);
    let marked = answered.lines().zip(ours.lines()).map(|(said, ours)| {
        if said == ours { format!("{said}\n") } else { said.replacen("= ", "~ ", 1) + "\n" }
    });
    marked.collect()
}

#[test]
fn expressions_match_as_in_glibc() {
    let record = env::var("BONGSU_ORACLE").is_ok_and(|mode| mode == "record");
    let mut differences = String::new();
    let (mut asked, mut known) = (0, 0);
    for path in source::files(FOLDER, ".txt") {
        let name = source::relative(&path);
        let mut text = fs::read_to_string(&path).unwrap();
        if record {
            text = if name.ends_with("/random.txt") { random() } else { theirs(&text) };
            fs::write(&path, &text).unwrap();
        }
        let mut pattern = "";
        for (said, ours) in text.lines().zip(ours(&text).lines()) {
            asked += usize::from(said.starts_with("= "));
            if let Some(text) = said.strip_prefix("~ ") {
                assert!(pattern.contains(['^', '$', '\\']), "{pattern}: {text}");
                known += 1;
            } else if !said.starts_with("= ") {
                pattern = said;
            }
            if (said != ours) != said.starts_with("~ ") {
                writeln!(differences, "{name}: {pattern}\n  glibc {said}\n  ours  {ours}").unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(asked > 10_000, "no questions in {FOLDER}");
    assert!(known * 100 < asked, "{known} of {asked} differ");
}
