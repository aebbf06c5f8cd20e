//! RFC 5424 structured data to variables (rsyslog `mmpstrucdata`).

use bstr::BString;

use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::message::Variable;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::modifier::AVAILABILITY;
use crate::modifier::container;

pub const NAME: &str = "mmpstrucdata";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Parses structured data into variables.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("jsonRoot", Str, "!", "Variable that gets what was parsed."),
    Spec::new("sd_name.lowercase", Bool, "on", "Writes all names in lower case."),
    Spec::new("container", Str, "rfc5424-sd", "The name below jsonRoot.").since("8.2606"),
    Spec::new(
        "maxStructuredDataSize",
        Size,
        "",
        "Longer structured data is not parsed, in bytes; maxMessageSize if not given.",
    )
    .since("8.2606"),
];

/// Longest name of an element or parameter, in bytes; what has a longer one is not parsed.
const NAME_BYTES_MAX: usize = 32;

/// An action of this module.
#[derive(Clone, Debug)]
pub struct StructuredData {
    root: Variable,
    /// The member of the root that the elements become members of.
    name: BString,
    lowercase: bool,
    bytes_max: usize,
}

impl StructuredData {
    /// Reads its parameters; `None` if the root is no variable.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        Some(Self {
            root: container("jsonRoot", "!", params, diags)?,
            name: params.bytes("container").cloned().unwrap_or_else(|| "rfc5424-sd".into()),
            lowercase: params.bool("sd_name.lowercase").unwrap_or(true),
            bytes_max: params.size("maxStructuredDataSize").unwrap_or(usize::MAX),
        })
    }

    /// Sets an object for each element, with a text for each of its parameters. Nothing is set if
    /// any part is malformed.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let text = draft.view().structured_data();
        if text == b"-" || text.len() > self.bytes_max {
            return;
        }
        let mut reader = Reader { text, lowercase: self.lowercase, case: draft.variables.case() };
        let Some(elements) = reader.elements() else { return };
        let mut root = Object::default();
        root.set(&self.name, Value::Object(elements), Case::Sensitive);
        // Where something else than an object stands, that stays.
        _ = draft.variables.set(&self.root, Value::Object(root));
    }
}

struct Reader<'a> {
    /// What is left.
    text: &'a [u8],
    lowercase: bool,
    case: Case,
}

impl Reader<'_> {
    /// Takes `byte`, if it is the next one.
    fn take(&mut self, byte: u8) -> Option<()> {
        self.text = self.text.strip_prefix(&[byte])?;
        Some(())
    }

    fn elements(&mut self) -> Option<Object> {
        let mut elements = Object::default();
        while !self.text.is_empty() {
            self.take(b'[')?;
            let id = self.name();
            let params = self.params()?;
            elements.set(&id, Value::Object(params), self.case);
        }
        Some(elements)
    }

    /// What follows an element's name, `]` included.
    fn params(&mut self) -> Option<Object> {
        let mut params = Object::default();
        while self.take(b']').is_none() {
            self.take(b' ')?;
            while self.take(b' ').is_some() {}
            let name = self.name();
            self.take(b'=')?;
            self.take(b'"')?;
            let value = self.value()?;
            params.set(&name, Value::text(&value), self.case);
        }
        Some(params)
    }

    /// Any bytes up to one that cannot be in a name, even none.
    fn name(&mut self) -> Vec<u8> {
        let ends = |byte: &u8| matches!(byte, b'=' | b'"' | b']' | b' ');
        let length = self.text.iter().take(NAME_BYTES_MAX).take_while(|byte| !ends(byte)).count();
        let (name, rest) = self.text.split_at(length);
        self.text = rest;
        if self.lowercase { name.to_ascii_lowercase() } else { name.to_vec() }
    }

    /// What stands before the closing quote, which is taken.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        loop {
            let length = memchr::memchr2(b'"', b'\\', self.text)?;
            let (plain, rest) = self.text.split_at(length);
            value.extend_from_slice(plain);
            self.text = rest;
            if self.take(b'"').is_some() {
                return Some(value);
            }
            let escaped = *self.text.get(1)?;
            if !matches!(escaped, b'"' | b'\\' | b']') {
                value.push(b'\\');
            }
            value.push(escaped);
            self.text = &self.text[2..];
        }
    }
}
