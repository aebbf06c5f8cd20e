//! Bytes as text that people can read and diff, and back, without loss.
//!
//! A line of text is a line of bytes. `\` at the end of a line: no LF there. `\\ \n \r \t`, `\xHH`
//! for other bytes, `\{8096:a}` for 8096 times `a`. Korean stays Korean.

use std::fmt::Write as _;

/// A run of one character is written as `\{count:character}` from here on.
const RUN: usize = 64;

/// A stream of bytes as lines of text.
pub(crate) fn encode_stream(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => encode_line(line, &mut text),
            None => {
                encode_line(line, &mut text);
                text.push('\\');
            }
        }
        text.push('\n');
    }
    text
}

/// The inverse of [`encode_stream`].
pub(crate) fn decode_stream(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines() {
        if decode_line(line, &mut bytes) {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Datagrams as lines of text, one each.
pub(crate) fn encode_datagrams(datagrams: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for datagram in datagrams {
        encode_line(datagram, &mut text);
        text.push('\n');
    }
    text
}

/// The inverse of [`encode_datagrams`].
pub(crate) fn decode_datagrams(text: &str) -> Vec<Vec<u8>> {
    let decode = |line: &str| {
        let mut bytes = Vec::new();
        decode_line(line, &mut bytes);
        bytes
    };
    text.lines().map(decode).collect()
}

fn encode_line(bytes: &[u8], text: &mut String) {
    let mut rest = bytes;
    // A line that would be taken for the head of a section.
    if rest.starts_with(b"-- ") {
        text.push_str("\\x2d");
        rest = &rest[1..];
    }
    let ends_in_space = rest.ends_with(b" ");
    if ends_in_space {
        rest = &rest[..rest.len() - 1];
    }
    for chunk in rest.utf8_chunks() {
        let mut valid = chunk.valid();
        while let Some(c) = valid.chars().next() {
            let run = valid.chars().take_while(|next| *next == c).count();
            if run >= RUN && c.is_ascii_graphic() {
                write!(text, "\\{{{run}:{c}}}").unwrap();
                valid = valid.split_at(run).1;
            } else {
                encode_char(c, text);
                valid = valid.split_at(c.len_utf8()).1;
            }
        }
        encode_bytes(chunk.invalid(), text);
    }
    if ends_in_space {
        text.push_str("\\x20");
    }
}

fn encode_char(c: char, text: &mut String) {
    match c {
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{feff}' => encode_bytes("\u{feff}".as_bytes(), text),
        c if c.is_control() => encode_bytes(c.encode_utf8(&mut [0; 4]).as_bytes(), text),
        c => text.push(c),
    }
}

fn encode_bytes(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        write!(text, "\\x{byte:02x}").unwrap();
    }
}

/// Appends the bytes of one line; whether an LF follows.
fn decode_line(line: &str, bytes: &mut Vec<u8>) -> bool {
    let mut rest = line;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let mut chars = escape.chars();
        match chars.next() {
            None => return false,
            Some('\\') => bytes.push(b'\\'),
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('x') => {
                let (hex, after) = chars.as_str().split_at(2);
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                chars = after.chars();
            }
            Some('{') => {
                let (run, after) = chars.as_str().split_once('}').unwrap();
                let (count, what) = run.split_once(':').unwrap();
                bytes.extend_from_slice(what.repeat(count.parse().unwrap()).as_bytes());
                chars = after.chars();
            }
            Some(other) => panic!("unknown escape \\{other} in: {line}"),
        }
        rest = chars.as_str();
    }
    bytes.extend_from_slice(rest.as_bytes());
    true
}

#[test]
fn text_and_back() {
    let run = [b"x".repeat(100), b"\xea\xb0".to_vec()].concat();
    let streams: [&[u8]; 7] = [
        b"",
        b"a",
        b"a\n\nb \n",
        b"-- tcp --\n\\\\ \x00\x7f\r\t\xff\xef\xbb\xbf \x1b",
        "한글\n로그".as_bytes(),
        b"\n",
        &run,
    ];
    for bytes in streams {
        let text = encode_stream(bytes);
        assert_eq!(decode_stream(&text), bytes, "{text}");
        assert!(text.lines().all(|l| !l.starts_with("-- ") && !l.ends_with(' ')), "{text}");
        let datagrams = [bytes.to_vec(), b"next".to_vec()];
        assert_eq!(decode_datagrams(&encode_datagrams(&datagrams)), datagrams);
    }
    assert_eq!(encode_stream(&b"x".repeat(70)), "\\{70:x}\\\n");
}
