//! String templates: `text %property:from:to:options:name% text`.

use std::ops::Range as Place;

use bstr::ByteSlice;

use crate::base::diag::Severity;
use crate::base::diag::nearest;
use crate::message::Property;
use crate::message::TimeFormat;
use crate::template::field::Case;
use crate::template::field::Control;
use crate::template::field::END;
use crate::template::field::Field;
use crate::template::field::Format;
use crate::template::field::Match;
use crate::template::field::NoMatch;
use crate::template::field::Pick;
use crate::template::field::Range;
use crate::template::field::SecurePath;
use crate::template::field::Source;
use crate::template::posix;

/// Whether backslashes in the text are still to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `$template` lines: `\n` is LF, `\r` CR, `\` and decimal digits the byte of that number, and
    /// a backslash before anything else that other character.
    Legacy,
    /// RainerScript's strings have been unescaped by their own rules.
    Done,
    /// As `Done`; variables are taken for empty.
    Builtin,
}

/// One piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Field(Box<Field>),
}

/// A complaint, and the place in the text that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) severity: Severity,
    pub(super) at: Place<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Nothing is wrong with it but that this version cannot do it.
    pub(super) unbuilt: bool,
}

impl Fault {
    pub(super) fn new(severity: Severity, at: Place<usize>, message: impl Into<String>) -> Self {
        Self { severity, at, message: message.into(), help: None, unbuilt: false }
    }
}

/// What could be read of a template's text, and what could not.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Up to the fault that ended the reading.
    pub(super) pieces: Vec<Piece>,
    pub(super) faults: Vec<Fault>,
    /// The last fault ended the reading.
    pub(super) stopped: bool,
}

impl Parsed {
    /// The pieces, if all of the text was read.
    pub(super) fn ok(self) -> Option<Vec<Piece>> {
        (!self.stopped).then_some(self.pieces)
    }
}

/// Reads a template's text.
pub(super) fn parse(text: &[u8], escapes: Escapes) -> Parsed {
    let mut parser = Parser { text, at: 0, escapes, parsed: Parsed::default() };
    while parser.at < text.len() {
        if text[parser.at] == b'%' {
            match parser.field() {
                Ok(field) => parser.parsed.pieces.push(Piece::Field(Box::new(field))),
                Err(fault) => {
                    // What else was wrong in a property that has no end is no news.
                    parser.parsed.faults.retain(|other| other.at.start < fault.at.start);
                    parser.parsed.faults.push(fault);
                    parser.parsed.stopped = true;
                    break;
                }
            }
        } else {
            let piece = parser.constant();
            parser.parsed.pieces.push(Piece::Text(piece));
        }
    }
    parser.parsed
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
    escapes: Escapes,
    parsed: Parsed,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn constant(&mut self) -> Vec<u8> {
        let mut constant = Vec::new();
        while let Some(byte) = self.peek().filter(|b| *b != b'%') {
            self.at += 1;
            if byte != b'\\' || self.escapes != Escapes::Legacy {
                constant.push(byte);
                continue;
            }
            match self.peek() {
                None => constant.push(b'\\'),
                Some(digit) if digit.is_ascii_digit() => {
                    let mut number: u8 = 0;
                    while let Some(digit @ b'0'..=b'9') = self.peek() {
                        number = number.wrapping_mul(10).wrapping_add(digit - b'0');
                        self.at += 1;
                    }
                    constant.push(number);
                }
                Some(escaped) => {
                    constant.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        other => other,
                    });
                    self.at += 1;
                }
            }
        }
        constant
    }

    /// From one `%` to the next.
    fn field(&mut self) -> Result<Field, Fault> {
        let start = self.at;
        self.at += 1;
        let name = self.until(b":%").to_str_lossy().into_owned();
        let name_at = start + 1..self.at;
        let source = match source(&name, name_at) {
            Err(_) if self.escapes == Escapes::Builtin => Source::Empty,
            // What is wrong behind it is to be found as well.
            Err(fault) if fault.unbuilt => {
                self.parsed.faults.push(fault);
                Source::Empty
            }
            source => source?,
        };
        let mut field = Field::new(source, name.as_bytes());
        let (mut from, mut to, mut to_given) = (0, 0, false);
        let mut relative = false;
        if self.eat(b':') {
            match self.peek() {
                Some(b'F') => from = self.field_number(&mut field)?,
                Some(b'R') => self.regex(start, &mut field)?,
                _ => {
                    from = self.number();
                    self.until(b":%");
                }
            }
        }
        if matches!(field.pick, Pick::All) && self.eat(b':') {
            to_given = self.eat(b'$');
            to = if to_given { END } else { self.number() };
            if !to_given {
                self.until(b":%");
            }
        }
        if to_given && !matches!(self.peek(), Some(b':' | b'%')) {
            return Err(self.fault(self.at, "expected ':' or '%' behind '$'"));
        }
        if self.eat(b':') {
            self.options(&mut field, &mut relative)?;
        }
        if self.eat(b':') {
            let name = self.until(b":%").to_owned();
            field.name = name;
        }
        if !self.eat(b'%') {
            return Err(self.fault(start, "a property is not closed by '%'"));
        }
        field.range = Range::new(from, to, relative);
        Ok(field)
    }

    fn fault(&self, start: usize, message: impl Into<String>) -> Fault {
        Fault::new(Severity::Error, start..self.at.max(start + 1), message)
    }

    /// The bytes up to one of `ends`, which stays.
    fn until(&mut self, ends: &[u8]) -> &'t [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.find_byteset(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Decimal digits; 0 if there are none.
    fn number(&mut self) -> usize {
        let mut number: usize = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// `F,delimiter:number+,from`; gives `from`.
    fn field_number(&mut self, field: &mut Field) -> Result<usize, Fault> {
        let start = self.at;
        self.at += 1;
        let mut delimiter = b'\t';
        if self.eat(b',') {
            let digits = self.at;
            let number = self.number();
            delimiter = u8::try_from(number).map_err(|_| self.fault(digits, "no such byte"))?;
            if digits == self.at {
                let message = "a field's delimiter is a decimal character code";
                return Err(self.fault(start, message));
            }
        }
        if !self.eat(b':') {
            self.at += 1;
            let message = "expected ':' and a field number behind 'F,delimiter'";
            return Err(self.fault(start, message));
        }
        let number = self.number();
        let plus = self.at;
        if self.eat(b'+') {
            let message = "'+' has no effect here, as in rsyslog's packages";
            self.parsed.faults.push(Fault::new(Severity::Note, plus..plus + 1, message));
        }
        let from = if self.eat(b',') { self.number() } else { 0 };
        self.until(b":%");
        field.pick = Pick::Field { delimiter, number };
        Ok(from)
    }

    /// `R,type,submatch,nomatch,match:expression--end`.
    fn regex(&mut self, start: usize, field: &mut Field) -> Result<(), Fault> {
        let words = self.until(b":%");
        let mut words = words.split(|b| *b == b',').skip(1);
        let mut next = || words.next().unwrap_or_default();
        let extended = match next() {
            b"" | b"BRE" => false,
            b"ERE" => true,
            _ => return Err(self.fault(start, "a regular expression is of type BRE or ERE")),
        };
        let number = |word: &[u8]| word.to_str().ok().and_then(|w| w.parse().ok()).unwrap_or(0);
        let submatch = number(next());
        let otherwise = match next() {
            b"" | b"DFLT" => NoMatch::Default,
            b"BLANK" => NoMatch::Blank,
            b"ZERO" => NoMatch::Zero,
            b"FIELD" => NoMatch::Field,
            _ => return Err(self.fault(start, "without a match: DFLT, BLANK, ZERO or FIELD")),
        };
        let number = number(next());
        self.at += 1;
        let begin = self.at;
        let rest = self.text.get(begin..).unwrap_or_default();
        let length = rest
            .find(b"--end")
            .ok_or_else(|| self.fault(start, "the expression does not end with '--end'"))?;
        self.at += length;
        let pattern = &rest[..length];
        let regex =
            posix::compile(pattern, extended).map_err(|message| self.fault(begin, message))?;
        if posix::has_alternatives(pattern, extended) {
            let message = "alternatives are tried in the order written; rsyslog takes the longest";
            self.parsed.faults.push(Fault::new(Severity::Note, begin..self.at, message));
        }
        self.at += "--end".len();
        field.pick = Pick::Regex(Box::new(Match { regex, number, submatch, otherwise }));
        Ok(())
    }

    fn options(&mut self, field: &mut Field, relative: &mut bool) -> Result<(), Fault> {
        loop {
            let start = self.at;
            let word = self.until(b",:%").to_str_lossy().to_ascii_lowercase();
            if !self.option(&word, field, relative) && !word.is_empty() {
                let message = format!("option '{word}' not known; it is ignored");
                let mut fault = Fault::new(Severity::Error, start..self.at, message);
                fault.help = nearest(&word, option_names()).map(|n| format!("did you mean '{n}'?"));
                self.parsed.faults.push(fault);
            }
            if !self.eat(b',') {
                return Ok(());
            }
        }
    }

    fn option(&mut self, word: &str, field: &mut Field, relative: &mut bool) -> bool {
        match word {
            "uppercase" => field.case = Case::Upper,
            "lowercase" => field.case = Case::Lower,
            "drop-last-lf" => field.drop_last_lf = true,
            "drop-cc" => field.control = Control::Drop,
            "space-cc" if field.control != Control::Drop => field.control = Control::Space,
            "escape-cc" if field.control == Control::Keep => field.control = Control::Escape,
            "space-cc" | "escape-cc" => {}
            "secpath-drop" => field.secure_path = SecurePath::Drop,
            "secpath-replace" if field.secure_path == SecurePath::Keep => {
                field.secure_path = SecurePath::Replace;
            }
            "secpath-replace" => {}
            "sp-if-no-1st-sp" => field.space_if_none = true,
            "compressspace" => field.compress_space = true,
            "fixed-width" => field.fixed_width = true,
            "pos-end-relative" => *relative = true,
            "csv" => self.format(field, Format::Csv, word),
            "json" => self.format(field, Format::Json { raw: false }, word),
            "jsonr" => self.format(field, Format::Json { raw: true }, word),
            "jsonf" => self.format(field, Format::JsonField { raw: false }, word),
            "jsonfr" => self.format(field, Format::JsonField { raw: true }, word),
            _ => return date_option(word, field),
        }
        true
    }

    /// The first of several formats holds; only `jsonfr` gives way to a later one.
    fn format(&mut self, field: &mut Field, format: Format, word: &str) {
        let weak = field.format == Format::JsonField { raw: true };
        let ignored = if field.format == Format::Plain {
            None
        } else if weak && format != field.format {
            Some("jsonfr")
        } else {
            Some(word)
        };
        if weak || field.format == Format::Plain {
            field.format = format;
        }
        if let Some(ignored) = ignored {
            let message = format!("a field takes one format; '{ignored}' is ignored");
            let at = self.at.saturating_sub(word.len())..self.at;
            self.parsed.faults.push(Fault::new(Severity::Error, at, message));
        }
    }
}

/// `date-…`. On a property that is no timestamp it has no effect.
fn date_option(word: &str, field: &mut Field) -> bool {
    let Some(name) = word.strip_prefix("date-") else { return false };
    let wanted = TimeFormat::parse(name);
    if let Source::Time { format, utc, .. } = &mut field.source {
        match wanted {
            Some(wanted) => *format = wanted,
            None if name == "utc" => *utc = true,
            None => {}
        }
    }
    wanted.is_some() || name == "utc"
}

fn option_names() -> impl Iterator<Item = &'static str> {
    [
        "uppercase",
        "lowercase",
        "drop-last-lf",
        "drop-cc",
        "space-cc",
        "escape-cc",
        "secpath-drop",
        "secpath-replace",
        "sp-if-no-1st-sp",
        "compressspace",
        "fixed-width",
        "pos-end-relative",
        "csv",
        "json",
        "jsonr",
        "jsonf",
        "jsonfr",
        "date-rfc3339",
        "date-rfc3164",
        "date-rfc3164-buggyday",
        "date-mysql",
        "date-pgsql",
        "date-unixtimestamp",
        "date-subseconds",
        "date-wdayname",
        "date-utc",
    ]
    .into_iter()
}

/// What the name of a property reads, `at` its place in the text.
pub(super) fn source(name: &str, at: Place<usize>) -> Result<Source, Fault> {
    if let Some(property) = Property::parse(name) {
        let (format, utc) = (TimeFormat::default(), false);
        return Ok(match property {
            property if property.is_time() => Source::Time { property, format, utc },
            property => Source::Property(property),
        });
    }
    let variable = ["$!", "$.", "$/"].iter().any(|tree| name.starts_with(tree));
    let later = Property::is_later(name);
    let message = if variable {
        format!("message variables are not built yet: '{name}'")
    } else if later {
        format!("property '{name}' is not built yet")
    } else {
        format!("property '{name}' not known")
    };
    let mut fault = Fault::new(Severity::Error, at, message);
    if variable || later {
        (fault.severity, fault.unbuilt) = (Severity::Warning, true);
    } else {
        fault.help = nearest(name, Property::names()).map(|near| format!("did you mean '{near}'?"));
    }
    Err(fault)
}
