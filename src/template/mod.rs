//! Floor 4: compiled templates and rsyslog's property replacer: messages to bytes.
//!
//! A [`Template`] is made once, from a `template()` object, a `$template` line or a built-in name,
//! and is a short list of operations. Rendering appends to the caller's buffer and allocates only
//! while that buffer grows.
//!
//! | file | what it does |
//! |---|---|
//! | `text` | string templates: text to pieces |
//! | `compile` | `template()` objects to pieces, checked |
//! | `field` | one `%property%` with its options; what it does to a value |
//! | `escape` | JSON, CSV and SQL escaping |
//! | `entry` | templates as fields of journal entries |
//! | `builtin` | the names that need no definition |
//! | `twin`, `fuzz` | the same by the plainest code, and the fuzz target that compares the two |

mod builtin;
mod compile;
mod entry;
mod escape;
mod field;
#[cfg(any(test, fuzzing))]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod recorded;
mod render;
mod rfc5424;
mod set;
mod text;
#[cfg(any(test, fuzzing))]
mod twin;

pub use compile::CONSTANT as CONSTANT_PARAMS;
pub use compile::PROPERTY as PROPERTY_PARAMS;
pub use compile::TEMPLATE as PARAMS;
#[cfg(any(test, fuzzing))]
pub use fuzz::fuzz_template;
pub use render::Behind;
pub use render::Escape;
pub use render::Options;
pub use render::Template;
pub use set::Templates;
