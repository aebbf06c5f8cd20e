//! What reports are made of: named objects with named numbers, in the formats of rsyslog's
//! impstats.

use std::borrow::Cow;
use std::fmt;

use crate::telemetry::prometheus;
use crate::telemetry::zabbix;

/// How a report is written (rsyslog `impstats`, `format=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `name: origin=… counter=1 `
    #[default]
    Legacy,
    /// `{ "name": "…", "origin": "…", "counter": 1 }`
    Json,
    /// The same, with `!` for each dot in the names of counters: Elasticsearch once took dots for
    /// levels.
    JsonElasticsearch,
    /// JSON behind the cookie `@cee: `.
    Cee,
    /// Lines of Prometheus' exposition format.
    Prometheus,
    /// One JSON object for a whole report.
    Zabbix,
}

impl Format {
    /// Whether a file of reports is for a program that takes nothing but the reports: no times
    /// stand before them.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::Prometheus | Self::Zabbix)
    }
}

/// What a report of `objects` says, message by message. `time` is as `ctime` writes it.
#[must_use]
pub fn report(objects: &[Object], format: Format, time: &str) -> Vec<Vec<u8>> {
    let line = |object: &Object| {
        let mut line = Vec::new();
        object.write(format, &mut line);
        line
    };
    match format {
        Format::Zabbix => vec![zabbix::line(objects, time)],
        Format::Prometheus => objects.iter().flat_map(prometheus::figures).collect(),
        Format::Legacy | Format::Json | Format::JsonElasticsearch | Format::Cee => {
            objects.iter().map(line).collect()
        }
    }
}

/// A number's nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Goes up; with `resetCounters="on"` a report shows what was added since the one before.
    Counter,
    /// A state of now.
    Gauge,
}

/// One number of an object. Its name need not be UTF-8: dynamic ones come from messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub name: Cow<'static, [u8]>,
    pub nature: Nature,
    pub value: i64,
}

impl Figure {
    #[must_use]
    pub fn counter(name: impl Into<Cow<'static, [u8]>>, value: u64) -> Self {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Self { name: name.into(), nature: Nature::Counter, value }
    }

    #[must_use]
    pub fn gauge(name: impl Into<Cow<'static, [u8]>>, value: i64) -> Self {
        Self { name: name.into(), nature: Nature::Gauge, value }
    }
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    pub origin: &'static str,
    /// JSON has the figures inside `values`, since their names are anybody's.
    pub nested: bool,
    pub figures: Vec<Figure>,
}

/// Something that can be reported.
pub trait Probe: fmt::Debug + Send + Sync {
    /// How it stands now. Called once per report, by the one task that reports.
    fn read(&self) -> Object;

    /// Whether there is anything to say; what rsyslogd has no line for appears only then.
    fn is_shown(&self) -> bool {
        true
    }
}

impl Object {
    #[must_use]
    pub const fn new(name: String, origin: &'static str, figures: Vec<Figure>) -> Self {
        Self { name, origin, nested: false, figures }
    }

    /// The line, without a line feed.
    pub fn write(&self, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Legacy => return self.write_legacy(out),
            Format::Cee => out.extend_from_slice(b"@cee: "),
            Format::Prometheus => {
                return out.extend_from_slice(&prometheus::figures(self).join(&b'\n'));
            }
            Format::Json | Format::JsonElasticsearch | Format::Zabbix => {}
        }
        out.extend_from_slice(b"{ \"name\": ");
        quote(self.name.as_bytes(), out);
        out.extend_from_slice(b", \"origin\": ");
        quote(self.origin.as_bytes(), out);
        if self.nested {
            out.extend_from_slice(b", \"values\": {");
        }
        for (i, figure) in self.figures.iter().enumerate() {
            if !self.nested || i > 0 {
                out.push(b',');
            }
            out.push(b' ');
            match format {
                Format::JsonElasticsearch => {
                    let name: Vec<u8> =
                        figure.name.iter().map(|b| if *b == b'.' { b'!' } else { *b }).collect();
                    quote(&name, out);
                }
                _ => quote(&figure.name, out),
            }
            out.extend_from_slice(format!(": {}", figure.value).as_bytes());
        }
        out.extend_from_slice(if self.nested { b" } }" } else { b" }" });
    }

    fn write_legacy(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{}: origin={} ", self.name, self.origin).as_bytes());
        for figure in &self.figures {
            out.extend_from_slice(&figure.name);
            out.extend_from_slice(format!("={} ", figure.value).as_bytes());
        }
    }
}

/// JSON text in quotes, with a backslash before a slash as libfastjson writes it.
fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' | b'/' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(object: &Object, format: Format) -> String {
        let mut out = Vec::new();
        object.write(format, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Lines of rsyslogd 8.2302.
    #[test]
    fn formats_are_rsyslogs() {
        let figures = vec![
            Figure::counter(&b"submitted"[..], 7),
            Figure::counter(&b"sessions.opened"[..], 1),
        ];
        let object = Object::new("imptcp(*/514/IPv4)".into(), "imptcp", figures);
        for (format, line) in [
            (Format::Legacy, "imptcp(*/514/IPv4): origin=imptcp submitted=7 sessions.opened=1 "),
            (
                Format::Json,
                r#"{ "name": "imptcp(*\/514\/IPv4)", "origin": "imptcp", "submitted": 7, "sessions.opened": 1 }"#,
            ),
            (
                Format::JsonElasticsearch,
                r#"{ "name": "imptcp(*\/514\/IPv4)", "origin": "imptcp", "submitted": 7, "sessions!opened": 1 }"#,
            ),
        ] {
            assert_eq!(written(&object, format), line);
        }
        let figures = vec![Figure::gauge(&b"a\"b\t"[..], 4), Figure::gauge(&b"c"[..], -1)];
        let bucket =
            Object { nested: true, ..Object::new("ds".into(), "dynstats.bucket", figures) };
        assert_eq!(
            written(&bucket, Format::Cee),
            r#"@cee: { "name": "ds", "origin": "dynstats.bucket", "values": { "a\"b\t": 4, "c": -1 } }"#
        );
        let empty = Object { figures: Vec::new(), ..bucket };
        assert_eq!(
            written(&empty, Format::Json),
            r#"{ "name": "ds", "origin": "dynstats.bucket", "values": { } }"#
        );
        assert_eq!(written(&empty, Format::Legacy), "ds: origin=dynstats.bucket ");
    }
}
