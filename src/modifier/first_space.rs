//! The blank that stands before the text of RFC 3164 messages (rsyslog `mmrm1stspace`).

use crate::config::module::Module;
use crate::config::module::Role;
use crate::message::Draft;
use crate::modifier::AVAILABILITY;

pub const NAME: &str = "mmrm1stspace";

/// What it takes: nothing.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Drops the blank before the text.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[],
};

/// An action of this module.
#[derive(Clone, Copy, Debug)]
pub struct FirstSpace;

impl FirstSpace {
    /// Drops one blank from the beginning of `msg`, if there is one.
    pub fn apply(self, draft: &mut Draft<'_>) {
        if let Some(text) = draft.bytes(draft.message.msg).strip_prefix(b" ") {
            let text = text.to_vec();
            draft.replace_msg(&text);
        }
    }
}
