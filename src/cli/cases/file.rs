//! A file of cases (TOML), as people write it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// `relay.test.toml`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The configuration, from the folder of this file on.
    pub(super) config: PathBuf,
    /// What `$myhostname` is; this machine's name without it.
    pub(super) hostname: Option<String>,
    /// When messages arrive.
    pub(super) now: Option<Spanned<String>>,
    #[serde(default, rename = "case")]
    pub(super) cases: Vec<Spanned<Case>>,
}

/// `[[case]]`: a message, how it comes in, and what is to become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) from: Option<IpAddr>,
    pub(super) fromhost: Option<String>,
    pub(super) input: Option<String>,
    pub(super) port: Option<Scalar>,
    pub(super) now: Option<Spanned<String>>,
    pub(super) parser: Option<String>,
    pub(super) ruleset: Option<String>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, Scalar>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Scalar>,
    /// All outputs, in order.
    pub(super) writes: Option<Vec<Written>>,
    /// Each of them is one of the outputs.
    #[serde(default)]
    pub(super) includes: Vec<Written>,
    pub(super) discarded: Option<bool>,
}

impl Case {
    /// A case that expects nothing cannot fail.
    pub(super) fn expects(&self) -> bool {
        self.parser.is_some()
            || self.ruleset.is_some()
            || self.writes.is_some()
            || self.discarded.is_some()
            || !self.includes.is_empty()
            || !self.properties.is_empty()
            || !self.variables.is_empty()
    }
}

/// An output: what is given has to be so.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) target: Option<String>,
    pub(super) action: Option<String>,
    pub(super) module: Option<String>,
    /// All that is written, framing and all.
    pub(super) text: Option<String>,
    /// A part of it.
    pub(super) contains: Option<String>,
}

impl Written {
    pub(super) const fn is_empty(&self) -> bool {
        self.target.is_none()
            && self.action.is_none()
            && self.module.is_none()
            && self.text.is_none()
            && self.contains.is_none()
    }
}

/// A text; numbers may stand without quotes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Number(i64),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}
