use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::base::posix::Syntax;

fn rules(mode: Mode) -> Rules {
    let line_end: &[u8] =
        if matches!(mode, Mode::Start(_) | Mode::End(_)) { b"\\n" } else { b"#012" };
    let line_end = line_end.into();
    Rules { mode, line_end, keeps_last_end: false, trim: 0, max: 40, cee: false, discard: false }
}

fn regex(text: &str) -> Expression {
    Expression::new(text.as_bytes(), Syntax::Extended, false).unwrap()
}

/// Messages, with what is said of where they begin, and whether they were cut.
type Messages = Vec<(String, u64, bool)>;

fn take(sheet: &mut Sheet, out: &mut Messages) {
    for piece in sheet.pieces.drain(..) {
        let text = String::from_utf8_lossy(piece.span.of(&sheet.data)).into_owned();
        out.push((text, piece.offset, piece.cut));
    }
    sheet.clear();
}

/// Reads that end where `ends` say.
fn split(text: &[u8], ends: &[usize], rules: &Rules) -> (Messages, Splitter) {
    let (mut splitter, mut sheet, mut out) = (Splitter::default(), Sheet::default(), Vec::new());
    let mut from = 0;
    for end in ends.iter().copied().chain([text.len()]) {
        sheet.data.extend_from_slice(&text[from..end]);
        splitter.take(&mut sheet, 0, rules);
        assert!(splitter.line.len() <= rules.max && splitter.message.len() <= rules.max + 1);
        assert_eq!(splitter.next(), end as u64);
        take(&mut sheet, &mut out);
        from = end;
    }
    (out, splitter)
}

fn texts(text: &str, rules: &Rules) -> Vec<String> {
    let (messages, _) = split(text.as_bytes(), &[], rules);
    messages.into_iter().map(|(text, ..)| text).collect()
}

/// The same, slowly: whole lines of the whole text, one after the other.
fn slow(text: &str, rules: &Rules) -> Messages {
    let mut out: Messages = Vec::new();
    let mut put = |text: &str, offset: usize| {
        if !text.is_empty() {
            let cut = text.len() > rules.max;
            let kept = text.get(..rules.max).unwrap_or(text);
            out.push((kept.to_owned(), offset as u64, cut));
        }
    };
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.split('\n').filter(|_| text.contains('\n'));
    let mut message: Option<(usize, String)> = None;
    let (mut at, mut shown) = (0, 0);
    for line in lines {
        let behind = at + line.len() + 1;
        let blank = line.is_empty();
        match &rules.mode {
            Mode::Lines => put(line, at),
            Mode::Cri => unreachable!("has a twin of its own"),
            Mode::Paragraphs | Mode::Indented => {
                let goes_on = match rules.mode {
                    Mode::Paragraphs => !blank,
                    _ => line.starts_with([' ', '\t']),
                };
                if !goes_on && let Some((at, text)) = message.take() {
                    put(&text, at);
                }
                if !blank {
                    match &mut message {
                        Some((_, text)) => text.push_str(&format!("#012{line}")),
                        None => message = Some((at, line.to_owned())),
                    }
                }
            }
            Mode::Start(regex) => {
                if regex.is_match(line.as_bytes())
                    && let Some((_, text)) = message.take()
                {
                    put(&text, shown);
                    shown = behind;
                }
                match &mut message {
                    Some((_, text)) => text.push_str(&format!("\\n{line}")),
                    None => message = Some((at, line.to_owned())),
                }
            }
            Mode::End(regex) => {
                match &mut message {
                    Some((_, text)) => text.push_str(&format!("\\n{line}")),
                    None => message = Some((at, line.to_owned())),
                }
                if regex.is_match(line.as_bytes()) {
                    let (_, text) = message.take().unwrap();
                    put(&text, shown);
                    shown = behind;
                }
            }
        }
        at = behind;
    }
    out
}

fn modes() -> [Mode; 5] {
    let (start, end) = (Mode::Start(regex("^[ab]")), Mode::End(regex("[bc]$")));
    [Mode::Lines, Mode::Paragraphs, Mode::Indented, start, end]
}

proptest! {
    /// Wherever reads end, the same comes of it as if there was one.
    #[test]
    fn it_does_not_matter_where_reads_end(
        parts in vec("[abc \t]{0,9}|\n|\n\n", 0..40),
        ends in vec(0..200_usize, 0..12),
    ) {
        let text = parts.join("\n");
        let mut ends: Vec<_> = ends.into_iter().filter(|end| *end <= text.len()).collect();
        ends.sort_unstable();
        for mode in modes() {
            // Longer than any message of these.
            let rules = Rules { max: 1000, ..rules(mode) };
            let (messages, splitter) = split(text.as_bytes(), &ends, &rules);
            prop_assert_eq!(&messages, &slow(&text, &rules), "{:?}", rules.mode);
            // From where it would begin again nothing that was told comes twice, and nothing is
            // lost.
            let at = usize::try_from(splitter.position().at).unwrap();
            let told = text.get(..at).unwrap();
            let mut again = slow(told, &rules);
            if !matches!(rules.mode, Mode::Lines | Mode::End(_)) {
                // The last message ends with what begins the next one.
                again = slow(&format!("{told}\n\nb\n"), &rules);
            }
            let texts = |all: Messages| all.into_iter().map(|(text, ..)| text).collect::<Vec<_>>();
            if !matches!(rules.mode, Mode::Start(_)) {
                prop_assert_eq!(texts(messages), texts(again), "{:?}", rules.mode);
            }
        }
    }

    /// Of long lines as much is kept as may be, wherever reads end, and memory stays bounded.
    #[test]
    fn long_lines_are_cut_alike(
        parts in vec("[abc ]{0,9}|[abc]{35,130}", 0..20),
        ends in vec(0..1000_usize, 0..12),
    ) {
        // A line that is too long is told before it ends.
        let text = parts.join("\n") + "\n";
        let mut ends: Vec<_> = ends.into_iter().filter(|end| *end <= text.len()).collect();
        ends.sort_unstable();
        for mode in modes() {
            let rules = rules(mode);
            let (messages, _) = split(text.as_bytes(), &ends, &rules);
            prop_assert!(messages.iter().all(|(text, ..)| text.len() <= rules.max));
            match rules.mode {
                Mode::Lines => prop_assert_eq!(messages, slow(&text, &rules)),
                // Nothing is lost where messages go on as others.
                Mode::Start(_) | Mode::End(_) => {
                    let mut all: String = messages.into_iter().map(|(text, ..)| text).collect();
                    all.retain(|c| c != '\\' && c != 'n');
                    let whole: String = text.replace('\n', "");
                    prop_assert!(whole.starts_with(&all), "{whole}\n{all}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_end_of_a_read() {
    let text = b"one\n\ntwo three\n four\n\n\nfive\n\tsix\nb\nseven";
    for mode in modes() {
        let rules = rules(mode);
        let (whole, _) = split(text, &[], &rules);
        assert!(!whole.is_empty());
        for first in 0..text.len() {
            for second in first..text.len() {
                assert_eq!(split(text, &[first, second], &rules).0, whole, "{first} {second}");
            }
        }
    }
}

#[test]
fn what_rsyslog_makes_of_lines() {
    let lines = rules(Mode::Lines);
    assert_eq!(texts("one\n\ntwo\r\nthree", &lines), ["one", "two\r"]);
    let trimmed = Rules { trim: 5, ..rules(Mode::Lines) };
    assert_eq!(texts("12345\n123456\n", &trimmed), ["12345", "12345\n"]);
    let cookie = Rules { cee: true, ..rules(Mode::Lines) };
    assert_eq!(texts("{}\n", &cookie), ["@cee:{}\0"]);
    let raw = Rules { keeps_last_end: true, line_end: (*b"\n").into(), ..rules(Mode::Indented) };
    assert_eq!(texts("one\n two\nthree\n", &raw), ["one\n two\n"]);
    let mode = Mode::Start(regex("^[0-9]"));
    assert_eq!(texts("\n\nzero\n\n1one\n2\n", &rules(mode)), ["\\n\\nzero\\n", "1one"]);
}

#[test]
fn messages_that_are_too_long_go_on_or_are_dropped() {
    let start = || Rules { max: 8, ..rules(Mode::Start(regex("^S"))) };
    let text = "Sabcdefghijkl\nmno\nS2\nS3\n";
    assert_eq!(texts(text, &start()), ["Sabcdefg", "hijkl\\nm", "no", "S2"]);
    let dropped = Rules { discard: true, ..start() };
    let (messages, _) = split(text.as_bytes(), &[], &dropped);
    assert_eq!(messages, [("Sabcdefg".into(), 0, true), ("S2".into(), 9, false)]);
}

#[test]
fn a_line_of_gigabytes_costs_a_message() {
    let (mut splitter, mut sheet, rules) =
        (Splitter::default(), Sheet::default(), rules(Mode::Lines));
    let mut out = Vec::new();
    for _ in 0..1000 {
        sheet.data.resize(100_000, b'x');
        splitter.take(&mut sheet, 0, &rules);
        take(&mut sheet, &mut out);
    }
    assert_eq!(out, [("x".repeat(40), 0, true)]);
    let position = splitter.position();
    assert_eq!(position, Position { at: 100_000_000, rest: true, done: [0; 3] });
    // Whoever goes on from there does not take the rest for a line.
    let mut splitter = Splitter::at(position);
    sheet.data.extend_from_slice(b"xx\nnext\n");
    splitter.take(&mut sheet, 0, &rules);
    take(&mut sheet, &mut out);
    assert_eq!(out.last().unwrap(), &("next".into(), 100_000_003, false));
}
