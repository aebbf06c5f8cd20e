//! LEEF events to variables (rsyslog `mmleefparse`, new in 8.2608).

use bstr::BString;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::message::MessageFlags;
use crate::message::Variable;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::modifier::AVAILABILITY;
use crate::modifier::container;

pub const NAME: &str = "mmleefparse";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Parses LEEF into variables.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("cookie", Str, "LEEF:", "What the LEEF part begins with.").since("8.2608"),
    Spec::new("useRawMsg", Bool, "on", "Parses the whole message instead of its text.")
        .since("8.2608"),
    Spec::new("container", Str, "$!", "Variable that gets header and fields.").since("8.2608"),
    Spec::new("delimiter", Str, "\\t", "What stands between fields.").since("8.2608"),
    Spec::new("searchCookie", Bool, "on", "The cookie may stand behind other text.")
        .since("8.2608"),
    Spec::new("searchWindow", NonNegative, "64", "How far, in characters.").since("8.2608"),
];

/// What stands between `|`, behind the cookie, and how it is called.
const HEADER: [&str; 5] = ["protocolVersion", "vendor", "product", "productVersion", "eventID"];

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Leef {
    cookie: BString,
    raw: bool,
    container: Variable,
    delimiter: u8,
    /// In how many of the first bytes the cookie is looked for; `None`: they begin with it.
    window: Option<usize>,
}

impl Leef {
    /// Reads its parameters; `None` if the container is no variable, or the delimiter is not one
    /// byte.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let delimiter = match params.bytes("delimiter").map_or(&b"\\t"[..], |text| text) {
            b"\\t" => b'\t',
            b"\\n" => b'\n',
            b"\\\\" => b'\\',
            [byte] => *byte,
            _ => {
                let text = "'delimiter' is one character: the action is left out";
                let help = "\\t is a tab, \\n a line feed, \\\\ a backslash";
                diags.push(Diagnostic::error(params.loc("delimiter"), text).help(help));
                return None;
            }
        };
        let window = params.int("searchWindow").unwrap_or(64);
        Some(Self {
            cookie: params.bytes("cookie").cloned().unwrap_or_else(|| "LEEF:".into()),
            raw: params.bool("useRawMsg").unwrap_or(true),
            container: container("container", "!", params, diags)?,
            delimiter,
            window: params
                .bool("searchCookie")
                .unwrap_or(true)
                .then(|| usize::try_from(window).unwrap_or(0)),
        })
    }

    /// Sets `header` and `fields` below the container, and says so in `$parsesuccess`. Nothing is
    /// set if the message holds no LEEF.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let span = if self.raw { draft.message.raw } else { draft.message.msg };
        let event = self.event(draft.bytes(span), draft.variables.case());
        // Where something else than an object stands, that stays.
        let set = event.map(|event| draft.variables.set(&self.container, event));
        match set {
            Some(Ok(())) => draft.message.flags.set(MessageFlags::PARSE_SUCCESS),
            _ => draft.message.flags.clear(MessageFlags::PARSE_SUCCESS),
        }
    }

    fn event(&self, text: &[u8], case: Case) -> Option<Value> {
        let mut rest = self.behind_cookie(text)?;
        let mut header = Object::default();
        for name in HEADER {
            let (value, behind) = cut(rest, b'|')?;
            header.push(name.as_bytes(), Value::text(value));
            rest = behind;
        }
        let mut fields = Object::default();
        for field in rest.split(|byte| *byte == self.delimiter) {
            // What is no pair is passed over.
            let Some((name, value)) = cut(field, b'=') else { continue };
            let name = name.trim_ascii();
            if !name.is_empty() {
                fields.set(name, Value::text(value), case);
            }
        }
        let mut event = Object::default();
        event.push(b"header", Value::Object(header));
        event.push(b"fields", Value::Object(fields));
        Some(Value::Object(event))
    }

    /// The text from the version on.
    fn behind_cookie<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let Some(window) = self.window else {
            return text.trim_ascii_start().strip_prefix(self.cookie.as_slice());
        };
        let at = memchr::memmem::find(&text[..text.len().min(window)], &self.cookie)?;
        Some(&text[at + self.cookie.len()..])
    }
}

/// What stands before and behind the first `byte`.
fn cut(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}
