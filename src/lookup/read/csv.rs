//! Our own form, for `string` and `cidr`: `10.0.0.0/8,value` a line, or a first line with the names
//! of the columns, which become members of the value.
//!
//! Quotes as in RFC 4180; blanks around fields, empty lines and lines that begin with `#` do not
//! count. The row `*` is what keys get that are not there.

use std::io::Read;

use bstr::ByteSlice;
use csv::ByteRecord;
use csv::ErrorKind;
use csv::ReaderBuilder;
use csv::Trim;

use crate::base::limits::LOOKUP_FILE_BYTES_MAX;
use crate::base::limits::LOOKUP_ROW_BYTES_MAX;
use crate::lookup::Cause;
use crate::lookup::Flaw;
use crate::lookup::Kind;
use crate::lookup::Place;
use crate::lookup::Table;
use crate::lookup::build::Builder;
use crate::lookup::cidr::Prefix;
use crate::message::json::Object;
use crate::message::json::Value;

/// Names of the first column, and the kind of table that they make.
const FIRST_COLUMNS: [(&str, Kind); 6] = [
    ("prefix", Kind::Cidr),
    ("cidr", Kind::Cidr),
    ("network", Kind::Cidr),
    ("subnet", Kind::Cidr),
    ("index", Kind::String),
    ("key", Kind::String),
];
/// The key of the row for keys that are not there.
const NO_MATCH: &[u8] = b"*";
/// Columns of a row.
const COLUMNS_MAX: usize = 256;

/// Reads a table.
pub(in crate::lookup) fn csv(source: impl Read) -> Result<Table, Flaw> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(source.take(LOOKUP_FILE_BYTES_MAX + 1));
    let mut record = ByteRecord::new();
    let mut columns = None;
    let mut builder: Option<Builder> = None;
    let mut no_match = None;
    while reader.read_byte_record(&mut record).map_err(flaw)? {
        let position = record.position();
        let place = Place { line: position.map_or(0, csv::Position::line), column: 0 };
        if reader.position().byte() > LOOKUP_FILE_BYTES_MAX {
            return fault(format!("has more than {LOOKUP_FILE_BYTES_MAX} bytes"), place);
        }
        if record.as_slice().len() > LOOKUP_ROW_BYTES_MAX {
            return fault(format!("has a row of more than {LOOKUP_ROW_BYTES_MAX} bytes"), place);
        }
        let key = record.get(0).unwrap_or_default();
        let Some(builder) = &mut builder else {
            let (kind, named) = first_row(&record, place)?;
            let mut first = Builder::new(kind);
            match named {
                true => columns = Some(Columns::new(&record, place)?),
                false if key == NO_MATCH => no_match = Some(value(&record, None, place)?),
                false => first.csv(key, value(&record, None, place)?, place)?,
            }
            builder = Some(first);
            continue;
        };
        let value = value(&record, columns.as_ref(), place)?;
        if key == NO_MATCH {
            no_match = Some(value);
        } else {
            builder.csv(key, value, place)?;
        }
    }
    let builder = builder.unwrap_or_else(|| Builder::new(Kind::String));
    match no_match {
        Some(Value::Str(text)) => builder.finish(&text, None),
        other => builder.finish(b"", other),
    }
}

fn fault<T>(what: String, place: Place) -> Result<T, Flaw> {
    Err(Flaw::at(Cause::Content(what), place))
}

fn flaw(error: csv::Error) -> Flaw {
    let text = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) => Flaw::of(Cause::Read(error)),
        _ => Flaw::of(Cause::Content(format!("is no CSV: {text}"))),
    }
}

/// The kind of table that a first row begins, and whether it names the columns. Without names, a
/// table is of networks if its first key is one.
fn first_row(record: &ByteRecord, place: Place) -> Result<(Kind, bool), Flaw> {
    let key = record.get(0).unwrap_or_default();
    if record.len() > COLUMNS_MAX {
        return fault(format!("has more than {COLUMNS_MAX} columns"), place);
    }
    let named = |(name, _): &&(&str, Kind)| key.eq_ignore_ascii_case(name.as_bytes());
    if let Some((_, kind)) = FIRST_COLUMNS.iter().find(named) {
        return Ok((*kind, true));
    }
    let network = Prefix::parse(key).is_ok();
    Ok((if network { Kind::Cidr } else { Kind::String }, false))
}

/// The names of the columns behind the first.
struct Columns {
    names: Vec<Vec<u8>>,
    /// There is one, and it is called `value`: values are texts.
    plain: bool,
}

impl Columns {
    fn new(record: &ByteRecord, place: Place) -> Result<Self, Flaw> {
        let names: Vec<Vec<u8>> = record.iter().skip(1).map(<[u8]>::to_vec).collect();
        for (number, name) in names.iter().enumerate() {
            if name.is_empty() {
                return fault(format!("has no name for column {}", number + 2), place);
            }
            if names[..number].iter().any(|other| other.eq_ignore_ascii_case(name)) {
                return fault(format!("has the column '{}' twice", name.as_bstr()), place);
            }
        }
        if names.is_empty() {
            return fault("has no column behind the first".to_owned(), place);
        }
        let plain = names.len() == 1 && names[0].eq_ignore_ascii_case(b"value");
        Ok(Self { names, plain })
    }
}

/// The value of a row. Members that are empty are left out.
fn value(record: &ByteRecord, columns: Option<&Columns>, place: Place) -> Result<Value, Flaw> {
    let expected = columns.map_or(2, |columns| columns.names.len() + 1);
    if record.len() != expected {
        return fault(format!("has {} fields where {expected} are due", record.len()), place);
    }
    let Some(columns) = columns.filter(|columns| !columns.plain) else {
        return Ok(Value::text(record.get(1).unwrap_or_default()));
    };
    let mut object = Object::default();
    for (name, text) in columns.names.iter().zip(record.iter().skip(1)) {
        if !text.is_empty() {
            object.push(name, Value::text(text));
        }
    }
    Ok(Value::Object(object))
}
