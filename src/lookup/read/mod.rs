//! Files of tables, read a row at a time: a file of 50 MB needs no 50 MB.

mod csv;
mod json;
mod window;

use std::io::Read;
use std::io::Seek;

use crate::lookup::Cause;
use crate::lookup::Flaw;

pub(super) use csv::csv;
pub(super) use json::json;

/// Whether the first byte that is no blank is `{`: no CSV begins so.
pub(super) fn begins_with_brace(source: &mut (impl Read + Seek)) -> Result<bool, Flaw> {
    let mut start = [0; 64];
    let failed = |error| Flaw::of(Cause::Read(error));
    let length = source.read(&mut start).map_err(failed)?;
    source.rewind().map_err(failed)?;
    let mut start = start[..length].iter();
    Ok(start.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}
