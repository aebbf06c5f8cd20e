//! Text with separators to variables (rsyslog `mmfields`).

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Char;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::message::Variable;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::modifier::AVAILABILITY;

pub const NAME: &str = "mmfields";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Splits messages into fields.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("separator", Char, ",", "What stands between fields."),
    Spec::new("jsonRoot", Str, "!", "Variable that gets f1, f2 and so on, without its $."),
];

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Fields {
    separator: u8,
    /// `None`: what was given is no variable, and nothing is set.
    root: Option<Variable>,
}

impl Fields {
    /// Reads its parameters.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Self {
        let byte = |name| params.bytes(name).and_then(|text| text.first().copied());
        let root = params.bytes("jsonRoot").map_or(&b"!"[..], |text| text.as_slice());
        let root = Variable::parse(root);
        if root.is_none() {
            let text = "jsonRoot is no variable: no field is set";
            let help = "begin it with !, . or /, and without $: mmfields knows no other form";
            diags.push(Diagnostic::warning(params.loc("jsonRoot"), text).help(help));
        }
        Self { separator: byte("separator").unwrap_or(b','), root }
    }

    /// Sets `f1`, `f2` and so on. Behind a separator at the end there is no field.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let Some(root) = &self.root else { return };
        let text = draft.bytes(draft.message.msg);
        let text = text.strip_suffix(&[self.separator]).unwrap_or(text);
        let mut object = Object::default();
        if !draft.message.msg.is_empty() {
            for (i, field) in text.split(|byte| *byte == self.separator).enumerate() {
                let name = format!("f{}", i + 1);
                object.push(name.as_bytes(), Value::text(field));
            }
        }
        // Where something else than an object stands, that stays.
        _ = draft.variables.set(root, Value::Object(object));
    }
}
