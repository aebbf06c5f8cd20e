//! Functions for the Common Event Format, from the documentation of newer rsyslogds.

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Plain;
use crate::rules::call::Takes;

pub(super) const ROUTINES: &[(&str, Plain)] = &[
    ("cef_ext_escape", Plain { takes: &[Takes::Text], run: cef_ext_escape, varies: false }),
    ("tocef", Plain { takes: &[Takes::Text], run: tocef, varies: false }),
];

/// Fields of the header; the fifth of them, the class of the event, is escaped further.
const HEADER_FIELDS: usize = 7;
const EVENT_CLASS: usize = 4;

/// A value of the extension.
fn cef_ext_escape(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    escape(call.text(0), b"\\=\n\r", out);
    Answer::Text
}

/// `CEF:version|vendor|product|devversion|eventclassid|name|severity|extensions`; the extensions
/// are written as they are.
fn tocef(call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
    out.extend_from_slice(b"CEF:");
    for at in 0..HEADER_FIELDS {
        let special: &[u8] = if at == EVENT_CLASS { b"\\|=%#" } else { b"\\|" };
        escape(call.text(at), special, out);
        out.push(b'|');
    }
    out.extend_from_slice(call.text(HEADER_FIELDS));
    Answer::Text
}

/// A backslash before what is special; line ends by their letter.
fn escape(text: &[u8], special: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if special.contains(byte) {
            out.push(b'\\');
        }
        out.push(match byte {
            b'\n' if special.contains(byte) => b'n',
            b'\r' if special.contains(byte) => b'r',
            other => *other,
        });
    }
}
