//! rsyslog's form: `{"version": 1, "nomatch": "…", "type": "…", "table": [{"index": "…", "value":
//! "…"}]}`, read as leniently as libfastjson does. What stands behind it does not matter.

use std::io::Read;
use std::io::Seek;

use bstr::ByteSlice;

use crate::lookup::Cause;
use crate::lookup::Flaw;
use crate::lookup::Kind;
use crate::lookup::Table;
use crate::lookup::build::Builder;
use crate::lookup::read::window::Window;
use crate::message::json::Value;

/// What stands around the rows.
#[derive(Debug, Default)]
struct Header {
    version: Option<Value>,
    kind: Option<Value>,
    no_match: Option<Value>,
    has_table: bool,
}

/// Reads a table.
pub(in crate::lookup) fn json(mut source: impl Read + Seek) -> Result<Table, Flaw> {
    let (header, builder) = pass(&mut source, None)?;
    header.check()?;
    let kind = header.kind()?;
    if let Some(builder) = builder.filter(|builder| builder.kind() == kind) {
        return header.finish(builder);
    }
    // The kind stood behind the rows, or nowhere.
    source.rewind().map_err(|error| Flaw::of(Cause::Read(error)))?;
    let (header, builder) = pass(&mut source, Some(kind))?;
    header.check()?;
    header.finish(builder.unwrap_or_else(|| Builder::new(kind)))
}

/// Reads all of it once. Rows of a kind that is not known yet are passed over.
fn pass(source: impl Read, settled: Option<Kind>) -> Result<(Header, Option<Builder>), Flaw> {
    let mut window = Window::new(source);
    let mut header = Header::default();
    let mut builder = None;
    if window.peek()? != Some(b'{') {
        window.value()?;
        return Ok((header, builder));
    }
    window.consume(1);
    loop {
        match window.peek()? {
            Some(b'}') => return Ok((header, builder)),
            Some(b'"' | b'\'') => {}
            _ => return Err(window.broken(0)),
        }
        let Value::Str(name) = window.value()? else { return Err(window.broken(0)) };
        if window.peek()? != Some(b':') {
            return Err(window.broken(0));
        }
        window.consume(1);
        match name.to_ascii_lowercase().as_slice() {
            b"table" => {
                header.has_table = window.peek()? == Some(b'[');
                builder = None;
                if header.has_table {
                    builder = settled.or_else(|| header.kind_so_far()).map(Builder::new);
                    rows(&mut window, builder.as_mut())?;
                } else {
                    window.value()?;
                }
            }
            b"version" => header.version = not_null(window.value()?),
            b"type" => header.kind = not_null(window.value()?),
            b"nomatch" => header.no_match = not_null(window.value()?),
            _ => _ = window.value()?,
        }
        window.separator(b'}')?;
    }
}

fn not_null(value: Value) -> Option<Value> {
    Some(value).filter(|value| *value != Value::Null)
}

fn rows<R: Read>(window: &mut Window<R>, mut builder: Option<&mut Builder>) -> Result<(), Flaw> {
    window.consume(1);
    while window.peek()? != Some(b']') {
        let place = window.place();
        let row = window.value()?;
        if let Some(builder) = &mut builder {
            builder.json(&row, place)?;
        }
        window.separator(b']')?;
    }
    window.consume(1);
    Ok(())
}

impl Header {
    /// In the order in which rsyslogd looks.
    fn check(&self) -> Result<(), Flaw> {
        let fault = |what: String| Err(Flaw::of(Cause::Content(what)));
        let version = self.version.as_ref().map_or(1, Value::whole);
        if version != 1 {
            return fault(format!("uses unsupported version: {version}"));
        }
        if !self.has_table {
            return fault("has invalid table definition".to_owned());
        }
        Ok(())
    }

    fn kind_so_far(&self) -> Option<Kind> {
        self.kind.as_ref().and_then(|kind| Kind::named(&text(kind)))
    }

    fn kind(&self) -> Result<Kind, Flaw> {
        let Some(kind) = &self.kind else { return Ok(Kind::String) };
        Kind::named(&text(kind)).ok_or_else(|| {
            let text = format!("uses unsupported type: '{}'", text(kind).as_bstr());
            Flaw::of(Cause::Content(text))
        })
    }

    fn finish(self, mut builder: Builder) -> Result<Table, Flaw> {
        if self.version.is_none() {
            let text = "doesn't specify version (will use default value: 1)".to_owned();
            builder.remarks.push(text, None, true);
        }
        let no_match = self.no_match.as_ref().map(text).unwrap_or_default();
        let json = self.no_match.filter(|value| {
            builder.kind() == Kind::Cidr && matches!(value, Value::Object(_) | Value::Array(_))
        });
        builder.finish(&no_match, json)
    }
}

/// A value as rsyslog makes a text of it.
fn text(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    value.write_text(&mut text);
    text
}
