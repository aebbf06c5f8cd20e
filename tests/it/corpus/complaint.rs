//! What the two programs complain of, and whether they mean the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// Lines that rsyslogd may name too late: what it complains of begins up to so many lines before,
/// since an object is looked at when its last line has been read.
const OBJECT_LINES: usize = 60;

/// One line of rsyslogd's.
#[derive(Debug)]
pub(crate) struct Theirs {
    pub(crate) text: String,
    /// File and line, if it says so.
    place: Option<(String, usize)>,
    words: BTreeSet<String>,
}

/// One diagnostic of ours.
#[derive(Debug)]
struct Ours {
    file: String,
    line: usize,
    error: bool,
    words: BTreeSet<String>,
}

/// What in a complaint repeats or follows from one that came before: not looked for again.
const ECHOES: [(&str, &str); 12] = [
    // Nor does the second module() of a module.
    ("not known -- typo", "already in this config"),
    // An input() of a module that is not there knows no parameters.
    ("not known -- typo", "input module name"),
    ("input module name", "failed processing config parameters"),
    ("error processing template", ""),
    ("error processing queue config parameters", ""),
    ("error processing global config parameters", ""),
    ("error processing module config parameters", ""),
    ("failed processing config parameters", "config parameters"),
    ("required parameter are missing", "required but not specified"),
    ("rsyslog logic error", ""),
    ("could not interpret master config file", ""),
    ("run failed with error -2103", "no active actions"),
];

/// Names of parameters and the like: what stands in quotes, and what looks like a path or module.
fn words(text: &str) -> BTreeSet<String> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| {
        let quoted = r#"'([^']*)'|"([^"]*)""#;
        let bare = r"\b((?:im|om|pm|mm|fm|lm)[a-z0-9]{2,})\b|\$([A-Za-z]+)|param '?([\w.]+)";
        Regex::new(&format!(
            "{quoted}|{bare}|(?:user|group) ([\\w-]+)|(/\\w[\\w./-]+)|\\b([a-z]+\\.[A-Za-z]+)\\b|([A-Za-z]\\w+)\\(\\)"
        ))
        .unwrap()
    });
    let found = WORD.captures_iter(text).flat_map(|found| {
        let groups: Vec<_> = found.iter().skip(1).flatten().collect();
        groups.into_iter().map(|group| group.as_str().trim().to_lowercase()).collect::<Vec<_>>()
    });
    let short = found.map(|word| word.trim_start_matches(['$', '!', '.']).to_owned());
    short.filter(|word| !word.is_empty()).collect()
}

/// rsyslogd's complaints, in order.
pub(crate) fn theirs(text: &str) -> Vec<Theirs> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^error during parsing file (.+?), on or before line (\d+): ").unwrap()
    });
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let complaint = |line: &str| {
        let text = line.strip_prefix("rsyslogd: ").unwrap_or(line).trim();
        let found = PLACE.captures(text);
        let place = found.as_ref().map(|found| (found[1].to_owned(), found[2].parse().unwrap()));
        let rest = found.map_or(text, |found| text.strip_prefix(&found[0]).unwrap());
        Theirs { text: text.to_owned(), place, words: words(rest) }
    };
    lines.map(complaint).collect()
}

fn ours(text: &str) -> Vec<Ours> {
    static HEAD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(.+?):(\d+):\d+: (error|warning|note): (.*)$").unwrap());
    let mut all: Vec<Ours> = Vec::new();
    for line in text.lines() {
        if let Some(found) = HEAD.captures(line) {
            all.push(Ours {
                file: found[1].to_owned(),
                line: found[2].parse().unwrap(),
                error: &found[3] == "error",
                words: words(&found[4]),
            });
        } else if let Some(last) = all.last_mut() {
            // The line itself and the help belong to it.
            last.words.append(&mut words(line));
        }
    }
    all
}

impl Theirs {
    /// Whether it follows from what stands before it, others of its kind in between.
    fn is_echo(&self, before: &[Self]) -> bool {
        let refused = before.iter().any(|theirs| theirs.text.contains("errors occurred in file"));
        if refused && self.text.contains("no active actions") {
            return true;
        }
        ECHOES.iter().any(|(text, after)| {
            let other = before.iter().rfind(|theirs| !theirs.text.contains(text));
            self.text.contains(text) && other.is_some_and(|other| other.text.contains(after))
        })
    }

    fn answered_by(&self, ours: &Ours) -> bool {
        let shared = self.words.intersection(&ours.words).next().is_some();
        let Some((file, line)) = &self.place else {
            return ours.error && (shared || self.words.is_empty());
        };
        if !ours.error || ours.file != *file {
            return false;
        }
        let near = ours.line.abs_diff(*line) <= 1;
        let within = ours.line <= line + 1 && ours.line + OBJECT_LINES >= *line;
        // "errors occurred around line 9": of the object that ends there.
        let whole = self.text.contains(" occurred in file ");
        near || (within && (shared || whole))
    }
}

/// rsyslogd's complaints that have none of ours beside them.
pub(crate) fn unanswered(rsyslogd: &str, bongsu: &str) -> Vec<String> {
    let theirs = theirs(rsyslogd);
    let ours = ours(bongsu);
    let mut missing = Vec::new();
    for (i, complaint) in theirs.iter().enumerate() {
        let answered = ours.iter().any(|ours| complaint.answered_by(ours));
        if !answered && !complaint.is_echo(&theirs[..i]) {
            missing.push(complaint.text.clone());
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_needs_its_place_or_its_word() {
        let rsyslogd = "rsyslogd: error during parsing file a.conf, on or before line 9: parameter 'file' not known";
        let missing = |ours: &str| unanswered(rsyslogd, ours).len();
        assert_eq!(missing("a.conf:8:1: error: no such thing"), 0);
        assert_eq!(missing("a.conf:3:1: error: parameter 'File' not known"), 0);
        assert_eq!(missing("a.conf:3:1: error: no such thing"), 1);
        assert_eq!(missing("a.conf:9:1: warning: no such thing"), 1);
        assert_eq!(missing("b.conf:9:1: error: no such thing"), 1);
        assert_eq!(missing("a.conf:11:1: error: parameter 'file' not known"), 1);
    }

    #[test]
    fn a_repeated_complaint_is_answered_once() {
        let first = "rsyslogd: error during parsing file a.conf, on or before line 2: no type";
        let echo = "rsyslogd: error during parsing file a.conf, on or before line 9: error processing template object";
        let both = format!("{first}\n{echo}\n");
        assert_eq!(unanswered(&both, "a.conf:2:1: error: x"), [""; 0]);
        assert_eq!(unanswered(&both, "").len(), 1);
        assert_eq!(unanswered(echo, "").len(), 1);
    }
}
