//! Another tag, and the relay's host name (rsyslog `mmtaghostname`).

use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Str;
use crate::config::param::Params;
use crate::config::param::Spec;
use crate::message::Draft;
use crate::modifier::AVAILABILITY;

pub const NAME: &str = "mmtaghostname";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Modifier,
    doc: "Sets the tag and the host name.",
    availability: AVAILABILITY,
    module: &[],
    instance: &[PARAMS],
};

static PARAMS: &[Spec] = &[
    Spec::new("tag", Str, "", "The tag that messages get."),
    Spec::new("forceLocalHostname", Bool, "off", "Gives them the relay's host name."),
];

/// An action of this module.
#[derive(Clone, Debug)]
pub struct TagHostname {
    /// `None`: the tag stays.
    tag: Option<Box<[u8]>>,
    hostname: bool,
}

impl TagHostname {
    /// Reads its parameters.
    pub fn compile(params: &Params) -> Self {
        let tag = params.bytes("tag").filter(|tag| !tag.is_empty());
        Self {
            tag: tag.map(|tag| tag.as_slice().into()),
            hostname: params.bool("forceLocalHostname").unwrap_or(false),
        }
    }

    /// Changes the header as templates see it; `rawmsg` stays.
    pub fn apply(&self, draft: &mut Draft<'_>) {
        if let Some(tag) = &self.tag {
            draft.set_tag(tag);
        }
        if self.hostname {
            draft.set_own_hostname();
        }
    }
}
