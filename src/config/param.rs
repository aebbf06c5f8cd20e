//! Typed parameter tables: each module declares one, everything else walks it.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
use crate::base::diag::nearest;
use crate::config::ast;
use crate::config::ast::Object;
use crate::config::ast::Value;
use crate::config::kind;
pub use crate::config::kind::Kind;
pub(super) use crate::config::kind::parse_size;
use crate::config::manual;

/// What Bongsu does with a parameter of rsyslog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Full,
    /// Accepted and without effect: says what Bongsu does instead.
    Ignored(&'static str),
    /// Right, and not built yet: says what happens meanwhile. The object is left out, since it
    /// would do something else than was asked for.
    Later(&'static str),
    /// Right, and not built yet: says what happens meanwhile. The object runs without it, since
    /// that keeps more than leaving the object out: a queue that cannot go to disk still queues.
    Meanwhile(&'static str),
    /// Refused: says why, and what to do.
    Unsupported(&'static str),
}

/// Since when rsyslog knows a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// rsyslog 8.2302, with which we are compared, knows it.
    Rsyslog,
    /// A later rsyslog: its first version that does, or the first that is known to.
    Since(&'static str),
    /// Bongsu's own.
    Own,
}

/// Whether a parameter must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Optional,
    /// [`check`] complains if it is missing.
    Required,
    /// The same; but its module complains, in better words.
    Told,
}

/// One row of a module's table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// rsyslog's name in its documented letter case.
    pub name: &'static str,
    pub kind: Kind,
    /// As one would write it; empty for none.
    pub default: &'static str,
    /// One sentence.
    pub doc: &'static str,
    pub aliases: &'static [&'static str],
    pub support: Support,
    pub need: Need,
    pub origin: Origin,
    /// rsyslogd complains of it, and takes it.
    pub deprecated: bool,
}

impl Spec {
    #[must_use]
    pub const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            doc,
            aliases: &[],
            support: Support::Full,
            need: Need::Optional,
            origin: Origin::Rsyslog,
            deprecated: false,
        }
    }

    #[must_use]
    pub const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    #[must_use]
    pub const fn ignored(mut self, instead: &'static str) -> Self {
        self.support = Support::Ignored(instead);
        self
    }

    #[must_use]
    pub const fn later(mut self, meanwhile: &'static str) -> Self {
        self.support = Support::Later(meanwhile);
        self
    }

    #[must_use]
    pub const fn meanwhile(mut self, meanwhile: &'static str) -> Self {
        self.support = Support::Meanwhile(meanwhile);
        self
    }

    #[must_use]
    pub const fn unsupported(mut self, why: &'static str) -> Self {
        self.support = Support::Unsupported(why);
        self
    }

    /// It must be given.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.need = Need::Required;
        self
    }

    /// It must be given, and its module says so itself.
    #[must_use]
    pub const fn told(mut self) -> Self {
        self.need = Need::Told;
        self
    }

    /// rsyslog knows it from `version` on, or is known to.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.origin = Origin::Since(version);
        self
    }

    /// rsyslog does not know it.
    #[must_use]
    pub const fn own(mut self) -> Self {
        self.origin = Origin::Own;
        self
    }

    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// Whether `name` is its name or an alias, in any letter case.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// A parameter that was given, and fits.
#[derive(Clone, Debug)]
struct Given {
    spec: &'static Spec,
    value: Value,
    loc: Loc,
}

/// An object's parameters after checking: only known names with well-formed values.
#[derive(Clone, Debug, Default)]
pub struct Params {
    given: Vec<Given>,
    /// The object itself, for complaints about what is missing.
    pub loc: Loc,
    /// A parameter is not supported or is missing (and was complained of), so that the object
    /// would do something else than was asked for.
    pub refused: bool,
    /// What unknown names were probably meant to be.
    suggested: Vec<&'static str>,
}

/// Checks `object` against `tables` (a module's own and those shared with others). Complains of
/// unknown names, doubled ones, malformed values and missing ones; what is left is usable.
pub fn check(object: &Object, tables: &[&'static [Spec]], diags: &mut Diagnostics) -> Params {
    check_on(manual::object(object.kind), object, tables, diags)
}

/// The same, for what `page` of rsyslog's documentation describes: each complaint names it, and
/// the parameter.
pub fn check_on(
    page: &str,
    object: &Object,
    tables: &[&'static [Spec]],
    diags: &mut Diagnostics,
) -> Params {
    let specs = || tables.iter().flat_map(|table| table.iter());
    let mut params = Params { loc: object.loc, ..Params::default() };
    let mut given = Vec::new();
    for param in &object.params {
        let before = diags.all.len();
        let name = param.name.text.as_str();
        let spec = specs().find(|spec| spec.answers_to(name));
        match spec {
            Some(spec) => check_one(param, spec, object.legacy, &mut params, &mut given, diags),
            None => {
                let text = format!("parameter '{name}' not known");
                let mut d = Diagnostic::error(param.name.loc, text);
                if let Some(near) = nearest(name, specs().map(|s| s.name)) {
                    d = d.help(format!("did you mean '{near}'?"));
                    params.suggested.push(near);
                }
                diags.push(d);
            }
        }
        if diags.all.len() > before {
            let named = spec.map(|spec| manual::parameter(page, spec.name));
            diags.name_term(before, named.as_deref().unwrap_or(page));
        }
    }
    for spec in specs().filter(|spec| spec.need == Need::Required) {
        if params.has(spec.name) {
            continue;
        }
        params.refused = true;
        // One that did not fit has been complained of.
        if given.contains(&spec.name) {
            continue;
        }
        let text = format!("parameter '{}' must be given", spec.name);
        let complaint = Diagnostic::error(object.loc, text)
            .help(format!("add {}=\"…\"", spec.name))
            .term(manual::parameter(page, spec.name));
        params.missing(&[spec.name], complaint, diags);
    }
    params
}

/// Takes `param` over into `params`, unless something is wrong with it. `given` are the names of
/// those before it, right or wrong.
fn check_one(
    param: &ast::Param,
    spec: &'static Spec,
    legacy: bool,
    params: &mut Params,
    given: &mut Vec<&'static str>,
    diags: &mut Diagnostics,
) {
    let name = param.name.text.as_str();
    if !supported(spec, param.name.loc, legacy, diags) {
        params.refused = true;
    }
    if given.contains(&spec.name) {
        let text = format!("parameter '{name}' given twice");
        diags.push(Diagnostic::error(param.name.loc, text).help("keep one of them"));
        return;
    }
    given.push(spec.name);
    if matches!(spec.support, Support::Unsupported(_)) {
        return;
    }
    if let Err(misfit) = kind::well_formed(spec.kind, &param.value, legacy) {
        let text = format!("'{name}' takes {}", misfit.expected);
        params.refused |= misfit.severity == Severity::Error;
        diags.push(match misfit.severity {
            Severity::Error => Diagnostic::error(param.value_loc, text),
            _ => Diagnostic::warning(param.value_loc, format!("{text}: it has no effect")),
        });
        return;
    }
    params.given.push(Given { spec, value: param.value.clone(), loc: param.value_loc });
}

/// Says what becomes of a parameter. False if its object cannot run with it.
fn supported(spec: &Spec, loc: Loc, legacy: bool, diags: &mut Diagnostics) -> bool {
    let name = spec.name;
    // A `$Directive` is older than what is deprecated: rsyslogd says nothing of it.
    if spec.deprecated && !legacy {
        let text = format!("'{name}' is deprecated, and will not be known for ever");
        diags.push(Diagnostic::error(loc, text).help("leave it out"));
    }
    match spec.support {
        Support::Full => true,
        Support::Ignored(instead) => {
            let text = format!("'{name}' has no effect: {instead}");
            diags.push(Diagnostic::note(loc, text));
            true
        }
        Support::Later(meanwhile) | Support::Meanwhile(meanwhile) => {
            let text = format!("'{name}' is not built yet: {meanwhile}");
            diags.push(Diagnostic::unbuilt(loc, text));
            matches!(spec.support, Support::Meanwhile(_))
        }
        Support::Unsupported(why) => {
            let text = format!("'{name}' is not supported: {why}");
            diags.push(Diagnostic::error(loc, text));
            false
        }
    }
}

impl Params {
    fn find(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.spec.name.eq_ignore_ascii_case(name))
    }

    /// The parameters that are given, by their documented names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.given.iter().map(|given| given.spec.name)
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where the value stands, or the object if it is not given.
    #[must_use]
    pub fn loc(&self, name: &str) -> Loc {
        self.find(name).map_or(self.loc, |given| given.loc)
    }

    /// Complains that none of `names` is given, without which the object makes no sense: unless
    /// one of them is what an unknown name was meant to be, since that was complained of already.
    pub fn missing(&self, names: &[&str], complaint: Diagnostic, diags: &mut Diagnostics) {
        if !names.iter().any(|name| self.suggested.contains(name)) {
            diags.push(complaint);
        }
    }

    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&BString> {
        match &self.find(name)?.value {
            Value::Str(text) => Some(text),
            Value::Array(items) => items.first(),
        }
    }

    /// The text, if it is UTF-8.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|text| text.to_str().ok())
    }

    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        match self.find(name).map(|given| &given.value) {
            Some(Value::Str(text)) => text.to_str().into_iter().collect(),
            Some(Value::Array(items)) => {
                items.iter().filter_map(|item| item.to_str().ok()).collect()
            }
            None => Vec::new(),
        }
    }

    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.bytes(name).and_then(|text| kind::switch(text))
    }

    /// A number, or a size in bytes.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        let text = self.bytes(name)?;
        match self.find(name)?.spec.kind {
            Kind::Size => kind::size(text),
            _ => kind::integer(text),
        }
    }

    /// A size or count that cannot be negative.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<usize> {
        self.int(name).and_then(|n| usize::try_from(n).ok())
    }

    #[must_use]
    pub fn mode(&self, name: &str) -> Option<u32> {
        self.bytes(name).and_then(|text| kind::mode(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::StmtKind;
    use crate::config::parse_text;

    static TABLE: &[Spec] = &[
        Spec::new("file", Kind::Str, "", "A file.").required(),
        Spec::new("port", Kind::Str, "", "A port.").told(),
        Spec::new("count", Kind::Positive, "1", "A number."),
        Spec::new("bytes", Kind::Size, "", "A size.").alias(&["size"]),
        Spec::new("old", Kind::Str, "", "Something old.").deprecated(),
        Spec::new("severity", Kind::Severity, "info", "A severity."),
        Spec::new("tls", Kind::Bool, "off", "Encrypts.").since("8.2608").later("not yet"),
    ];

    fn checked(params: &str) -> (Params, Vec<(Severity, String)>) {
        let config = parse_text("t", format!("input({params})").as_bytes());
        let StmtKind::Object(object) = &config.statements[0].kind else { panic!("{params}") };
        let mut diags = Diagnostics::default();
        let params = check(object, &[TABLE], &mut diags);
        (params, diags.all.into_iter().map(|d| (d.severity, d.message)).collect())
    }

    #[test]
    fn values_have_their_kinds_meaning() {
        let (params, said) = checked("file=\"f\" count=\"010\" size=\"010k\"");
        assert!(said.is_empty() && !params.refused, "{said:?}");
        assert_eq!(params.int("count"), Some(8));
        assert_eq!(params.size("bytes"), Some(10 << 10));
    }

    #[test]
    fn what_is_missing_is_said_once() {
        let (params, said) = checked("count=\"1\"");
        assert!(params.refused);
        assert_eq!(said, [(Severity::Error, "parameter 'file' must be given".to_owned())]);
        // A misspelt or malformed one has been complained of already.
        for params in ["fiel=\"f\"", "file=[\"f\"]"] {
            let (params, said) = checked(params);
            assert_eq!((params.refused, said.len()), (true, 1), "{said:?}");
        }
    }

    #[test]
    fn complaints_are_as_grave_as_rsyslogds() {
        let grave = |params: &str| {
            let (params, said) = checked(&format!("file=\"f\" {params}"));
            assert_eq!(said.len(), 1, "{said:?}");
            (said[0].0, params.refused)
        };
        assert_eq!(grave("old=\"x\""), (Severity::Error, false));
        assert_eq!(grave("severity=\"loud\""), (Severity::Warning, false));
        assert_eq!(grave("count=\"0\""), (Severity::Error, true));
        assert_eq!(grave("tls=\"on\""), (Severity::Warning, true));
    }
}
