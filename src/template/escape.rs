//! JSON, CSV and SQL escaping, as rsyslog does it: `"`, `\`, `/` and everything below 0x20 for
//! JSON (nothing above 0x7e), `"` doubled for CSV.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// For each byte, the letter behind the backslash in JSON; `u` for `\u00XX`, 0 for none.
static JSON: [u8; 256] = json_table();

const fn json_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = b'u';
        at += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0A] = b'n';
    table[0x0C] = b'f';
    table[0x0D] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'/' as usize] = b'/';
    table
}

/// How many bytes are looked at together.
const BLOCK: usize = 16;

/// How many bytes `text` begins with that JSON takes as they are.
#[inline]
fn clean(text: &[u8]) -> usize {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    let clean = BLOCK * blocks.iter().take_while(|block| !is_dirty(block)).count();
    let rest = &text[clean..];
    clean + rest.iter().position(|b| JSON[usize::from(*b)] != 0).unwrap_or(rest.len())
}

/// Whether a byte of it has to be escaped. No branch depends on a byte, so that a few instructions
/// compare all of them at once.
#[inline]
fn is_dirty(block: &[u8; BLOCK]) -> bool {
    block
        .iter()
        .fold(false, |dirty, b| dirty | (*b < 0x20) | (*b == b'"') | (*b == b'\\') | (*b == b'/'))
}

/// Appends `text`, escaped. Of a byte that would be, and the one behind it, `stay` says how many
/// go out as they are.
#[inline]
fn escape(text: &[u8], out: &mut Vec<u8>, stay: impl Fn(u8, Option<&u8>) -> usize) {
    let (mut done, mut at) = (0, 0);
    loop {
        at += clean(&text[at..]);
        let Some(byte) = text.get(at).copied() else { break };
        match stay(byte, text.get(at + 1)) {
            0 => {
                out.extend_from_slice(&text[done..at]);
                escaped(byte, JSON[usize::from(byte)], out);
                at += 1;
                done = at;
            }
            bytes => at += bytes,
        }
    }
    out.extend_from_slice(&text[done..]);
}

/// Appends `value` for the inside of a JSON string.
///
/// With `raw` a backslash that already starts a JSON escape is left alone, together with the
/// byte behind it (`jsonr`, `jsonfr`).
pub(super) fn json(value: &[u8], raw: bool, out: &mut Vec<u8>) {
    escape(value, out, |byte, next| {
        let starts = raw && byte == b'\\';
        let is_escape = starts && next.is_some_and(|next| b"\"/\\bfnrtu".contains(next));
        if is_escape { 2 } else { 0 }
    });
}

/// Appends `value` for the inside of a JSON string so that it is valid JSON whatever it holds:
/// what is no UTF-8 becomes U+FFFD. A parser finds the value as it was, once unescaped.
pub(super) fn json_strict(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        // A slash needs no escape.
        escape(chunk.valid().as_bytes(), out, |byte, _| usize::from(byte == b'/'));
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
}

/// Appends `value` for the inside of a parameter's value in RFC 5424 structured data (6.3.3): a
/// backslash before `"`, `\` and `]`. What is no UTF-8 becomes U+FFFD, since it has to be.
pub(super) fn sd_value(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        let text = chunk.valid().as_bytes();
        let mut done = 0;
        for at in memchr::memchr3_iter(b'"', b'\\', b']', text) {
            out.extend_from_slice(&text[done..at]);
            out.push(b'\\');
            done = at;
        }
        out.extend_from_slice(&text[done..]);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
}

#[inline]
fn escaped(byte: u8, letter: u8, out: &mut Vec<u8>) {
    if letter == b'u' {
        let [high, low] = [byte >> 4, byte & 15].map(|n| HEX[usize::from(n)]);
        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
    } else {
        out.extend_from_slice(&[b'\\', letter]);
    }
}

/// Appends `value` as a quoted CSV field.
pub(super) fn csv(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    doubled(value, b'"', out);
    out.push(b'"');
}

/// Appends `value` with each `quote` written twice.
pub(super) fn doubled(value: &[u8], quote: u8, out: &mut Vec<u8>) {
    let mut done = 0;
    for at in memchr::memchr_iter(quote, value) {
        out.extend_from_slice(&value[done..=at]);
        done = at;
    }
    out.extend_from_slice(&value[done..]);
}

/// Appends `value` with a backslash before each `quote` and each backslash.
pub(super) fn backslashed(value: &[u8], quote: u8, out: &mut Vec<u8>) {
    let mut done = 0;
    for at in memchr::memchr2_iter(quote, b'\\', value) {
        out.extend_from_slice(&value[done..at]);
        out.push(b'\\');
        done = at;
    }
    out.extend_from_slice(&value[done..]);
}
