//! All templates of a configuration, by name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::diag;
use crate::template::Template;

/// Templates by name, with case. As in rsyslog the first of several that are defined under one
/// name is the one that is used, and the built-in ones are there before any other.
#[derive(Debug, Default)]
pub struct Templates {
    by_name: HashMap<String, Arc<Template>>,
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
