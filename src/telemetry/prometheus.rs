//! A report for Prometheus: its text exposition format, three lines for each figure.
//!
//! ```text
//! # HELP imudp_submitted_total rsyslog stats: origin="imudp" object="imudp", counter="submitted"
//! # TYPE imudp_submitted_total counter
//! imudp_submitted_total 7
//! ```
//!
//! A name with characters that Prometheus does not take (`main Q`, `discarded.full`) is written in
//! Prometheus' own escaping "values": `U__` in front, each underscore doubled, the code point of
//! what is not taken between underscores (rsyslog, since 2026).

use std::fmt::Write as _;

use crate::telemetry::Nature;
use crate::telemetry::Object;

/// The lines of each figure of `object`, without the last line feed.
pub(super) fn figures(object: &Object) -> Vec<Vec<u8>> {
    object
        .figures
        .iter()
        .map(|figure| {
            let counter = String::from_utf8_lossy(&figure.name);
            let (kind, suffix) = match figure.nature {
                Nature::Counter => ("counter", "_total"),
                Nature::Gauge => ("gauge", ""),
            };
            let name = metric(&format!("{}_{counter}{suffix}", object.name));
            let help = format!(
                "rsyslog stats: origin=\"{}\" object=\"{}\", counter=\"{counter}\"",
                object.origin, object.name
            );
            // What would end the line; quotes may stand in it.
            let help = help.replace('\\', r"\\").replace('\n', r"\n");
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}", figure.value)
                .into_bytes()
        })
        .collect()
}

/// `name` as Prometheus takes it.
fn metric(name: &str) -> String {
    let taken = |at: usize, c: char| {
        c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (at > 0 && c.is_ascii_digit())
    };
    if name.chars().enumerate().all(|(at, c)| taken(at, c)) {
        return name.to_owned();
    }
    let mut escaped = "U__".to_owned();
    for (at, c) in name.chars().enumerate() {
        match c {
            '_' => escaped.push_str("__"),
            c if taken(at, c) => escaped.push(c),
            // Writing to a text cannot fail.
            c => _ = write!(escaped, "_{:X}_", u32::from(c)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Figure;

    #[test]
    fn names_are_escaped_when_they_have_to_be() {
        for (name, escaped) in [
            ("imhttp_submitted_total", "imhttp_submitted_total"),
            // rsyslog's own tests.
            (
                "action-0-builtin:omfile_processed_total",
                "U__action_2D_0_2D_builtin:omfile__processed__total",
            ),
            ("main Q_enqueued_total", "U__main_20_Q__enqueued__total"),
            ("7_a.b", "U___37___a_2E_b"),
            ("ü\u{fffd}_x", "U___FC__FFFD___x"),
        ] {
            assert_eq!(metric(name), escaped);
        }
    }

    #[test]
    fn each_figure_has_its_lines() {
        let figures =
            vec![Figure::counter(&b"submitted"[..], 7), Figure::gauge(&b"s\n\"\xff"[..], -1)];
        let lines = super::figures(&Object::new("imudp".into(), "imudp", figures));
        let text = |lines: &[u8]| String::from_utf8(lines.to_vec()).unwrap();
        assert_eq!(
            text(&lines[0]),
            "# HELP imudp_submitted_total rsyslog stats: origin=\"imudp\" object=\"imudp\", \
             counter=\"submitted\"\n# TYPE imudp_submitted_total counter\nimudp_submitted_total 7"
        );
        assert_eq!(text(&lines[1]).lines().count(), 3);
        assert!(
            text(&lines[1])
                .ends_with("\n# TYPE U__imudp__s_A__22__FFFD_ gauge\nU__imudp__s_A__22__FFFD_ -1")
        );
    }
}
