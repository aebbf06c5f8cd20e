//! JSON and CEE text to variables (rsyslog `mmjsonparse`).

use bstr::BString;

use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;
use crate::message::Draft;
use crate::message::MessageFlags;
use crate::message::Variable;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::message::json::parse;
use crate::modifier::AVAILABILITY;
use crate::modifier::container;

pub const NAME: &str = "mmjsonparse";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Parses JSON and CEE text into variables.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("cookie", Str, "@cee:", "What must stand before the JSON."),
    Spec::new("container", Str, "$!", "Variable that gets what was parsed."),
    Spec::new("useRawMsg", Bool, "off", "Parses the whole message instead of its text."),
    Spec::new(
        "mode",
        Exact(&["cookie", "find-json"]),
        "cookie",
        "Behind the cookie, or wherever the first object stands.",
    )
    .since("8.2506")
    .later(LEFT_OUT),
    Spec::new("max_scan_bytes", Positive, "65536", "How far find-json looks, in bytes.")
        .since("8.2506")
        .later(LEFT_OUT),
    Spec::new("allow_trailing", Bool, "on", "Text may follow what find-json finds.")
        .since("8.2506")
        .later(LEFT_OUT),
];

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Json {
    cookie: BString,
    container: Variable,
    raw: bool,
}

impl Json {
    /// Reads its parameters; `None` if the container is no variable.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        Some(Self {
            cookie: params.bytes("cookie").cloned().unwrap_or_else(|| "@cee:".into()),
            container: container("container", "!", params, diags)?,
            raw: params.bool("useRawMsg").unwrap_or(false),
        })
    }

    /// Puts the members of the object behind the cookie into the container, and says so in
    /// `$parsesuccess`. If there is none, the text becomes its member `msg`.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let span = if self.raw { draft.message.raw } else { draft.message.msg };
        let text = draft.bytes(span);
        let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
        let text = &text[blanks..];
        let json = text.strip_prefix(self.cookie.as_slice()).filter(|_| !text.is_empty());
        let case = draft.variables.case();
        let object = json.and_then(|json| parse(json, case)).filter(|v| v.as_object().is_some());
        let parsed = object.is_some();
        let object = object.unwrap_or_else(|| {
            let mut object = Object::default();
            // What looked like the cookie is gone from it, as in rsyslog.
            object.set(b"msg", Value::text(json.unwrap_or(text)), Case::Sensitive);
            Value::Object(object)
        });
        // Where something else than an object stands, that stays.
        _ = draft.variables.set(&self.container, object);
        match parsed {
            true => draft.message.flags.set(MessageFlags::PARSE_SUCCESS),
            false => draft.message.flags.clear(MessageFlags::PARSE_SUCCESS),
        }
    }
}
