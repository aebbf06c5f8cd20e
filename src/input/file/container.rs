//! Whose log a file is, by its path (`format="cri"`).

use std::path::Path;

use crate::input::file::pattern;
use crate::input::file::split::Head;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::parse::cri;
use crate::parse::cri::Names;

/// A container, as its messages name it.
#[derive(Debug)]
pub(super) struct Container {
    /// With a colon.
    tag: Vec<u8>,
    /// `$!` of each message, but for what differs.
    variables: Object,
}

impl Container {
    /// The one whose log is found at `path`, and really is at `place`.
    pub(super) fn of(path: &Path, place: &Path) -> Self {
        // A link in /var/log/containers may lead by one in /var/log/pods to somewhere else.
        let link = path.read_link().unwrap_or_default();
        let mut all = Names::default();
        for names in [path, place, &link].map(|path| cri::names(pattern::bytes(path))) {
            let Some(names) = names else { continue };
            for (known, name) in [
                (&mut all.pod, names.pod),
                (&mut all.namespace, names.namespace),
                (&mut all.container, names.container),
                (&mut all.container_id, names.container_id),
                (&mut all.pod_id, names.pod_id),
                (&mut all.restarts, names.restarts),
            ] {
                if known.is_empty() {
                    *known = name;
                }
            }
        }
        let mut kubernetes = Object::default();
        // As fluent-bit calls them.
        for (key, name) in [
            ("pod_name", all.pod),
            ("namespace_name", all.namespace),
            ("container_name", all.container),
            ("docker_id", all.container_id),
            ("pod_id", all.pod_id),
            ("restart_count", all.restarts),
        ] {
            if !name.is_empty() {
                kubernetes.set(key.as_bytes(), Value::text(name), Case::Sensitive);
            }
        }
        let mut variables = Object::default();
        if !kubernetes.is_empty() {
            variables.set(b"kubernetes", Value::Object(kubernetes), Case::Sensitive);
        }
        let name = if all.container.is_empty() { b"container" } else { all.container };
        Self { tag: [name, b":"].concat(), variables }
    }

    /// Whether the kubelet has packed, or is packing, what the file holds: it was read before.
    pub(super) fn is_packed(path: &Path) -> bool {
        path.extension().is_some_and(|end| end == "gz" || end == "tmp")
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// `$!` of messages with such a head.
    pub(super) fn variables(&self, head: Option<&Head>) -> Object {
        let mut all = self.variables.clone();
        if let Some(head) = head {
            let logtag = if head.partial { "P" } else { "F" };
            for (name, text) in [("stream", head.stream.name()), ("logtag", logtag)] {
                all.set(name.as_bytes(), Value::text(text.as_bytes()), Case::Sensitive);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json::Style;
    use crate::message::json::print;

    fn shown(path: &str, place: &str) -> (String, String) {
        let container = Container::of(Path::new(path), Path::new(place));
        let mut text = Vec::new();
        print(&Value::Object(container.variables(None)), Style::Spaced, &mut text);
        let tag = String::from_utf8_lossy(container.tag()).into_owned();
        (tag, String::from_utf8(text).unwrap())
    }

    #[test]
    fn names_are_taken_from_both_paths() {
        let id = "ab".repeat(32);
        let link = format!("/var/log/containers/web-1_shop_nginx-{id}.log");
        let (tag, text) = shown(&link, "/var/log/pods/shop_web-1_u-1/nginx/3.log.20261122-101112");
        let names = r#""pod_name": "web-1", "namespace_name": "shop", "container_name": "nginx""#;
        let more = format!(r#""docker_id": "{id}", "pod_id": "u-1", "restart_count": "3""#);
        assert_eq!(tag, "nginx:");
        assert_eq!(text, format!(r#"{{ "kubernetes": {{ {names}, {more} }} }}"#));
        assert_eq!(shown("/tmp/x.log", "/tmp/x.log"), ("container:".into(), "{ }".into()));
        assert!(Container::is_packed(Path::new("/x/0.log.20261122-101112.gz")));
        assert!(Container::is_packed(Path::new("/x/0.log.20261122-101112.tmp")));
        assert!(!Container::is_packed(Path::new("/x/0.log.20261122-101112")));
    }
}
