//! Names with dots to nested objects, and back (rsyslog `mmjsontransform`, new in 8.2410).

use bstr::BString;

use crate::base::diag::Diagnostics;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Kind::Word;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;
use crate::message::Draft;
use crate::message::Variable;
use crate::message::json::Case;
use crate::message::json::Object;
use crate::message::json::Value;
use crate::modifier::AVAILABILITY;
use crate::modifier::container;

pub const NAME: &str = "mmjsontransform";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Turns dotted names into nested objects, and back.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("input", Token, "", "Variable to read.").required().since("8.2410"),
    Spec::new("output", Token, "", "Variable to write; it must not be there yet.")
        .required()
        .since("8.2410"),
    Spec::new(
        "mode",
        Word(&["unflatten", "flatten"]),
        "unflatten",
        "Dotted names to nested objects, or back.",
    )
    .since("8.2410"),
    Spec::new("policy", Str, "", "YAML file that renames and drops names first.")
        .since("8.2602")
        .later(LEFT_OUT),
    Spec::new("policyWatch", Bool, "off", "Reads that file anew when it changes.")
        .since("8.2604")
        .later(LEFT_OUT),
    Spec::new("policyWatchDebounce", Str, "5s", "How long it must be quiet before.")
        .since("8.2604")
        .later(LEFT_OUT),
];

/// Two values for one place: the output is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Conflict;

/// An action of this module.
#[derive(Clone, Debug)]
pub struct Dots {
    pub(super) input: Variable,
    output: Variable,
    flatten: bool,
}

impl Dots {
    /// Reads its parameters; `None` if one of the variables is none.
    pub fn compile(params: &Params, diags: &mut Diagnostics) -> Option<Self> {
        let input = container("input", "", params, diags);
        let output = container("output", "", params, diags);
        let flatten = params.str("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("flatten"));
        Some(Self { input: input?, output: output?, flatten })
    }

    /// Sets the output to the input in its other form. Nothing is set if the input is no object, if
    /// the output is there already, or if two names of the input become one with different values.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        let variables = &mut *draft.variables;
        let case = variables.case();
        let there = |value: Option<&Value>| value.is_some_and(|value| *value != Value::Null);
        if variables.with(&self.output, there) {
            return;
        }
        let made = variables.with(&self.input, |input| {
            let object = input?.as_object()?;
            if self.flatten { flattened(object, case).ok() } else { nested(object, b'.', case) }
        });
        if let Some(made) = made {
            // On the way to it something else than an object may be: that stays.
            _ = variables.set(&self.output, Value::Object(made));
        }
    }
}

/// The same with an object for each part of a name that ends in `separator`; `None` if two names
/// become one with different values (rsyslog `unflatten()`).
#[must_use]
pub fn nested(object: &Object, separator: u8, case: Case) -> Option<Object> {
    nest(object, separator, case).ok()
}

fn nest(object: &Object, separator: u8, case: Case) -> Result<Object, Conflict> {
    let mut made = Object::default();
    for (name, value) in object.iter() {
        let value = inside(value, &|object| nest(object, separator, case))?;
        put(&mut made, name, value, separator, case)?;
    }
    Ok(made)
}

/// The same without objects in objects, but for empty ones: their members have the names of both,
/// with a dot between.
fn flattened(object: &Object, case: Case) -> Result<Object, Conflict> {
    let mut made = Object::default();
    flatten_into(&mut made, &BString::default(), object, case)?;
    Ok(made)
}

fn flatten_into(
    made: &mut Object,
    prefix: &BString,
    object: &Object,
    case: Case,
) -> Result<(), Conflict> {
    for (name, value) in object.iter() {
        let mut path = prefix.clone();
        path.extend_from_slice(name);
        match value {
            Value::Object(members) if !members.is_empty() => {
                path.push(b'.');
                flatten_into(made, &path, members, case)?;
            }
            value => {
                let value = inside(value, &|object| flattened(object, case))?;
                match made.get(&path, case) {
                    Some(there) if *there != value => return Err(Conflict),
                    Some(_) => {}
                    None => made.set(&path, value, case),
                }
            }
        }
    }
    Ok(())
}

/// The value with what `change` makes of the objects in it. They are no deeper than what was read
/// as JSON.
fn inside(
    value: &Value,
    change: &dyn Fn(&Object) -> Result<Object, Conflict>,
) -> Result<Value, Conflict> {
    Ok(match value {
        Value::Object(object) => Value::Object(change(object)?),
        Value::Array(items) => {
            let items = items.iter().map(|item| inside(item, change));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// Puts a value where the parts of its name lead.
fn put(
    object: &mut Object,
    name: &[u8],
    value: Value,
    separator: u8,
    case: Case,
) -> Result<(), Conflict> {
    let Some(at) = memchr::memchr(separator, name) else { return join(object, name, value, case) };
    let (first, rest) = (&name[..at], &name[at + 1..]);
    if first.is_empty() || rest.is_empty() {
        return Err(Conflict);
    }
    if object.get(first, case).is_none() {
        object.set(first, Value::Object(Object::default()), case);
    }
    let next = object.get_mut(first, case).and_then(Value::as_object_mut);
    put(next.ok_or(Conflict)?, rest, value, separator, case)
}

/// Sets a member; an object joins one that is there.
fn join(object: &mut Object, name: &[u8], value: Value, case: Case) -> Result<(), Conflict> {
    match (object.get_mut(name, case), value) {
        (None, value) => object.set(name, value, case),
        (Some(Value::Object(there)), Value::Object(members)) => {
            for (name, value) in members.iter() {
                join(there, name, value.clone(), case)?;
            }
        }
        (Some(there), value) if *there == value => {}
        _ => return Err(Conflict),
    }
    Ok(())
}
