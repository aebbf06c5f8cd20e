//! All templates of a configuration, by name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag;
use crate::template::Template;

/// Templates by name, with case. As in rsyslog the first of several that are defined under one
/// name is the one that is used, and the built-in ones are there before any other.
#[derive(Clone, Debug)]
pub struct Templates {
    by_name: HashMap<String, Arc<Template>>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// The built-in templates.
    #[must_use]
    pub fn new() -> Self {
        let builtins = Template::builtin_names().filter_map(Template::builtin);
        Self { by_name: builtins.map(|t| (t.name.clone(), Arc::new(t))).collect() }
    }

    /// Adds a template; `false` (and it is dropped) if the name is taken.
    pub fn add(&mut self, template: Template) -> bool {
        let free = !self.by_name.contains_key(&template.name);
        if free {
            self.by_name.insert(template.name.clone(), Arc::new(template));
        }
        free
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Template>> {
        self.by_name.get(name)
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        diag::nearest(name, self.by_name.keys().map(String::as_str))
    }

    /// All names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::Templates;
    use crate::base::diag::Diagnostics;
    use crate::base::diag::Loc;
    use crate::message::Property;
    use crate::template::Options;
    use crate::template::Template;

    fn template(name: &str, text: &str) -> Template {
        let mut diags = Diagnostics::default();
        let options = Options::default();
        let made =
            Template::from_string(name, text.as_bytes(), &options, Loc::default(), &mut diags);
        assert!(!diags.has_errors(), "{diags:?}");
        made.unwrap()
    }

    #[test]
    fn the_first_of_a_name_holds() {
        let mut templates = Templates::new();
        assert!(templates.add(template("a", "one")));
        assert!(!templates.add(template("a", "%msg%")));
        assert!(templates.add(template("A", "%msg%")));
        assert!(!templates.add(template("RSYSLOG_FileFormat", "mine")));
        assert!(templates.get("a").unwrap().is_constant_per_source());
        assert!(!templates.get("A").unwrap().is_constant_per_source());
        assert_eq!(templates.nearest("RSYSLOG_FileFromat"), Some("RSYSLOG_FileFormat"));
        assert!(templates.get("rsyslog_fileformat").is_none());
    }

    #[test]
    fn every_builtin_name_is_there() {
        for name in Template::builtin_names() {
            assert!(Templates::new().get(name).is_some(), "{name:?}");
        }
        assert_eq!(Template::builtin_names().filter(|name| name.starts_with(' ')).count(), 9);
    }

    #[test]
    fn a_template_knows_what_it_asks_for() {
        let forward = Template::builtin("RSYSLOG_ForwardFormat").unwrap();
        let asked: Vec<Property> = forward.properties().collect();
        let expected = [
            Property::Pri,
            Property::TimeReported,
            Property::Hostname,
            Property::SyslogTag,
            Property::Msg,
        ];
        assert_eq!(asked, expected);
        let path = template("path", "/var/log/%fromhost-ip%/%$myhostname:::secpath-replace%.log");
        assert!(path.is_constant_per_source());
    }
}
