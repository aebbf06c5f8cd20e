//! The text of a `$template` line, taken apart so that it can be written as `template()`.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Loc;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Value;
use crate::config::ast::Word;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Its escapes are undone.
    Constant(Vec<u8>),
    /// From one percent sign to the next, both included, as it was written.
    Property(&'t [u8]),
}

impl Piece<'_> {
    /// Whether it is a constant with a percent sign in it.
    pub(super) fn has_percent(&self) -> bool {
        matches!(self, Piece::Constant(constant) if constant.contains(&b'%'))
    }
}

/// Options of a property and the parameter of `property()` that each is.
const OPTIONS: [(&str, &str, &str); 19] = [
    ("compressspace", "compressSpace", "on"),
    ("csv", "format", "csv"),
    ("date-utc", "date.inUTC", "on"),
    ("drop-cc", "controlCharacters", "drop"),
    ("drop-last-lf", "dropLastLf", "on"),
    ("escape-cc", "controlCharacters", "escape"),
    ("fixed-width", "fixedWidth", "on"),
    ("json", "format", "json"),
    ("jsonf", "format", "jsonf"),
    ("jsonfr", "format", "jsonfr"),
    ("jsonr", "format", "jsonr"),
    ("json-strict", "format", "json-strict"),
    ("lowercase", "caseConversion", "lower"),
    ("sd-value", "format", "sd-value"),
    ("secpath-drop", "securePath", "drop"),
    ("secpath-replace", "securePath", "replace"),
    ("sp-if-no-1st-sp", "spifno1stsp", "on"),
    ("space-cc", "controlCharacters", "space"),
    ("uppercase", "caseConversion", "upper"),
];

/// Takes the text apart as whoever compiles it does.
pub(super) fn pieces(text: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == b'%' {
            // One that is not closed is a mistake, and stays one.
            let end = property_end(text, at).unwrap_or(text.len());
            pieces.push(Piece::Property(&text[at..end]));
            at = end;
        } else {
            let mut constant = Vec::new();
            at = constant_end(text, at, &mut constant);
            pieces.push(Piece::Constant(constant));
        }
    }
    pieces
}

/// Behind the percent sign that closes the property at `start`. A regular expression may hold
/// percent signs; it ends with `--end`.
fn property_end(text: &[u8], start: usize) -> Option<usize> {
    let find = |at: usize, what: &[u8]| Some(at + text.get(at..)?.find_byteset(what)?);
    let mut at = find(start + 1, b":%")?;
    if text[at..].starts_with(b":R") {
        at = find(at + 1, b":%")? + 1;
        at += text.get(at..)?.find(b"--end")?;
    }
    Some(find(at, b"%")? + 1)
}

/// `\n`, `\r`, `\` and decimal digits, `\` and any other character.
fn constant_end(text: &[u8], mut at: usize, constant: &mut Vec<u8>) -> usize {
    while let Some(&byte) = text.get(at).filter(|b| **b != b'%') {
        at += 1;
        if byte != b'\\' {
            constant.push(byte);
            continue;
        }
        let mut number: Option<u8> = None;
        while let Some(digit) = text.get(at).filter(|b| b.is_ascii_digit()) {
            let tens = number.unwrap_or(0).wrapping_mul(10);
            number = Some(tens.wrapping_add(digit - b'0'));
            at += 1;
        }
        let escaped = number.or_else(|| {
            let escaped = text.get(at).copied();
            at += usize::from(escaped.is_some());
            escaped.map(|escaped| match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                other => other,
            })
        });
        constant.push(escaped.unwrap_or(b'\\'));
    }
    at
}

/// The text of `template(type="string")`, which knows no escapes.
pub(super) fn joined(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Constant(constant) => text.extend_from_slice(constant),
            Piece::Property(property) => text.extend_from_slice(property),
        }
    }
    text
}

/// The parts of `template(type="list")`. `None` if a property is more than a name and options.
pub(super) fn parts(pieces: &[Piece<'_>], loc: Loc) -> Option<Vec<Object>> {
    let part = |kind, params: Vec<(&str, BString)>| {
        let param = |(name, value): (&str, BString)| Param {
            name: Word { text: name.to_owned(), loc },
            value: Value::Str(value),
            value_loc: loc,
        };
        let params = params.into_iter().map(param).collect();
        Object { kind, loc, params, script: Vec::new(), parts: Vec::new(), legacy: false }
    };
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Constant(constant) => {
            // A constant's value is unescaped once more when it is compiled.
            let value = constant.replace(b"\\", b"\\\\");
            Some(part(ObjectKind::Constant, vec![("value", value.into())]))
        }
        Piece::Property(text) => Some(part(ObjectKind::Property, property(text)?)),
    });
    parts.collect()
}

/// `%name:::option,option%`
fn property(text: &[u8]) -> Option<Vec<(&'static str, BString)>> {
    let text = text.strip_prefix(b"%")?.strip_suffix(b"%")?;
    let mut fields = text.split_str(":");
    let mut params = vec![("name", BString::from(fields.next()?))];
    let plain =
        fields.next().is_none_or(<[u8]>::is_empty) && fields.next().is_none_or(<[u8]>::is_empty);
    let options = fields.next().unwrap_or_default();
    if !plain || fields.next().is_some() {
        return None;
    }
    for option in options.split_str(",").filter(|option| !option.is_empty()) {
        let option = option.to_str().ok()?.to_ascii_lowercase();
        let known = OPTIONS.iter().find(|(name, ..)| *name == option);
        let (name, value) = match known {
            Some((_, name, value)) => (*name, *value),
            // Lists of rsyslog's know no ISO weeks.
            None if option.starts_with("date-iso-") => return None,
            None => ("dateFormat", option.strip_prefix("date-")?),
        };
        if value.starts_with("jsonf") && named_otherwise(&params[0].1) {
            return None;
        }
        if params.iter().any(|(given, _)| *given == name) {
            return None;
        }
        params.push((name, value.into()));
    }
    Some(params)
}

/// Whether `jsonf` gives the property another name in a string than in a list: there the first two
/// characters of a variable's name are left off, here just `$!`.
fn named_otherwise(name: &[u8]) -> bool {
    let trees: [&[u8]; 4] = [b"$.", b".", b"!", b"$!all-json"];
    trees.iter().any(|tree| name.to_ascii_lowercase().starts_with(tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_outside_of_properties() {
        let text = br#"a\"\\\n\065\r%msg:R,ERE,1:\d%x--end%\%%syslogtag%\"#;
        let found = pieces(text);
        assert_eq!(
            found,
            [
                Piece::Constant(b"a\"\\\nA\r".to_vec()),
                Piece::Property(br"%msg:R,ERE,1:\d%x--end%"),
                Piece::Constant(b"%".to_vec()),
                Piece::Property(b"%syslogtag%"),
                Piece::Constant(b"\\".to_vec()),
            ]
        );
        assert_eq!(
            joined(&found),
            br#"a"\
A"#
            .iter()
            .chain(b"\r%msg:R,ERE,1:\\d%x--end%%%syslogtag%\\")
            .copied()
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn simple_properties_become_parts() {
        let shown = |text: &[u8]| {
            let parts = parts(&pieces(text), Loc::default())?;
            let param = |p: &Param| match &p.value {
                Value::Str(value) => format!("{}={value}", p.name.text),
                Value::Array(_) => unreachable!("no arrays are made"),
            };
            let part = |o: &Object| o.params.iter().map(param).collect::<Vec<_>>().join(" ");
            Some(parts.iter().map(part).collect::<Vec<_>>())
        };
        assert_eq!(
            shown(br"5\% \\%timereported:::date-rfc3339,date-utc%").unwrap(),
            [r"value=5% \\", "name=timereported dateFormat=rfc3339 date.inUTC=on"]
        );
        assert_eq!(shown(b"%$!a:::jsonf%").unwrap(), ["name=$!a format=jsonf"]);
        // The name in JSON would be another one, or rsyslogd would not take it.
        assert!(shown(b"%$.a:::jsonf%").is_none() && shown(b"%$!all-json:::jsonf%").is_none());
        assert!(shown(b"%timestamp:::date-iso-week%").is_none());
        assert!(shown(br"\%%msg:2:5%").is_none());
        assert!(shown(br"\%%msg:R,ERE:x--end%").is_none());
    }
}
