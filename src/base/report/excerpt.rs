//! The part of a line that a complaint shows, with what goes under it.

/// Longest message or help, in characters; it may hold a word from the configuration.
const MESSAGE_MAX: usize = 400;
/// Longest part of a line that is shown, in columns of a terminal.
pub(super) const SHOWN_MAX: usize = 120;
/// Of a longer line: characters shown before the mark.
const BEFORE_MAX: usize = 50;
/// A tab's blanks; as wide as it is in most editors.
const TAB: &str = "    ";
/// Stands for what is cut off.
const CUT: char = '…';

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Columns before the marks.
    pub(super) before: usize,
    /// How many marks: at least one.
    pub(super) marks: usize,
}

/// Part of a line around `start..end`.
pub(super) fn excerpt(line: &[u8], start: usize, end: usize) -> Excerpt {
    let line = line.trim_ascii_end();
    let start = start.min(line.len());
    let end = end.clamp(start, line.len());
    let (text, before) = head(line, start);
    let mut shown = Excerpt { text, before, marks: 0 };
    // A character has up to four bytes: what is farther away is not shown.
    let stop = line.len().min(start + 4 * SHOWN_MAX);
    let end = end.min(stop);
    let mut columns = shown.before;
    let mut cut = stop < line.len();
    let parts = [(&line[start..end], true), (&line[end..stop], false)];
    'parts: for (part, marked) in parts {
        for character in String::from_utf8_lossy(part).chars() {
            if columns >= SHOWN_MAX {
                cut = true;
                break 'parts;
            }
            let width = show(character, &mut shown.text);
            columns += width;
            shown.marks += if marked { width } else { 0 };
        }
    }
    if cut {
        shown.text.push(CUT);
    }
    shown.marks = shown.marks.max(1);
    shown
}

/// What stands before `start`, and its columns. If the line is too long, only what is near.
fn head(line: &[u8], start: usize) -> (String, usize) {
    let most = if fits(line) { SHOWN_MAX } else { BEFORE_MAX };
    let near = start.saturating_sub(4 * most);
    let before = String::from_utf8_lossy(&line[near..start]);
    let mut room = most;
    let fitting = before.chars().rev().take_while(|character| {
        let columns = columns(*character);
        let fits = columns <= room;
        room -= if fits { columns } else { 0 };
        fits
    });
    let surplus = before.chars().count() - fitting.count();
    let mut text = String::new();
    let mut columns = 0;
    if near > 0 || surplus > 0 {
        text.push(CUT);
        columns = 1;
    }
    for character in before.chars().skip(surplus) {
        columns += show(character, &mut text);
    }
    (text, columns)
}

/// Whether the whole line can be shown.
fn fits(line: &[u8]) -> bool {
    let text = || String::from_utf8_lossy(line);
    line.len() <= 4 * SHOWN_MAX && text().chars().map(columns).sum::<usize>() <= SHOWN_MAX
}

/// Writes a character as it can be seen, and gives its columns.
fn show(character: char, out: &mut String) -> usize {
    match character {
        '\t' => out.push_str(TAB),
        _ => out.push(visible(character)),
    }
    columns(character)
}

/// The columns of a terminal that a character takes: two for Hangul, ideographs, full-width forms
/// and pictures, none for what is put on top of the one before it.
#[must_use]
pub fn columns(character: char) -> usize {
    match u32::from(character) {
        0x09 => TAB.len(),
        0x0300..=0x036f | 0x1160..=0x11ff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97c
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A character that neither moves the cursor nor hides: a picture of a control character, an open
/// box for a blank that is none, U+FFFD for what changes the direction of text.
fn visible(character: char) -> char {
    match character {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => '\u{2423}',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{ad}'
        | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Text of a complaint: nothing in it may steer the terminal.
pub(super) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(MESSAGE_MAX).map(visible).collect();
    if text.chars().nth(MESSAGE_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line: &str, marked: &str) -> [String; 2] {
        let start = line.find(marked).unwrap();
        let Excerpt { text, before, marks } = excerpt(line.as_bytes(), start, start + marked.len());
        [text, format!("{:before$}{}", "", "^".repeat(marks))]
    }

    #[test]
    fn marks_stand_under_what_they_mark() {
        assert_eq!(lines("ab cde f  \r", "cde"), ["ab cde f", "   ^^^"]);
        assert_eq!(lines("\tif x", "if"), ["    if x", "    ^^"]);
        assert_eq!(lines("if \t", "\t"), ["if", "  ^"]);
        assert_eq!(lines("set\tx\ty", "x\t"), ["set    x    y", "       ^^^^^"]);
        assert_eq!(lines("봉수 로그 x", "로그"), ["봉수 로그 x", "     ^^^^"]);
        assert_eq!(lines("e\u{301}x y", "y"), ["e\u{301}x y", "   ^"]);
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(lines("a\u{a0}b", "\u{a0}"), ["a␣b", " ^"]);
        assert_eq!(lines("a\u{1b}[31mb", "b"), ["a␛[31mb", "      ^"]);
        assert_eq!(lines("\u{feff}stop", "stop"), ["\u{fffd}stop", " ^^^^"]);
        assert_eq!(lines("a\u{202e}b\u{7f}", "b"), ["a\u{fffd}b␡", "  ^"]);
        let Excerpt { text, before, marks } = excerpt(b"\xff\xfe x", 3, 4);
        assert_eq!((text.as_str(), before, marks), ("\u{fffd}\u{fffd} x", 3, 1));
    }

    #[test]
    fn of_long_lines_the_neighbourhood_is_shown() {
        for line in ["a".repeat(4_000), "봉".repeat(4_000), "\t".repeat(3_999) + "a"] {
            for nth in [0, 90, 1_500, 3_990] {
                let start = line.char_indices().nth(nth).unwrap().0;
                let Excerpt { text, before, marks } =
                    excerpt(line.as_bytes(), start, line.len() - 12);
                let columns: usize = text.chars().map(columns).sum();
                assert!(columns <= SHOWN_MAX + TAB.len(), "{text}");
                assert_eq!(text.starts_with(CUT), start > 0, "{text}");
                assert_eq!(text.ends_with(CUT), nth < 3_990, "{text}");
                assert!(before + marks <= columns, "{text}");
            }
        }
    }

    #[test]
    fn places_outside_of_the_line_do_no_harm() {
        assert_eq!(excerpt(b"", 5, 9), Excerpt { text: String::new(), before: 0, marks: 1 });
        assert_eq!(excerpt(b"ab", 9, 3), Excerpt { text: "ab".into(), before: 2, marks: 1 });
    }
}
