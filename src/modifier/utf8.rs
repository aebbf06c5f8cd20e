//! Bytes that are no UTF-8, or no printable ASCII (rsyslog `mmutf8fix`).

use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;
use crate::message::Draft;
use crate::modifier::AVAILABILITY;

pub const NAME: &str = "mmutf8fix";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Replaces bytes that are no UTF-8.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["utf-8", "controlcharacters"]),
        "utf-8",
        "What is replaced: bytes that are no UTF-8, or all that is not printable ASCII.",
    ),
    Spec::new("replacementChar", Char, " ", "What replaces each byte."),
    Spec::new("replacementSequence", Str, "", "Bytes that replace each byte.")
        .since("8.2606")
        .later(LEFT_OUT),
];

/// An action of this module.
#[derive(Clone, Copy, Debug)]
pub struct Utf8 {
    ascii: bool,
    replacement: u8,
}

impl Utf8 {
    /// Reads its parameters.
    #[must_use]
    pub fn compile(params: &Params) -> Self {
        let byte = |name| params.bytes(name).and_then(|text| text.first().copied());
        Self {
            ascii: params.str("mode") == Some("controlcharacters"),
            replacement: byte("replacementChar").unwrap_or(b' '),
        }
    }

    /// Replaces what is wrong in `msg`, byte for byte.
    pub fn apply(self, draft: &mut Draft<'_>) {
        let text = draft.bytes(draft.message.msg);
        if self.ascii {
            let odd = |byte: &u8| !matches!(byte, b' '..=b'~');
            if text.iter().any(odd) {
                let replaced = |byte: &u8| if odd(byte) { self.replacement } else { *byte };
                let text: Vec<_> = text.iter().map(replaced).collect();
                draft.replace_msg(&text);
            }
        } else if std::str::from_utf8(text).is_err() {
            let mut fixed = Vec::with_capacity(text.len());
            for chunk in text.utf8_chunks() {
                fixed.extend_from_slice(chunk.valid().as_bytes());
                fixed.resize(fixed.len() + chunk.invalid().len(), self.replacement);
            }
            draft.replace_msg(&fixed);
        }
    }
}
