//! Making received text harmless: what rsyslog does to every message before a parser sees it.

use crate::base::num::len32;
use crate::base::span::Span;

/// The `global(parser.*)` switches, with rsyslog's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SanitiseSettings {
    /// `parser.dropTrailingLFOnReception`
    pub drop_trailing_lf: bool,
    /// `parser.escapeControlCharactersOnReceive`
    pub escape_control: bool,
    /// `parser.spaceLFOnReceive`: an LF becomes a space. (rsyslogd 8.2302 then forgets to escape
    /// all control characters but a last one; we do not.)
    pub space_lf: bool,
    /// `parser.escape8BitCharactersOnReceive`
    pub escape_8bit: bool,
    /// `parser.escapeControlCharacterTab`
    pub escape_tab: bool,
    /// `parser.escapeControlCharactersCStyle`: `\n`, `\x1F` instead of `#012`, `#037`.
    pub c_style: bool,
    /// `parser.controlCharacterEscapePrefix`
    pub prefix: u8,
}

impl Default for SanitiseSettings {
    fn default() -> Self {
        Self {
            drop_trailing_lf: true,
            escape_control: true,
            space_lf: false,
            escape_8bit: false,
            escape_tab: true,
            c_style: false,
            prefix: b'#',
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sanitised {
    pub span: Span,
    /// The text had to be changed: `span` lies behind what was in the buffer before.
    pub changed: bool,
}

/// Drops a trailing NUL and LF, and escapes control characters: where there are any, the escaped
/// text is appended to `data`, at most `max` bytes of it.
#[inline]
pub fn sanitise(
    data: &mut Vec<u8>,
    span: Span,
    settings: &SanitiseSettings,
    max: usize,
) -> Sanitised {
    let mut text = span.of(data);
    if let [rest @ .., 0] = text {
        text = rest;
    }
    if let [rest @ .., b'\n'] = text
        && settings.drop_trailing_lf
    {
        text = rest;
    }
    let span = Span { start: span.start, end: span.start + len32(text.len()) };
    if !settings.escape_8bit && !has_control(text) {
        return Sanitised { span, changed: false };
    }
    if settings.space_lf && text.contains(&b'\n') {
        return with_spaces(data, span, settings, max);
    }
    match text.iter().position(|byte| settings.stops_at(*byte)) {
        Some(first) => rewrite(data, span, first, settings, max),
        None => Sanitised { span, changed: false },
    }
}

/// Whether any byte is below 32. Written so that the compiler makes vector code of it.
#[inline]
fn has_control(text: &[u8]) -> bool {
    let lowest = |bytes: &[u8]| bytes.iter().fold(u8::MAX, |low, byte| low.min(*byte));
    // What a last block would leave over is looked at in a block that overlaps the one before it.
    let Some(last) = text.last_chunk::<32>() else { return lowest(text) < 32 };
    let (blocks, _) = text.as_chunks::<32>();
    lowest(blocks.as_flattened()).min(lowest(last)) < 32
}

impl SanitiseSettings {
    /// Whether a byte that is not escaped is left out of a text that has to be copied. Seen from
    /// rsyslogd 8.2302: without escaping, a NUL takes the control characters behind it with it.
    const fn drops(&self, byte: u8) -> bool {
        byte < 32 && !self.space_lf && !self.escape_control && (byte != b'\t' || self.escape_tab)
    }

    /// Whether a text with this byte in it has to be copied.
    #[inline]
    const fn stops_at(&self, byte: u8) -> bool {
        match byte {
            0 => true,
            // rsyslogd copies for a tab that it then leaves as it is: the text is cut a few bytes
            // before the limit.
            1..32 => self.escape_control,
            128.. => self.escape_8bit,
            _ => false,
        }
    }

    /// Whether something else stands for this byte in a text that is copied.
    #[inline]
    const fn changes(&self, byte: u8) -> bool {
        self.stops_at(byte) && (byte != b'\t' || self.escape_tab)
    }
}

/// The same for a text with an LF in it: a space stands for each in a copy, which is not cut.
#[cold]
fn with_spaces(
    data: &mut Vec<u8>,
    span: Span,
    settings: &SanitiseSettings,
    max: usize,
) -> Sanitised {
    let start = data.len();
    data.extend_from_within(span.start as usize..span.end as usize);
    data[start..].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    let copy = Span::new(start, data.len());
    let first = data[start..].iter().position(|byte| settings.stops_at(*byte));
    first.map_or(Sanitised { span: copy, changed: true }, |first| {
        rewrite(data, copy, first, settings, max)
    })
}

/// Appends a harmless copy of `span`, whose first `plain` bytes need no change.
#[cold]
fn rewrite(
    data: &mut Vec<u8>,
    span: Span,
    plain: usize,
    settings: &SanitiseSettings,
    max: usize,
) -> Sanitised {
    let (start, from) = (data.len(), span.start as usize);
    // rsyslog's room: four bytes for each, within the limit; a byte is taken up as long as an
    // escape sequence would still fit. Of the text before the first control character, all but the
    // last byte is taken up in any case.
    let plain = plain.saturating_sub(1);
    let room = (span.len() * 4).min(max);
    data.reserve(room + 4);
    data.extend_from_within(from..from + plain);
    for at in from + plain..span.end as usize {
        if data.len() - start + 3 >= room {
            break;
        }
        let byte = data[at];
        if settings.changes(byte) {
            escape(data, byte, settings);
        } else if !settings.drops(byte) {
            data.push(byte);
        }
    }
    Sanitised { span: Span::new(start, data.len()), changed: true }
}

/// Appends what stands for `byte`.
fn escape(data: &mut Vec<u8>, byte: u8, settings: &SanitiseSettings) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if settings.c_style {
        let letter = match byte {
            0 => b'0',
            7 => b'a',
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            11 => b'v',
            12 => b'f',
            b'\r' => b'r',
            27 => b'e',
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                data.extend_from_slice(&[b'\\', b'x', digits[0], digits[1]]);
                return;
            }
        };
        data.extend_from_slice(&[b'\\', letter]);
    } else {
        let digit = |shift: u8| b'0' + (byte >> shift & 7);
        data.extend_from_slice(&[settings.prefix, digit(6), digit(3), digit(0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::SanitiseSettings;
    use super::sanitise;
    use crate::base::span::Span;

    fn text(input: &[u8], settings: &SanitiseSettings) -> (Vec<u8>, bool) {
        let mut data = input.to_vec();
        let done = sanitise(&mut data, Span::new(0, input.len()), settings, 8096);
        assert!(data.starts_with(input), "what was received stays as it is");
        (done.span.of(&data).to_vec(), done.changed)
    }

    /// At every place of a text longer than a vector.
    #[test]
    fn every_control_character_is_found() {
        for byte in 0..=255_u8 {
            for at in 0..70 {
                let mut input = vec![b'x'; 71];
                input[at] = byte;
                let (found, changed) = text(&input, &SanitiseSettings::default());
                assert_eq!(changed, byte < 32, "{byte} at {at}");
                if byte < 32 {
                    input.splice(at..=at, format!("#{byte:03o}").into_bytes());
                }
                assert_eq!(found, input);
            }
        }
    }

    #[test]
    fn control_characters_that_are_not_escaped_go_with_a_nul() {
        let off = SanitiseSettings { escape_control: false, ..SanitiseSettings::default() };
        assert_eq!(text(b"a\x1bb\tc", &off), (b"a\x1bb\tc".to_vec(), false));
        assert_eq!(text(b"a\x1bb\x07\0\x1bc\t\x07d", &off), (b"a\x1bb#000cd".to_vec(), true));
        let tab = SanitiseSettings { escape_tab: false, ..off };
        assert_eq!(text(b"a\0\x1bc\td", &tab), (b"a#000c\td".to_vec(), true));
    }

    /// A tab that stays has the text copied, and what is copied ends three bytes before the limit.
    #[test]
    fn a_tab_that_stays_shortens_a_long_text() {
        let keep = SanitiseSettings { escape_tab: false, ..SanitiseSettings::default() };
        let long = |length: usize, tab: usize| {
            let mut input = vec![b'L'; length];
            input[tab] = b'\t';
            let mut data = input.clone();
            let found =
                sanitise(&mut data, Span::new(0, length), &keep, 100).span.of(&data).to_vec();
            assert!(input.starts_with(&found));
            found.len()
        };
        assert_eq!(long(97, 0), 97);
        assert_eq!(long(98, 0), 97);
        assert_eq!(long(100, 50), 97);
        // All but one before the tab is there in any case.
        assert_eq!(long(100, 99), 98);
    }

    #[test]
    fn spaces_for_line_feeds() {
        let space = SanitiseSettings { space_lf: true, ..SanitiseSettings::default() };
        assert_eq!(text(b"a\nb\tc\n", &space), (b"a b#011c".to_vec(), true));
        let keep = SanitiseSettings { escape_control: false, ..space };
        assert_eq!(text(b"a\nb\tc\0d", &keep), (b"a b\tc#000d".to_vec(), true));
    }
}
