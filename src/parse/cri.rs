//! Lines as the runtimes of Kubernetes' containers write them: `TIME STREAM TAGS TEXT`, and what
//! the names of their files say. (Kubernetes' CRI log format: `TIME` is of RFC 3339, `TAGS` are
//! separated by colons, and the first of them is `F` or `P`.)

use memchr::memchr;
use memchr::memrchr;

use crate::message::Timestamp;
use crate::parse::timestamp;

/// Longest time, stream and tags, in bytes, with the spaces behind them; where there is more, it is
/// no such line.
pub const HEADER_MAX: usize = 128;

/// Digits of a container's number in the name of a file.
const ID_DIGITS: usize = 64;

/// Where a container wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// What stands before the text of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub time: Timestamp,
    /// Bytes of the time, with which the line begins.
    pub time_len: usize,
    /// The time is what `date-rfc3339` would print.
    pub time_canonical: bool,
    pub stream: Stream,
    /// The text goes on with the next line of the stream.
    pub partial: bool,
    /// Where the text begins.
    pub text: usize,
}

/// Reads the header of a line, which stands there without its LF. `None` if it is no such line.
#[must_use]
pub fn header(line: &[u8]) -> Option<Header> {
    let head = line.get(..HEADER_MAX).unwrap_or(line);
    let stamp = timestamp::rfc3339(head)?;
    let rest = head.get(stamp.next..)?;
    if stamp.next == stamp.len {
        return None;
    }
    let stream = match rest.first_chunk::<7>()? {
        b"stdout " => Stream::Stdout,
        b"stderr " => Stream::Stderr,
        _ => return None,
    };
    let tags = &rest[7..];
    let partial = match tags.first()? {
        b'F' => false,
        b'P' => true,
        _ => return None,
    };
    let len = match tags.get(1) {
        // The space may be missing where there is no text.
        None if head.len() == line.len() => 1,
        Some(b' ') => 2,
        Some(b':') => match memchr(b' ', tags) {
            Some(end) => end + 1,
            None if head.len() == line.len() => tags.len(),
            None => return None,
        },
        _ => return None,
    };
    Some(Header {
        time: stamp.time,
        time_len: stamp.len,
        time_canonical: stamp.canonical,
        stream,
        partial,
        text: stamp.next + 7 + len,
    })
}

/// What a path says of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'a> {
    pub pod: &'a [u8],
    pub namespace: &'a [u8],
    pub container: &'a [u8],
    /// The container's number; empty if the path does not say it.
    pub container_id: &'a [u8],
    /// The pod's; empty if the path does not say it.
    pub pod_id: &'a [u8],
    /// How often the container was begun again; empty if the path does not say it.
    pub restarts: &'a [u8],
}

/// Reads the names in a path: `{pod}_{namespace}_{container}-{64 digits}.log`, whatever stands
/// before it, or `{namespace}_{pod}_{uid}/{container}/{restarts}.log`, whatever stands behind that
/// (`.20261122-101112`). `None` if it is neither.
#[must_use]
pub fn names(path: &[u8]) -> Option<Names<'_>> {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let file = parts.next()?;
    of_link(file).or_else(|| {
        let (container, pod) = parts.next().zip(parts.next())?;
        of_pod(pod, container, file)
    })
}

fn of_link(file: &[u8]) -> Option<Names<'_>> {
    let name = file.strip_suffix(b".log")?;
    let (name, container_id) = name.split_at_checked(name.len().checked_sub(ID_DIGITS)?)?;
    if !container_id.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let [pod, namespace, container] = three(name.strip_suffix(b"-")?)?;
    Some(Names { pod, namespace, container, container_id, ..Names::default() })
}

fn of_pod<'a>(pod: &'a [u8], container: &'a [u8], file: &'a [u8]) -> Option<Names<'a>> {
    let digits = file.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (restarts, rest) = file.split_at(digits);
    if restarts.is_empty() || container.is_empty() {
        return None;
    }
    if rest.strip_prefix(b".log")?.first().is_some_and(|byte| *byte != b'.') {
        return None;
    }
    let [namespace, pod, pod_id] = three(pod)?;
    Some(Names { pod, namespace, container, pod_id, restarts, ..Names::default() })
}

/// Three names between underscores, which names in Kubernetes have none of.
fn three(text: &[u8]) -> Option<[&[u8]; 3]> {
    let (first, last) = (memchr(b'_', text)?, memrchr(b'_', text)?);
    let all = [text.get(..first)?, text.get(first + 1..last)?, text.get(last + 1..)?];
    let fine = all.iter().all(|name| !name.is_empty() && memchr(b'_', name).is_none());
    fine.then_some(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::Offset;

    /// The same, slowly: words between spaces.
    fn slow(line: &[u8]) -> Option<Header> {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let (time, stream, tags) = (words.next()?, words.next()?, words.next()?);
        let stamp = timestamp::rfc3339(time).filter(|stamp| stamp.len == time.len())?;
        let stream = [Stream::Stdout, Stream::Stderr]
            .into_iter()
            .find(|known| known.name().as_bytes() == stream)?;
        let first = tags.split(|byte| *byte == b':').next()?;
        let partial = [&b"F"[..], b"P"].iter().position(|known| *known == first)? == 1;
        let before = line.len().min(time.len() + 1 + 7 + tags.len() + 1);
        (before <= HEADER_MAX).then_some(Header {
            time: stamp.time,
            time_len: stamp.len,
            time_canonical: stamp.canonical,
            stream,
            partial,
            text: before,
        })
    }

    proptest! {
        #[test]
        fn lines_are_read_as_word_by_word(
            time in "2026-1[0-9]-2[0-9]T0[0-9]:10:1[0-9](\\.[0-9]{1,10})?(Z|[+-]0[0-9]:[03]0)| |",
            stream in " (stdout|stderr|stdin|STDOUT|) ?",
            tags in "[FPX](:[a-z:]{0,5}|:[x]{70,90})?| ",
            text in " [ -~]{0,9}| |",
        ) {
            let line = [time, stream, tags, text].concat();
            prop_assert_eq!(header(line.as_bytes()), slow(line.as_bytes()), "{}", line);
        }

        #[test]
        fn any_bytes_do(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(header(&line), slow(&line));
            if let Some(names) = names(&line) {
                prop_assert!(!names.pod.is_empty());
            }
        }

        #[test]
        fn names_come_back(
            pod in "[a-z0-9.-]{1,20}", namespace in "[a-z0-9-]{1,9}", container in "[a-z0-9-]{1,9}",
            id in "[0-9a-f]{64}", uid in "[0-9a-f-]{1,36}", n in 0..1000_u32,
        ) {
            let path = format!("/var/log/containers/{pod}_{namespace}_{container}-{id}.log");
            let found = names(path.as_bytes()).unwrap();
            let all = [found.pod, found.namespace, found.container, found.container_id];
            prop_assert_eq!(all, [&pod, &namespace, &container, &id].map(String::as_bytes));
            for end in ["", ".20261122-101112"] {
                let path = format!("/var/log/pods/{namespace}_{pod}_{uid}/{container}/{n}.log{end}");
                let found = names(path.as_bytes()).unwrap();
                let all = [found.pod, found.namespace, found.container, found.pod_id];
                let wanted = [&pod, &namespace, &container, &uid].map(String::as_bytes);
                prop_assert_eq!(all, wanted);
                let n = n.to_string();
                prop_assert_eq!(found.restarts, n.as_bytes());
            }
        }
    }

    #[test]
    fn a_line_has_its_parts() {
        let line = b"2026-11-22T19:04:05.123456789+09:00 stderr P:x:y two words";
        let found = header(line).unwrap();
        assert_eq!((found.stream, found.partial), (Stream::Stderr, true));
        assert_eq!(&line[found.text..], b"two words");
        assert_eq!(&line[..found.time_len], &line[..35]);
        assert_eq!((found.time.fraction, found.time.precision), (123_456_789, 9));
        assert_eq!((found.time.hour, found.time.offset), (19, Offset::east(540)));
        for empty in ["F ", "F", "F:more", "P:"] {
            let line = format!("2026-11-22T19:04:05Z stdout {empty}");
            assert_eq!(header(line.as_bytes()).unwrap().text, line.len(), "{empty}");
        }
    }

    #[test]
    fn other_paths_have_no_names() {
        let id = "0".repeat(64);
        for path in [
            format!("/x/a_b-{id}.log"),
            format!("/x/a_b_c_d-{id}.log"),
            format!("/x/_b_c-{id}.log"),
            format!("/x/a_b_c{id}.log"),
            format!("/x/a_b_c-{}x.log", "0".repeat(63)),
            "/var/log/pods/a_b_c/d/x.log".into(),
            "/var/log/pods/a_b_c/d/0.logx".into(),
            "/var/log/pods/a_b/d/0.log".into(),
            "a_b_c/0.log".into(),
            "0.log".into(),
            "/".into(),
            String::new(),
        ] {
            assert_eq!(names(path.as_bytes()), None, "{path}");
        }
    }
}
