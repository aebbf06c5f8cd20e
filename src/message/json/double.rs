//! Numbers with a fraction or an exponent, as libfastjson makes texts and whole numbers of them.

use std::io::Write as _;

use bstr::ByteSlice;

/// Digits of a number that is printed anew (`%.17g`).
const DIGITS: usize = 17;

/// The number that `text` begins with.
fn number(text: &[u8]) -> f64 {
    let text = text.to_str().unwrap_or_default();
    let all = (1..=text.len()).rev().filter_map(|end| text.get(..end)?.parse().ok());
    all.into_iter().next().unwrap_or(0.0)
}

/// What `text` is as a whole number: the lowest one if it is too far from 0, or no number.
pub(super) fn whole(text: &[u8]) -> i64 {
    let whole = number(text).trunc();
    // The processor's own conversion, which rsyslogd has; that of Rust gives the nearest.
    let text = format!("{whole:.0}");
    text.parse().unwrap_or(i64::MIN)
}

/// Appends `text` as libfastjson writes a copy of it, which has lost how it was written:
/// `%.17g`, with `.0` behind it if the number is a whole one. So 0.1 is 0.10000000000000001, and
/// 1e17 is `1e+17.0`, which is no JSON (seen from rsyslogd 8.2302).
pub(super) fn write_copy(text: &[u8], out: &mut Vec<u8>) {
    let number = number(text);
    if number.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
        return;
    }
    let start = out.len();
    // d.dddde-7: correctly rounded, like glibc's. Writing to a vector cannot fail.
    _ = write!(out, "{number:.*e}", DIGITS - 1);
    let written = &out[start..];
    let at = written.find_byte(b'e').map_or(out.len(), |at| start + at);
    let exponent = out.get(at + 1..).and_then(|text| text.to_str().ok()?.parse::<i32>().ok());
    let exponent = exponent.unwrap_or(0);
    out.truncate(at);
    match usize::try_from(exponent) {
        Ok(whole) if whole < DIGITS => {
            // The digits behind the point that are no zeros.
            out.truncate(start);
            _ = write!(out, "{number:.*}", DIGITS - 1 - whole);
            drop_zeros(start, out);
        }
        Err(_) if exponent >= -4 => {
            let fraction = DIGITS - 1 + usize::try_from(-exponent).unwrap_or(0);
            out.truncate(start);
            _ = write!(out, "{number:.fraction$}");
            drop_zeros(start, out);
        }
        _ => {
            drop_zeros(start, out);
            let sign = if exponent < 0 { '-' } else { '+' };
            _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
        }
    }
    if number.fract() == 0.0 {
        out.extend_from_slice(b".0");
    }
}

/// Drops zeros at the end of a fraction that begins behind `start`, and the point if none is left.
fn drop_zeros(start: usize, out: &mut Vec<u8>) {
    if out[start..].contains(&b'.') {
        let end = out.trim_end_with(|c| c == '0').len();
        out.truncate(end);
        if out.ends_with(b".") {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rsyslogd wrote for `set $.a = $!x`, and for `cnum($!x)`.
    #[test]
    fn copies_are_written_anew() {
        for (text, copy, number) in [
            ("0.1", "0.10000000000000001", 0),
            ("1.50", "1.5", 1),
            ("100.0", "100.0", 100),
            ("1e300", "1.0000000000000001e+300.0", i64::MIN),
            ("-1e300", "-1.0000000000000001e+300.0", i64::MIN),
            ("1E5", "100000.0", 100_000),
            ("5e-324", "4.9406564584124654e-324", 0),
            ("1e400", "Infinity", i64::MIN),
            ("-0.0", "-0.0", 0),
            ("123456789.123456789", "123456789.12345679", 123_456_789),
            ("1e-5", "1.0000000000000001e-05", 0),
            ("0.0001", "0.0001", 0),
            ("1e17", "1e+17.0", 100_000_000_000_000_000),
            ("1.0e16", "10000000000000000.0", 10_000_000_000_000_000),
            ("0.00001234", "1.234e-05", 0),
            ("-1e-7", "-9.9999999999999995e-08", 0),
        ] {
            let mut out = b"x0".to_vec();
            write_copy(text.as_bytes(), &mut out);
            assert_eq!(out.as_bstr(), format!("x0{copy}"), "{text}");
            assert_eq!(whole(text.as_bytes()), number, "{text}");
        }
    }
}
