//! JSON and CEE text to variables (rsyslog `mmjsonparse`).

use std::sync::Arc;

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
use crate::message::Draft;
use crate::message::MessageFlags;
use crate::message::Variable;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::message::json::parse;
use crate::modifier::AVAILABILITY;
use crate::modifier::container;
use crate::telemetry::Counter;

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
    .since("8.2506"),
    Spec::new("max_scan_bytes", Positive, "65536", "How far find-json looks, in bytes.")
        .since("8.2506"),
    Spec::new("allow_trailing", Bool, "on", "Text may follow what find-json finds.")
        .since("8.2506"),
    Spec::new(
        "hexEscapes",
        Bool,
        "off",
        "Bongsu's own: \\xHH is the byte HH, as nginx writes bytes that are no text; otherwise such a \
         line is no JSON.",
    )
    .own(),
];

/// Where the JSON is.
#[derive(Clone, Debug)]
enum Mode {
    /// Behind this, with nothing before it but blanks, and nothing behind it.
    Cookie(BString),
    /// Anywhere.
    Find(Finder),
}

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Json {
    mode: Mode,
    container: Variable,
    raw: bool,
    /// `hexEscapes`
    hex: bool,
}

impl Json {
    /// Reads its parameters; `None` if the container is no variable.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let mode = match params.str("mode") {
            Some("find-json") => Mode::Find(Finder::compile(params)),
            _ => Mode::Cookie(params.bytes("cookie").cloned().unwrap_or_else(|| "@cee:".into())),
        };
        Some(Self {
            mode,
            container: container("container", "!", params, diags)?,
            raw: params.bool("useRawMsg").unwrap_or(false),
            hex: params.bool("hexEscapes").unwrap_or(false),
        })
    }

    /// Puts the members of the object into the container, and says so in `$parsesuccess`. If there
    /// is none, the text becomes its member `msg`.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let span = if self.raw { draft.message.raw } else { draft.message.msg };
        let text = draft.bytes(span);
        let case = draft.variables.case();
        let plain = if self.hex { without_hex(text) } else { None };
        let find = |text| match &self.mode {
            Mode::Cookie(cookie) => behind_cookie(text, cookie, case),
            Mode::Find(finder) => (finder.find(text, case), text),
        };
        let (object, text) = match plain.as_deref().map(find) {
            Some((object @ Some(_), text)) => (object, text),
            // What is no JSON stays as it came, backslashes and all.
            Some((None, _)) => (None, self.whole(text)),
            None => find(text),
        };
        let parsed = object.is_some();
        let object = object.unwrap_or_else(|| {
            let mut object = Object::default();
            object.set(b"msg", Value::text(text), Case::Sensitive);
            Value::Object(object)
        });
        // Where something else than an object stands, that stays; find-json calls it a failure.
        let set = draft.variables.set(&self.container, object).is_ok();
        match parsed && (set || matches!(self.mode, Mode::Cookie(_))) {
            true => draft.message.flags.set(MessageFlags::PARSE_SUCCESS),
            false => draft.message.flags.clear(MessageFlags::PARSE_SUCCESS),
        }
    }

    /// The text for the case that there is no JSON in it.
    fn whole<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match &self.mode {
            Mode::Cookie(cookie) => after_cookie(text, cookie).unwrap_or_else(|text| text),
            Mode::Find(_) => text,
        }
    }

    /// What find-json did so far: rsyslog's names, and numbers of messages.
    #[must_use]
    pub fn scans(&self) -> Option<[(&'static str, u64); 4]> {
        match &self.mode {
            Mode::Cookie(_) => None,
            Mode::Find(finder) => Some(finder.scans.all()),
        }
    }
}

/// `text` with JSON's own escapes instead of `\xHH`; `None` if there are none.
fn without_hex(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"\\x")?;
    let (mut plain, mut rest) = (Vec::with_capacity(text.len() + 32), text);
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        let escape = &rest[at..];
        let digits = escape.strip_prefix(b"\\x").and_then(|digits| digits.get(..2));
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|d| u8::from_str_radix(str::from_utf8(d).ok()?, 16).ok());
        let length = match byte {
            Some(byte @ ..0x80) => {
                plain.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                4
            }
            Some(byte) => {
                plain.push(byte);
                4
            }
            None => {
                plain.extend_from_slice(&escape[..escape.len().min(2)]);
                2
            }
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    Some(plain)
}

/// The object behind the cookie, and the text for the case that there is none.
fn behind_cookie<'t>(text: &'t [u8], cookie: &[u8], case: Case) -> (Option<Value>, &'t [u8]) {
    let json = after_cookie(text, cookie);
    let object = json.ok().and_then(|json| parse(json, case)).filter(|v| v.as_object().is_some());
    // What looked like the cookie is gone from it, as in rsyslog.
    (object, json.unwrap_or_else(|text| text))
}

/// What stands behind the cookie; if that is missing, all behind the blanks.
fn after_cookie<'t>(text: &'t [u8], cookie: &[u8]) -> Result<&'t [u8], &'t [u8]> {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let text = &text[blanks..];
    text.strip_prefix(cookie).filter(|_| !text.is_empty()).ok_or(text)
}

/// Messages, by what find-json found in them. All shards share it.
#[derive(Debug, Default)]
struct Scans {
    attempted: Counter,
    found: Counter,
    failed: Counter,
    truncated: Counter,
}

impl Scans {
    fn all(&self) -> [(&'static str, u64); 4] {
        [
            ("scan.attempted", self.attempted.get()),
            ("scan.found", self.found.get()),
            ("scan.failed", self.failed.get()),
            ("scan.truncated", self.truncated.get()),
        ]
    }
}

/// The search of find-json.
#[derive(Clone, Debug)]
struct Finder {
    bytes_max: usize,
    trailing: bool,
    scans: Arc<Scans>,
}

impl Finder {
    fn compile(params: &Params) -> Self {
        let bytes_max = params.int("max_scan_bytes").and_then(|bytes| bytes.try_into().ok());
        Self {
            bytes_max: bytes_max.unwrap_or(65_536),
            trailing: params.bool("allow_trailing").unwrap_or(true),
            scans: Arc::default(),
        }
    }

    /// The first `{…}` that is JSON. Each byte is read twice at most: what stands in braces is
    /// parsed once, and the search goes on behind it.
    fn find(&self, text: &[u8], case: Case) -> Option<Value> {
        self.scans.attempted.add(1);
        let window = &text[..text.len().min(self.bytes_max)];
        let (mut at, mut malformed) = (0, false);
        while let Some(start) = memchr::memchr(b'{', &window[at..]) {
            let start = at + start;
            let Some(length) = braces(&window[start..]) else { break };
            at = start + length;
            if let Some(object) = parse(&window[start..at], case) {
                self.scans.found.add(1);
                let ends = text[at..].trim_ascii().is_empty();
                return (self.trailing || ends).then_some(object);
            }
            malformed = true;
        }
        if malformed {
            self.scans.failed.add(1);
        } else if window.len() < text.len() {
            self.scans.truncated.add(1);
        }
        None
    }
}

/// How long the text in braces is that `text` begins with. Braces in double quotes do not count.
fn braces(text: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut at) = (0_usize, false, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
