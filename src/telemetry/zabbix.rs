//! A report for Zabbix: one JSON object, with the objects of each origin in an array (rsyslog,
//! since 2025).
//!
//! ```text
//! { "timedate": "Sun Nov 22 10:25:02 2026", "stats_core_action": [{ … },{ … }], "stats_imptcp": [{ … }]}
//! ```

use crate::telemetry::Format;
use crate::telemetry::Object;

/// Origins whose totals (an object of the origin's own name) stand apart from those of their parts.
const DIVIDED: [&str; 4] = ["imkafka", "omkafka", "imtcp", "imudp"];

/// The line, without a line feed. `time` is as `ctime` writes it.
pub(super) fn line(objects: &[Object], time: &str) -> Vec<u8> {
    let mut groups: Vec<(String, Vec<u8>)> = Vec::new();
    for object in objects {
        let key = key(object);
        let found = groups.iter().position(|(known, _)| *known == key);
        let index = found.unwrap_or_else(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        let members = &mut groups[index].1;
        if !members.is_empty() {
            members.push(b',');
        }
        object.write(Format::Json, members);
    }
    let mut line = format!("{{ \"timedate\": \"{time}\"").into_bytes();
    for (key, members) in groups {
        line.extend_from_slice(format!(", \"{key}\": [").as_bytes());
        line.extend_from_slice(&members);
        line.push(b']');
    }
    line.push(b'}');
    line
}

/// The array that an object goes into.
fn key(object: &Object) -> String {
    if object.origin == "core.action" && object.name.contains("omkafka") {
        return "stats_omkafka_local".to_owned();
    }
    let origin = object.origin.replace('.', "_");
    if !DIVIDED.contains(&object.origin) {
        return format!("stats_{origin}");
    }
    let part = if object.name == object.origin { "global" } else { "local" };
    format!("stats_{origin}_{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Figure;

    #[test]
    fn origins_have_arrays_in_the_order_of_their_first_objects() {
        let object = |name: &str, origin, n| {
            Object::new(name.into(), origin, vec![Figure::counter(&b"n"[..], n)])
        };
        let objects = [
            object("a", "core.action", 1),
            object("imudp", "imudp", 2),
            object("imudp(w0)", "imudp", 3),
            object("b", "core.action", 4),
            object("my omkafka", "core.action", 5),
        ];
        let text = String::from_utf8(line(&objects, "Sun Nov 22 10:25:02 2026")).unwrap();
        assert_eq!(
            text,
            r#"{ "timedate": "Sun Nov 22 10:25:02 2026", "stats_core_action": [{ "name": "a", "origin": "core.action", "n": 1 },{ "name": "b", "origin": "core.action", "n": 4 }], "stats_imudp_global": [{ "name": "imudp", "origin": "imudp", "n": 2 }], "stats_imudp_local": [{ "name": "imudp(w0)", "origin": "imudp", "n": 3 }], "stats_omkafka_local": [{ "name": "my omkafka", "origin": "core.action", "n": 5 }]}"#
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
