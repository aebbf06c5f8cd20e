//! Floor 4: message modification modules. Each is a checked specification with a function that
//! changes a [`Draft`]; none does I/O. What two messages have to do with each other (a counter) is
//! an atomic that all shards share.

pub mod anon;
mod dice;
pub mod dots;
pub mod fields;
pub mod first_space;
#[cfg(test)]
mod golden;
pub mod json;
pub mod leef;
pub mod sequence;
pub mod structured_data;
pub mod tag_hostname;
#[cfg(test)]
mod tests;
pub mod utf8;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::param::Params;
use crate::config::wording::LEFT_OUT;
use crate::message::Draft;
use crate::message::Tree;
use crate::message::Variable;
use crate::modifier::anon::Anon;
use crate::modifier::dots::Dots;
use crate::modifier::fields::Fields;
use crate::modifier::first_space::FirstSpace;
use crate::modifier::json::Json;
use crate::modifier::leef::Leef;
use crate::modifier::sequence::Counters;
use crate::modifier::sequence::Sequence;
use crate::modifier::structured_data::StructuredData;
use crate::modifier::tag_hostname::TagHostname;
use crate::modifier::utf8::Utf8;

/// Of all modifiers here.
const AVAILABILITY: Availability = Availability::Ready;

/// All modules of this folder.
pub static MODULES: &[&Module] = &[
    &anon::MODULE,
    &dots::MODULE,
    &fields::MODULE,
    &first_space::MODULE,
    &json::MODULE,
    &leef::MODULE,
    &sequence::MODULE,
    &structured_data::MODULE,
    &tag_hostname::MODULE,
    &utf8::MODULE,
];

/// An action that changes the message, ready to run. A clone shares the counters of its original.
#[derive(Clone, Debug)]
pub enum Modifier {
    Anon(Box<Anon>),
    Dots(Box<Dots>),
    Fields(Fields),
    FirstSpace(FirstSpace),
    Json(Json),
    Leef(Leef),
    Sequence(Sequence),
    StructuredData(StructuredData),
    TagHostname(TagHostname),
    Utf8(Utf8),
}

impl Modifier {
    /// Makes an action of `module`, one of [`MODULES`], from parameters that were checked against
    /// its tables and those of all actions. `None` if it cannot run, which was complained of then.
    /// `counters` are the configuration's, the same for all of its actions.
    pub fn compile(
        module: &str,
        params: &Params,
        counters: &mut Counters,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        if params.refused {
            return None;
        }
        Some(match module {
            anon::NAME => Self::Anon(Box::new(Anon::compile(params, diags))),
            dots::NAME => Self::Dots(Box::new(Dots::compile(params, diags)?)),
            fields::NAME => Self::Fields(Fields::compile(params, diags)),
            first_space::NAME => Self::FirstSpace(FirstSpace),
            json::NAME => Self::Json(Json::compile(params, diags)?),
            leef::NAME => Self::Leef(Leef::compile(params, diags)?),
            sequence::NAME => Self::Sequence(Sequence::compile(params, counters, diags)),
            structured_data::NAME => Self::StructuredData(StructuredData::compile(params, diags)?),
            tag_hostname::NAME => Self::TagHostname(TagHostname::compile(params)),
            utf8::NAME => Self::Utf8(Utf8::compile(params)),
            _ => return None,
        })
    }

    /// Whether it reads `$!`: to set variables there is not to read them.
    #[must_use]
    pub fn reads_message_tree(&self) -> bool {
        match self {
            Self::Dots(dots) => dots.input.tree == Tree::Message,
            Self::Anon(_)
            | Self::Fields(_)
            | Self::FirstSpace(_)
            | Self::Json(_)
            | Self::Leef(_)
            | Self::Sequence(_)
            | Self::StructuredData(_)
            | Self::TagHostname(_)
            | Self::Utf8(_) => false,
        }
    }

    /// Changes the message or its variables.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        match self {
            Self::Anon(anon) => anon.apply(draft),
            Self::Dots(dots) => dots.apply(draft),
            Self::Fields(fields) => fields.apply(draft),
            Self::FirstSpace(first_space) => first_space.apply(draft),
            Self::Json(json) => json.apply(draft),
            Self::Leef(leef) => leef.apply(draft),
            Self::Sequence(sequence) => sequence.apply(draft),
            Self::StructuredData(structured_data) => structured_data.apply(draft),
            Self::TagHostname(tag_hostname) => tag_hostname.apply(draft),
            Self::Utf8(utf8) => utf8.apply(draft),
        }
    }
}

/// The variable that `name` of an action is, with or without its `$`; `default` if it is not
/// given. `None` if it is no variable's name, which was complained of then.
fn container(
    name: &str,
    default: &str,
    params: &Params,
    diags: &mut Diagnostics,
) -> Option<Variable> {
    let text = params.bytes(name).map_or(default.as_bytes(), |text| text.as_slice());
    let variable = Variable::parse(text.strip_prefix(b"$").unwrap_or(text));
    if variable.is_none() {
        let text = format!("{name} is no variable: {LEFT_OUT}");
        let help = "begin it with $!, $. or $/";
        diags.push(Diagnostic::error(params.loc(name), text).help(help));
    }
    variable
}
