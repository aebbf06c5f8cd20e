//! String templates: `text %property:from:to:options:name% text`.

use std::ops::Range as Place;

use bstr::ByteSlice;

use crate::base::diag::Severity;
use crate::base::diag::nearest;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::message::Property;
use crate::message::TimeFormat;
use crate::message::Tree;
use crate::message::Variable;
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

/// Whether backslashes in the text are still to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `$template` lines: `\n` is LF, `\r` CR, `\` and decimal digits the byte of that number, and
    /// a backslash before anything else that other character.
    Legacy,
    /// RainerScript's strings have been unescaped by their own rules.
    Done,
}

/// What an option does.
#[derive(Clone, Copy, Debug)]
enum Setting {
    Case(Case),
    Control(Control),
    SecurePath(SecurePath),
    Format(Format),
    DropLastLf,
    SpaceIfNone,
    CompressSpace,
    FixedWidth,
    FromTheEnd,
    Utc,
}

/// The options of a property but for the forms of timestamps, which are [`TimeFormat`]'s.
const OPTIONS: &[(&str, Setting)] = &[
    ("uppercase", Setting::Case(Case::Upper)),
    ("lowercase", Setting::Case(Case::Lower)),
    ("drop-cc", Setting::Control(Control::Drop)),
    ("space-cc", Setting::Control(Control::Space)),
    ("escape-cc", Setting::Control(Control::Escape)),
    ("secpath-drop", Setting::SecurePath(SecurePath::Drop)),
    ("secpath-replace", Setting::SecurePath(SecurePath::Replace)),
    ("csv", Setting::Format(Format::Csv)),
    ("json", Setting::Format(Format::Json { raw: false })),
    ("jsonr", Setting::Format(Format::Json { raw: true })),
    ("jsonf", Setting::Format(Format::JsonField { raw: false })),
    ("jsonfr", Setting::Format(Format::JsonField { raw: true })),
    ("json-strict", Setting::Format(Format::JsonStrict)),
    ("sd-value", Setting::Format(Format::SdValue)),
    ("drop-last-lf", Setting::DropLastLf),
    ("sp-if-no-1st-sp", Setting::SpaceIfNone),
    ("compressspace", Setting::CompressSpace),
    ("fixed-width", Setting::FixedWidth),
    ("pos-end-relative", Setting::FromTheEnd),
    ("date-utc", Setting::Utc),
];

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
}

impl Fault {
    pub(super) fn new(severity: Severity, at: Place<usize>, message: impl Into<String>) -> Self {
        Self { severity, at, message: message.into(), help: None }
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

/// Reads a template's text. `case_sensitive` is about the names of variables.
pub(super) fn parse(text: &[u8], escapes: Escapes, case_sensitive: bool) -> Parsed {
    let mut parser = Parser { text, at: 0, escapes, case_sensitive, parsed: Parsed::default() };
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
    case_sensitive: bool,
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
        let name = self.until(b":%");
        let source = source(name, start + 1..self.at, self.case_sensitive)?;
        let mut field = Field::new(source, name);
        let (mut from, mut to, mut to_given) = (0, 0, false);
        let mut relative = false;
        if self.eat(b':') {
            match self.peek() {
                Some(b'F') => (from, to) = self.field_number(&mut field)?,
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
        let given = if self.eat(b':') { Some(self.until(b":%")) } else { None };
        self.name_in_json(&mut field, given);
        if !self.eat(b'%') {
            return Err(self.fault(start, "a property is not closed by '%'"));
        }
        field.range = Range::new(from, to, relative);
        Ok(field)
    }

    /// The name in `jsonf`: as `given`, or that of the property. rsyslog leaves off the first two
    /// characters of a variable's, which are not always its sign.
    fn name_in_json(&self, field: &mut Field, given: Option<&[u8]>) {
        if let Some(given) = given {
            field.name = given.to_vec();
        }
        let Source::Variable(variable) = &field.source else { return };
        if given.is_none() && variable.tree != Tree::Global {
            field.name.drain(..field.name.len().min(2));
        }
        field.name = cased(&field.name, self.case_sensitive);
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

    /// `F,delimiter,from:number,to`; gives `from` and `to`. Where one of them is missing it is 0,
    /// and the other one is the last character: as in rsyslog, the smaller one is the first.
    fn field_number(&mut self, field: &mut Field) -> Result<(usize, usize), Fault> {
        let start = self.at;
        self.at += 1;
        let (mut delimiter, mut from) = (b'\t', None);
        if self.eat(b',') {
            let digits = self.at;
            let number = self.number();
            delimiter = u8::try_from(number).map_err(|_| self.fault(digits, "no such byte"))?;
            if digits == self.at {
                let message = "a field's delimiter is a decimal character code";
                return Err(self.fault(start, message));
            }
            from = self.eat(b',').then(|| self.number());
        }
        let ends_early = from.is_some() && self.peek() == Some(b'%');
        if !self.eat(b':') && !ends_early {
            self.at += 1;
            let message = "expected ':' and a field number behind 'F,delimiter'";
            return Err(self.fault(start, message));
        }
        let number = self.number();
        if number == 0 {
            let message = "there is no field 0: '**FIELD NOT FOUND**' is written";
            self.parsed.faults.push(Fault::new(Severity::Warning, start..self.at, message));
        }
        let plus = self.at;
        let mut to = 0;
        if self.eat(b'+') {
            let message = "'+' has no effect here, as in rsyslog's packages";
            self.parsed.faults.push(Fault::new(Severity::Note, plus..plus + 1, message));
        } else if self.eat(b',') {
            to = self.number();
        }
        self.until(b":%");
        field.pick = Pick::Field { delimiter, number };
        Ok((from.unwrap_or(0), to))
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
        let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
        let regex = Expression::new(pattern, syntax, false);
        let regex = regex.map_err(|fault| self.fault(begin, fault.why))?;
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
                let names = option_names();
                let near = nearest(&word, names.iter().map(String::as_str));
                fault.help = near.map(|near| format!("did you mean '{near}'?"));
                self.parsed.faults.push(fault);
            }
            if !self.eat(b',') {
                return Ok(());
            }
        }
    }

    fn option(&mut self, word: &str, field: &mut Field, relative: &mut bool) -> bool {
        let Some((_, setting)) = OPTIONS.iter().find(|(known, _)| *known == word) else {
            return date_option(word, field);
        };
        match *setting {
            Setting::Case(case) => field.case = case,
            Setting::Control(control) => field.control = field.control.max(control),
            Setting::SecurePath(mode) => field.secure_path = field.secure_path.max(mode),
            Setting::Format(format) => self.format(field, format, word),
            Setting::DropLastLf => field.drop_last_lf = true,
            Setting::SpaceIfNone => field.space_if_none = true,
            Setting::CompressSpace => field.compress_space = true,
            Setting::FixedWidth => field.fixed_width = true,
            Setting::FromTheEnd => *relative = true,
            Setting::Utc => {
                if let Source::Time { utc, .. } = &mut field.source {
                    *utc = true;
                }
            }
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
    let Some(wanted) = word.strip_prefix("date-").and_then(TimeFormat::parse) else { return false };
    if let Source::Time { format, .. } = &mut field.source {
        *format = wanted;
    }
    true
}

/// All options by name.
pub(super) fn option_names() -> Vec<String> {
    let dates = TimeFormat::names().map(|name| format!("date-{name}"));
    OPTIONS.iter().map(|(name, _)| (*name).to_owned()).chain(dates).collect()
}

/// What the name of a property reads, `at` its place in the text.
pub(super) fn source(name: &[u8], at: Place<usize>, case_sensitive: bool) -> Result<Source, Fault> {
    let known = name.to_str().ok().and_then(Property::parse);
    if let Some(property) = known {
        let (format, utc) = (TimeFormat::default(), false);
        return Ok(match property {
            property if property.is_time() => Source::Time { property, format, utc },
            property => Source::Property(property),
        });
    }
    // `%!a%` is `%$!a%`, `%.a%` is `%$.a%`.
    let bare = name.strip_prefix(b"$").unwrap_or(name);
    if let Some(variable) = Variable::parse(&cased(bare, case_sensitive)) {
        return Ok(Source::Variable(Box::new(variable)));
    }
    let name = name.to_str_lossy();
    let message = format!("property '{name}' not known");
    let mut fault = Fault::new(Severity::Error, at, message);
    fault.help = nearest(&name, Property::names()).map(|near| format!("did you mean '{near}'?"));
    Err(fault)
}

/// The letters of a variable's name, and of its name in JSON: lower case, unless
/// `option.casesensitive` is on.
pub(super) fn cased(name: &[u8], case_sensitive: bool) -> Vec<u8> {
    if case_sensitive { name.to_vec() } else { name.to_ascii_lowercase() }
}
