//! What is sent: frames from a file, or generated ones that look like a fleet's logs.
//!
//! The generator is seeded, so that two runs, today's and last year's, send the same bytes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::ValueEnum;
use fastrand::Rng;

use crate::cli::bench::error::BenchError;
use crate::message::month_name;

/// Kinds of generated frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// RFC 3164, as most devices send it
    #[value(name = "3164")]
    Rfc3164,
    /// RFC 5424 with and without structured data
    #[value(name = "5424")]
    Rfc5424,
    /// JSON behind an @cee: cookie
    Cee,
    /// Two parts RFC 3164, two parts RFC 5424, one part CEE
    Mixed,
    /// RFC 3164 frames of about 40 bytes
    Short,
}

/// Frames without terminators, in sending order. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Corpus {
    /// `lines` frames of `kind`; the same ones for the same `seed`.
    pub(super) fn generate(kind: Kind, lines: usize, seed: u64) -> Self {
        let mut writer = Writer { rng: Rng::with_seed(seed), line: String::new() };
        let mut corpus = Self { text: Vec::new(), ends: Vec::with_capacity(lines) };
        for number in 0..lines.max(1) {
            writer.line.clear();
            match (kind, number % 5) {
                (Kind::Rfc3164, _) | (Kind::Mixed, 0 | 2) => writer.rfc3164(),
                (Kind::Rfc5424, _) | (Kind::Mixed, 1 | 4) => writer.rfc5424(),
                (Kind::Cee | Kind::Mixed, _) => writer.cee(),
                (Kind::Short, _) => writer.short(),
            }
            corpus.push(writer.line.as_bytes());
        }
        corpus
    }

    /// The lines of a file, one frame each; empty lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read or holds no frame.
    pub(super) fn load(path: &Path) -> Result<Self, BenchError> {
        let text = fs::read(path).map_err(|source| BenchError::io(path.display(), source))?;
        let mut corpus = Self { text: Vec::with_capacity(text.len()), ends: Vec::new() };
        for line in text.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                corpus.push(line);
            }
        }
        if corpus.ends.is_empty() {
            return Err(BenchError::Usage(format!("{}: no frame in it", path.display())));
        }
        Ok(corpus)
    }

    fn push(&mut self, frame: &[u8]) {
        self.text.extend_from_slice(frame);
        self.ends.push(self.text.len());
    }

    /// The frames in order.
    pub(super) fn frames(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let frame = &self.text[start..end];
            start = end;
            frame
        })
    }
}

const PORTS: [u16; 6] = [22, 80, 443, 1514, 3306, 8443];
const USERS: [&str; 6] = ["admin", "deploy", "oracle", "jenkins", "ubuntu", "postgres"];
const KOREAN_USERS: [&str; 4] = ["김민준", "이서연", "박도윤", "최하은"];
const REGIONS: [&str; 3] = ["KR-1", "KR-2", "SGN-1"];

/// Writes one frame at a time into `line`.
struct Writer {
    rng: Rng,
    line: String,
}

/// `write!` into the line; a `String` takes everything.
macro_rules! put {
    ($writer:expr, $($arg:tt)*) => {
        $writer.line.write_fmt(format_args!($($arg)*)).unwrap_or_default()
    };
}

impl Writer {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn address(&mut self) -> String {
        let net = self.pick(&[10, 172, 192, 211]);
        let rng = &mut self.rng;
        format!("{net}.{}.{}.{}", rng.u8(..), rng.u8(..), rng.u8(1..255))
    }

    fn host(&mut self) -> String {
        match self.rng.u8(..10) {
            0 => "gw.seoul.example.kr".to_owned(),
            1 | 2 => format!("kr2-db{}", self.rng.u8(1..9)),
            _ => format!("was-{:02}", self.rng.u8(1..60)),
        }
    }

    fn time(&mut self) -> [u8; 3] {
        [self.rng.u8(..24), self.rng.u8(..60), self.rng.u8(..60)]
    }

    /// `<PRI>Mmm dd hh:mm:ss host `
    fn head3164(&mut self) {
        let (pri, month, day) = (self.rng.u8(..192), self.rng.u8(1..=12), self.rng.u8(1..29));
        let month = month_name(month);
        let ([hour, minute, second], host) = (self.time(), self.host());
        put!(self, "<{pri}>{month} {day:2} {hour:02}:{minute:02}:{second:02} {host} ");
    }

    fn rfc3164(&mut self) {
        self.head3164();
        let program = self.rng.usize(..PROGRAMS.len());
        let (name, has_pid, body) = PROGRAMS[program];
        put!(self, "{name}");
        if has_pid {
            put!(self, "[{}]", self.rng.u16(200..));
        }
        put!(self, ": ");
        body(self);
    }

    fn rfc5424(&mut self) {
        let (pri, [hour, minute, second]) = (self.rng.u8(..192), self.time());
        let (micros, host) = (self.rng.u32(..1_000_000), self.host());
        let (name, has_pid, body) = PROGRAMS[self.rng.usize(..PROGRAMS.len())];
        put!(self, "<{pri}>1 2026-11-22T{hour:02}:{minute:02}:{second:02}.{micros:06}+09:00 ");
        put!(self, "{host} {name} ");
        if has_pid {
            put!(self, "{} ", self.rng.u16(200..));
        } else {
            put!(self, "- ");
        }
        put!(self, "{} ", ["-", "-", "AUDIT", "ID47"][self.rng.usize(..4)]);
        match self.rng.u8(..3) {
            0 => put!(self, "- "),
            1 => {
                let (ip, sequence) = (self.address(), self.rng.u32(..));
                put!(self, r#"[origin ip="{ip}" software="rsyslogd"]"#);
                put!(self, r#"[meta sequenceId="{sequence}"] "#);
            }
            _ => {
                let (region, vpc) = (self.pick(&REGIONS), self.rng.u16(..));
                put!(self, r#"[cloud@32473 region="{region}" vpc="vpc-{vpc}" acl="web\]in"] "#);
            }
        }
        body(self);
    }

    fn cee(&mut self) {
        self.head3164();
        let (ip, user, ok) = (self.address(), self.pick(&KOREAN_USERS), self.rng.bool());
        let (session, millis) = (self.rng.u64(..), self.rng.u16(..5000));
        put!(self, r#"portal: @cee: {{"event":"login","ok":{ok},"user":"{user}","src":"{ip}","#);
        put!(self, r#""took_ms":{millis},"session":"{session:016x}","#);
        put!(self, r#""geo":{{"country":"KR","city":"서울"}},"detail":{{"msg":""#);
        query(self);
        put!(self, r#""}}}}"#);
    }

    fn short(&mut self) {
        let (pri, host, number) = (self.rng.u8(..192), self.rng.u8(..9), self.rng.u32(..));
        put!(self, "<{pri}>Nov 22 11:22:33 n{host} job: done {number:010}");
    }
}

type Body = fn(&mut Writer);

/// Program, whether it writes its process id, and what it says.
const PROGRAMS: [(&str, bool, Body); 7] = [
    ("sshd", true, login),
    ("kernel", false, firewall),
    ("nginx", false, access),
    ("flowlogs", false, flow),
    ("postgres", true, query),
    ("CRON", true, cron),
    ("portal", true, korean),
];

fn login(to: &mut Writer) {
    let (user, ip, port) = (to.pick(&USERS), to.address(), to.rng.u16(1024..));
    put!(to, "Failed password for invalid user {user} from {ip} port {port} ssh2");
}

fn firewall(to: &mut Writer) {
    let (uptime, micros) = (to.rng.u32(..900_000), to.rng.u32(..1_000_000));
    let (from, dest, id) = (to.address(), to.address(), to.rng.u16(..));
    let (source, port) = (to.rng.u16(1024..), to.pick(&PORTS));
    put!(to, "[{uptime:6}.{micros:06}] FW-DROP: IN=eth0 OUT= MAC=02:42:ac:11:00:02 ");
    put!(to, "SRC={from} DST={dest} LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID={id} DF PROTO=TCP ");
    put!(to, "SPT={source} DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0");
}

fn access(to: &mut Writer) {
    let (ip, [hour, minute, second]) = (to.address(), to.time());
    let (item, status) = (to.rng.u32(..1_000_000), to.pick(&[200, 200, 200, 304, 404, 502]));
    let (bytes, millis) = (to.rng.u16(..), to.rng.u16(..1000));
    put!(to, "{ip} - - [22/Nov/2026:{hour:02}:{minute:02}:{second:02} +0900] ");
    put!(to, r#""GET /goods/{item}?q=%EB%B4%89%EC%88%98 HTTP/1.1" {status} {bytes} "#);
    put!(to, r#""https://www.example.kr/" "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" "#);
    put!(to, "rt=0.{millis:03}");
}

fn flow(to: &mut Writer) {
    let (interface, from, dest) = (to.rng.u32(..), to.address(), to.address());
    let (source, port, packets) = (to.rng.u16(1024..), to.pick(&PORTS), to.rng.u16(1..900));
    let (bytes, start, verdict) =
        (to.rng.u32(40..2_000_000), to.rng.u32(..80_000), to.pick(&["ACCEPT", "REJECT"]));
    put!(to, "2 100001 eni-{interface:08x} {from} {dest} {source} {port} 6 {packets} {bytes} ");
    put!(to, "{} {} {verdict} OK", 1_795_300_000 + start, 1_795_300_060 + start);
}

fn query(to: &mut Writer) {
    let (millis, micros, account) =
        (to.rng.u16(..3000), to.rng.u16(..1000), to.rng.u32(..1_000_000));
    put!(to, "LOG: duration: {millis}.{micros:03} ms statement: SELECT id, state, amount ");
    put!(to, "FROM invoice WHERE account_id = {account} ORDER BY id DESC LIMIT 50");
}

fn cron(to: &mut Writer) {
    let minute = to.rng.u8(..60);
    put!(to, "(root) CMD (test -x /usr/bin/rotate && /usr/bin/rotate --at {minute})");
}

fn korean(to: &mut Writer) {
    let (user, ip, tries) = (to.pick(&KOREAN_USERS), to.address(), to.rng.u8(1..10));
    put!(to, "접속 거부: 사용자={user} 출발지={ip} 사유=인증서 만료 (연속 {tries}회)");
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const KINDS: [Kind; 5] = [Kind::Rfc3164, Kind::Rfc5424, Kind::Cee, Kind::Mixed, Kind::Short];

    #[test]
    fn a_seed_gives_the_same_frames_every_time() {
        for kind in KINDS {
            let [one, same, other] = [7, 7, 8].map(|seed| Corpus::generate(kind, 200, seed));
            assert_eq!(one.text, same.text);
            assert_eq!(one.ends, same.ends);
            assert_ne!(one.text, other.text);
        }
    }

    #[test]
    fn frames_are_what_their_kind_says() {
        for frame in Corpus::generate(Kind::Rfc5424, 100, 1).frames() {
            assert!(frame.windows(14).any(|at| at == b">1 2026-11-22T"));
        }
        for frame in Corpus::generate(Kind::Cee, 100, 1).frames() {
            let at = frame.windows(6).position(|at| at == b"@cee: ").unwrap() + 6;
            assert!(serde_json::from_slice::<serde_json::Value>(&frame[at..]).is_ok());
        }
        let mixed = Corpus::generate(Kind::Mixed, 100, 1);
        let cee = mixed.frames().filter(|frame| frame.windows(5).any(|at| at == b"@cee:"));
        assert_eq!(cee.count(), 20);
        for kind in KINDS {
            let corpus = Corpus::generate(kind, 500, 1);
            assert_eq!(corpus.frames().len(), 500);
            assert!(corpus.frames().all(|frame| frame.starts_with(b"<")));
            assert!(!corpus.text.contains(&b'\n'));
        }
    }

    #[test]
    fn a_file_gives_its_lines() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"<1>one\r\n\n<2>two").unwrap();
        let corpus = Corpus::load(file.path()).unwrap();
        assert_eq!(corpus.frames().collect::<Vec<_>>(), [&b"<1>one"[..], b"<2>two"]);
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(Corpus::load(empty.path()).is_err());
    }
}
