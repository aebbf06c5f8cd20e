//! Messages: as they should be, odd, and hostile.

use fastrand::Rng;

use crate::generate::json;
use crate::generate::known;

/// One syslog message, and how it goes over the connection.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) message: Vec<u8>,
    pub(crate) counted: bool,
}

/// The largest octet count that imtcp believes (`maxFrameSize`): so much may be swallowed.
pub(crate) const COUNT_MAX: usize = 200_000;

impl Sent {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.counted {
            [format!("{} ", self.message.len()).as_bytes(), &self.message].concat()
        } else {
            [&self.message, &b"\n"[..]].concat()
        }
    }

    fn framed(message: Vec<u8>, rng: &mut Rng) -> Self {
        let often = if message.contains(&b'\n') { rng.u8(..8) > 0 } else { rng.u8(..4) == 0 };
        Self { counted: !message.is_empty() && often, message }
    }
}

/// What a generated connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything.
    Wild,
    /// Anything behind a header whose timestamp is well-formed.
    Timed,
    /// Anything without two slashes in a row.
    Paths,
    /// JSON, and sometimes anything: mmjsonparse looks at it.
    Json,
    /// Anything, over UDP.
    Datagram,
}

/// A message of that kind for a relay with these switches and this `maxMessageSize`.
pub(crate) fn message(kind: Kind, switches: &[&str], max: usize, rng: &mut Rng) -> Sent {
    loop {
        let message = match kind {
            Kind::Timed => timed(rng),
            Kind::Json => with_json(rng),
            Kind::Wild | Kind::Paths | Kind::Datagram => wild(rng),
        };
        let unwanted = match kind {
            Kind::Paths => known::double_slash(&message),
            Kind::Datagram => known::unclosed_pri(&message),
            _ => false,
        };
        let cut = kind == Kind::Timed && message.contains(&b'\n');
        // What is cut is no longer behind its header.
        let long = kind == Kind::Timed && message.len() + 8 > max;
        if unwanted || long || known::departs(&message, switches).is_some() {
            continue;
        }
        if cut {
            return Sent { message, counted: true };
        }
        return Sent::framed(message, rng);
    }
}

fn pick<'a>(rng: &mut Rng, from: &[&'a [u8]]) -> &'a [u8] {
    from[rng.usize(..from.len())]
}

/// A message with a header that every parser takes.
fn timed(rng: &mut Rng) -> Vec<u8> {
    let mut out = format!("<{}>", rng.u8(..192)).into_bytes();
    if rng.u8(..3) == 0 {
        out.extend_from_slice(b"1 ");
        out.extend_from_slice(rfc3339(rng).as_bytes());
        out.push(b' ');
        rest_of_5424(rng, &mut out);
    } else {
        if rng.bool() {
            out.extend_from_slice(rfc3164(rng).as_bytes());
        } else {
            out.extend_from_slice(rfc3339(rng).as_bytes());
        }
        out.push(b' ');
        rest_of_3164(rng, &mut out);
    }
    out
}

fn with_json(rng: &mut Rng) -> Vec<u8> {
    if rng.u8(..8) == 0 {
        return wild(rng);
    }
    let mut out = b"<13>".to_vec();
    if rng.u8(..4) > 0 {
        out.extend_from_slice(format!("{} h t:", rfc3164(rng)).as_bytes());
    }
    out.extend_from_slice(&json::body(rng));
    if rng.u8(..5) == 0 {
        mutate(rng, &mut out);
    }
    out
}

fn rfc3164(rng: &mut Rng) -> String {
    let month = known::MONTH_GATE[rng.usize(..12)];
    let month = match rng.u8(..8) {
        0 => month.to_uppercase(),
        1 => month.to_lowercase(),
        _ => month.to_owned(),
    };
    let day = rng.u8(1..=28);
    let day = match rng.u8(..3) {
        0 => format!("{day}"),
        1 => format!("{day:02}"),
        _ => format!("{day:2}"),
    };
    let clock = clock(rng);
    match rng.u8(..8) {
        0 => format!("{month} {day} {clock}:"),
        1 => format!("{month} {day} {} {clock}", rng.u16(1990..2099)),
        2 => format!("{month} {day} {clock}.{:03}", rng.u16(..1000)),
        _ => format!("{month} {day} {clock}"),
    }
}

fn clock(rng: &mut Rng) -> String {
    format!("{:02}:{:02}:{:02}", rng.u8(..24), rng.u8(..60), rng.u8(..60))
}

fn rfc3339(rng: &mut Rng) -> String {
    let (year, month, day) = (rng.u16(1970..2099), rng.u8(1..=12), rng.u8(1..=28));
    let fraction = match rng.usize(..8) {
        digits @ 1..=6 => {
            let number = format!("{:06}", rng.u32(..1_000_000));
            format!(".{}", number.split_at(digits).0)
        }
        _ => String::new(),
    };
    let zone = match rng.u8(..4) {
        0 | 1 => "Z".to_owned(),
        2 => "+09:00".to_owned(),
        _ => {
            let sign = if rng.bool() { '+' } else { '-' };
            format!("{sign}{:02}:{:02}", rng.u8(..14), rng.u8(..60))
        }
    };
    format!("{year}-{month:02}-{day:02}T{}{fraction}{zone}", clock(rng))
}

const HOSTS: &[&[u8]] = &[
    b"host",
    b"web-01.example.com",
    b"192.0.2.7",
    b"h",
    b"kr1_db2",
    b"2001:db8::1",
    b"-",
    b"host.",
    b"ho/st",
    b"[::1]",
    b"a@b",
    b"HOST",
];

fn rest_of_3164(rng: &mut Rng, out: &mut Vec<u8>) {
    match rng.u8(..24) {
        0 | 1 => {}
        2 => out.extend_from_slice(format!("{} ", "h".repeat(rng.usize(505..520))).as_bytes()),
        _ => {
            out.extend_from_slice(pick(rng, HOSTS));
            out.push(b' ');
        }
    }
    tag(rng, out);
    body(rng, out);
}

fn tag(rng: &mut Rng, out: &mut Vec<u8>) {
    let tags: &[&[u8]] = &[
        b"su:",
        b"sshd[4711]:",
        b"app",
        b"app: ",
        b"a/b/c[1]:",
        b"postfix/smtpd[12]: ",
        b"[tag]:",
        b"t[]:",
        b"t[:",
        b"%ASA-6-106015: ",
        b"tag[12",
        b"tag]12[:",
        b":",
        b"",
        b"..",
        b"\xed\x95\x9c\xea\xb8\x80[3]: ",
    ];
    match rng.u8(..20) {
        0 => out.extend(std::iter::repeat_n(b't', rng.usize(28..40))),
        1 => out.extend(std::iter::repeat_n(b'T', rng.usize(500..520))),
        _ => out.extend_from_slice(pick(rng, tags)),
    }
}

fn rest_of_5424(rng: &mut Rng, out: &mut Vec<u8>) {
    let apps: &[&[u8]] = &[b"evntslog", b"-", b"a/b", b"app[1]", b"su:", b"\"q\"", b"%x%"];
    let ids: &[&[u8]] = &[b"-", b"4711", b"ID47", b"a:b", b"1.2", b"\\", b"\xec\x8b\x9d"];
    for from in [HOSTS, apps, ids, ids] {
        match rng.u8(..60) {
            // A field that is not there, or is longer than the RFC allows.
            0 => continue,
            1 => {}
            2 => out.resize(out.len() + rng.usize(30..140), b'f'),
            _ => out.extend_from_slice(pick(rng, from)),
        }
        out.push(b' ');
    }
    structured_data(rng, out);
    match rng.u8(..8) {
        0 => return,
        1 => {}
        2 => out.extend_from_slice(b" \xef\xbb\xbf"),
        _ => out.push(b' '),
    }
    body(rng, out);
}

fn structured_data(rng: &mut Rng, out: &mut Vec<u8>) {
    let data: &[&[u8]] = &[
        b"-",
        b"[exampleSDID@32473 iut=\"3\" eventID=\"1011\"]",
        b"[a x=\"\\]\\\"\\\\\"][b]",
        b"[a x=\"] \"]",
        b"[]",
        b"[unclosed",
        b"[a y=\"\xed\x95\x9c\"]",
        b"no-brackets",
        b"[a] [b]",
        b"[a x=\"1\" x=\"2\"][a x=\"3\"]",
        b"[a x=\"\\q\\n\\\\]\"]",
        b"[a x=\"\\\\\"]",
        b"[a\\]",
        b"[a\\] ]",
        b"[[a]]",
        b"[a x=\"\t\"]",
        b"[a x=\"]\"]]",
        b"[a x='1']x",
        b"]",
        b"--",
        b"-[a]",
        b"[=]",
        b"[a x=\"\xed\x95\"]",
        b"\xef\xbb\xbf[a]",
    ];
    if rng.u8(..40) == 0 {
        let length = rng.usize(100..600);
        out.extend_from_slice(format!("[a x=\"{}\"]", "v".repeat(length)).as_bytes());
    } else {
        out.extend_from_slice(pick(rng, data));
    }
}

/// Free text with all that makes trouble.
fn body(rng: &mut Rng, out: &mut Vec<u8>) {
    let pieces: &[&[u8]] = &[
        b" Failed password for user kim from 192.0.2.7 port 22",
        b" 'su root' failed\\ for \"lonvick\" on /dev/pts/8",
        b" k1=v1,k2=v2,,k3=\"v 3\";",
        b" \xeb\xa1\x9c\xea\xb7\xb8\xec\x9d\xb8 \xec\x8b\xa4\xed\x8c\xa8",
        b" \xb7\xce\xb1\xd7\xc0\xce \xbd\xc7\xc6\xd0",
        b" \xed\x95",
        b"\xf0\x9f\x98\x80",
        b"   ",
        b"\t",
        b"a\tb\tc",
        b"http://x//y/../z",
        b"/etc/./passwd",
        b"0",
        b"1234567890",
        b"{\"a\":1,\"b\":[true,null]}",
        b" @cee: {\"event\":\"login\"}",
        b"\\u0041\\n\\\"",
        b"#012",
        b"\x1b[31mred\x1b[0m",
        b"\x7f",
        b"\x00",
        b"\r",
        b"\x01\x02\x1f",
        b"%msg%",
        b",;|",
        b"xyyy XYZ Abc",
        b"\xef\xbb\xbf",
        b"\xeb\xa1",
        b"[77]:",
        b"",
    ];
    for _ in 0..rng.u8(..5) {
        out.extend_from_slice(pick(rng, pieces));
    }
    match rng.u8(..40) {
        0 => out.push(b'\n'),
        1 => out.push(0),
        2 => out.extend_from_slice(b"two\nlines"),
        3 => out.extend_from_slice(b"\r"),
        4..=6 => out.extend((0..rng.usize(1..12)).map(|_| rng.u8(..))),
        7 if rng.u8(..16) == 0 => out.extend(std::iter::repeat_n(b'L', rng.usize(8000..8300))),
        8 => out.extend((0..=255).filter(|b| *b != b'\n')),
        9 if rng.bool() => out.extend(0..=255),
        _ => {}
    }
}

/// Anything.
fn wild(rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    match rng.u8(..20) {
        0..=4 => return timed(rng),
        5..=10 => {
            out = timed(rng);
            for _ in 0..rng.u8(1..5) {
                mutate(rng, &mut out);
            }
        }
        11 => body(rng, &mut out),
        12 => out.extend((0..rng.usize(..60)).map(|_| rng.u8(..))),
        13 => {
            let pris: &[&[u8]] = &[
                b"<192>",
                b"<>",
                b"<abc>",
                b"<013>",
                b"<0013>",
                b"<13",
                b"<13 >",
                b"<-1>",
                b"<999>",
                b"<191>",
                b"<0>",
                b"< 13>",
                b"13>",
                b"<<13>",
                b"\xef\xbb\xbf<13>",
                b"<1a>",
                b"<8>>",
            ];
            out.extend_from_slice(pick(rng, pris));
            out.extend_from_slice(rfc3164(rng).as_bytes());
            out.push(b' ');
            rest_of_3164(rng, &mut out);
        }
        14 => {
            out.extend_from_slice(b"<13>");
            out.extend_from_slice(pick(rng, &[b"{", b" {", b"[", b"\t[", b"@cee:", b" @cee: {"]));
            body(rng, &mut out);
        }
        15 => odd_time(rng, &mut out),
        16 => {
            let starts: &[&[u8]] =
                &[b"1 ", b"12 x", b"007 ", b"5", b"2026-01-02 ", b"0 ", b"99 <13>", b"9000 ", b"z"];
            out.extend_from_slice(pick(rng, starts));
            body(rng, &mut out);
        }
        17 => {
            out.extend_from_slice(pick(rng, &[b"<34>1 ", b"<34>1", b"<34>2 ", b"<34>11 "]));
            out.extend_from_slice(pick(rng, &[b"- ", b"-", b"x ", b"2003-10-11 ", b""]));
            rest_of_5424(rng, &mut out);
        }
        18 => {
            out = timed(rng);
            out.truncate(rng.usize(..=out.len()));
        }
        _ => {
            out = format!("<{}>", rng.u8(..192)).into_bytes();
            rest_of_3164(rng, &mut out);
        }
    }
    out
}

fn odd_time(rng: &mut Rng, out: &mut Vec<u8>) {
    let times: &[&[u8]] = &[
        b"Feb 31 10:00:00",
        b"Feb  0 10:00:00",
        b"Feb 1 24:00:00",
        b"Feb 1 23:60:00",
        b"Feb 1 23:59:60",
        b"Feb  1  10:00:00",
        b"Feb 01 1:2:3",
        b"Feb 01 10:00",
        b"Fob 01 10:00:00",
        b"*Feb 01 10:00:00",
        b"123: Feb 01 10:00:00",
        b"Feb 01 10:00:00 2003",
        b"Feb 01 10:00:00 UTC",
        b"2003-2-1T1:2:3Z",
        b"2003-02-01T01:02:03",
        b"2003-02-01 01:02:03Z",
        b"2003-02-01t01:02:03z",
        b"2003-13-01T01:02:03Z",
        b"2003-02-30T01:02:03Z",
        b"2003-02-01T01:02:03+9:00",
        b"2003-02-01T01:02:03+0900",
        b"2003-02-01T01:02:03-00:00",
        b"2003-02-01T01:02:03+24:00",
        b"2003-02-01T01:02:03.Z",
        b"1969-02-01T01:02:03Z",
        b"0000-02-01T01:02:03Z",
        b"2100-02-01T01:02:03Z",
        b" Feb 01 10:00:00",
        b"  Feb 01 10:00:00",
    ];
    out.extend_from_slice(format!("<{}>", rng.u8(..192)).as_bytes());
    if rng.u8(..4) == 0 {
        out.extend_from_slice(b"1 ");
    }
    out.extend_from_slice(pick(rng, times));
    out.push(b' ');
    rest_of_3164(rng, out);
}

/// One byte more, less or other, anywhere.
fn mutate(rng: &mut Rng, text: &mut Vec<u8>) {
    let likely = b"<> :[]/\\\"'{}0123456789TZ+-.\t\n\r\0 #@,=";
    // Most of what is decided is decided in the header.
    let end = if rng.bool() { text.len().min(50) } else { text.len() };
    let at = rng.usize(..=end);
    let byte = if rng.bool() { rng.u8(..) } else { likely[rng.usize(..likely.len())] };
    match rng.u8(..3) {
        0 => text.insert(at, byte),
        1 if at < text.len() => text[at] = byte,
        2 if at < text.len() => drop(text.remove(at)),
        _ => {}
    }
}
