//! Objects other than modules, and their parameters.

use crate::config::ast::ObjectKind;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;

static LOOKUP_TABLE: &[Spec] = &[
    Spec::new("name", Str, "", "What lookup() calls it."),
    Spec::new("file", Str, "", "The JSON file that holds it."),
];

/// The parameters of an object that nothing runs yet; `None` for any other.
#[must_use]
pub const fn object(kind: ObjectKind) -> Option<&'static [Spec]> {
    match kind {
        ObjectKind::LookupTable => Some(LOOKUP_TABLE),
        _ => None,
    }
}
