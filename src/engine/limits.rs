//! `ratelimit()`: limits that inputs share, from its parameters or from the YAML files that they
//! name (rsyslog "ratelimit Object", since 8.2602).

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::limits::SOURCES_MAX;
use crate::base::limits::YAML_BYTES_MAX;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::catalog;
use crate::config;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::param;
use crate::config::param::Params;
use crate::config::selector;
use crate::engine::objects::required;
use crate::input::ratelimit::PerSourceSpec;
use crate::input::ratelimit::Quota;
use crate::input::ratelimit::RateLimit;
use crate::input::ratelimit::RateLimitSpec;
use crate::template::Templates;

/// Messages of an interval where `burst` is not given.
const BURST_DEFAULT: usize = 10_000;
/// Senders that are remembered, and named, where nothing else is said.
const SENDERS_DEFAULT: usize = 10_000;
const NAMED_DEFAULT: usize = 10;
const KEY_DEFAULT: &str = "RSYSLOG_PerSourceKey";

/// What may stand beside `perSource` in the object, and not beside one in the `policy` file.
const PER_SOURCE: [&str; 5] =
    ["perSource", "perSourcePolicy", "perSourceKeyTpl", "perSourceMaxStates", "perSourceTopN"];

/// The `ratelimit()` objects of a configuration, by name.
pub(super) type Limits = HashMap<String, LimitPlan>;

/// A `ratelimit()`, read.
#[derive(Clone, Debug)]
pub(super) struct LimitPlan {
    pub(super) spec: RateLimitSpec,
    /// What it was made of, where that names a file.
    recipe: Option<Recipe>,
}

#[derive(Clone, Debug)]
struct Recipe {
    params: Params,
    templates: Templates,
}

/// The limits that files describe, at work.
#[derive(Debug, Default)]
pub(super) struct Policies(Vec<(Recipe, Arc<RateLimit>)>);

impl Policies {
    /// Those of `plans` that are among `limits`.
    pub(super) fn new(plans: Limits, limits: &HashMap<String, Arc<RateLimit>>) -> Self {
        let one =
            |(name, plan): (String, LimitPlan)| Some((plan.recipe?, limits.get(&name)?.clone()));
        Self(plans.into_iter().filter_map(one).collect())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// SIGHUP: reads the files again. One that is wrong changes nothing. May hang with the disk.
    pub(super) fn read_again(&self, reporter: &dyn Reporter) {
        for (Recipe { params, templates }, limit) in &self.0 {
            let name = limit.name();
            let (level, text) = match spec(params, templates) {
                Ok(spec) => match limit.replace(spec) {
                    false => continue,
                    true => (Level::Info, format!("ratelimit '{name}' goes by its new policy")),
                },
                Err((_, why)) => {
                    let text = format!("ratelimit '{name}' goes on by the policy it had: {why}");
                    (Level::Error, text)
                }
            };
            reporter.say(level, text);
        }
    }
}

/// Takes a `ratelimit()` into `limits`; one that is wrong is complained of and left out.
pub(super) fn add(
    object: &Object,
    templates: &Templates,
    limits: &mut Limits,
    diags: &mut Diagnostics,
) {
    let Some(table) = catalog::object(ObjectKind::Ratelimit) else { return };
    let params = param::check(object, &[table], diags);
    required(object, &params, diags);
    let Some(name) = params.str("name").filter(|_| !params.refused) else { return };
    match spec(&params, templates) {
        Err((param, text)) => diags.push(Diagnostic::error(params.loc(param), text)),
        Ok(_) if limits.contains_key(name) => {
            let text = format!("ratelimit '{name}' is defined twice: the first one counts");
            diags.push(Diagnostic::error(object.loc, text).help("rename or remove this one"));
        }
        Ok(spec) => {
            let name = name.to_owned();
            let recipe = (params.has("policy") || params.has("perSourcePolicy"))
                .then(|| Recipe { params, templates: templates.clone() });
            limits.insert(name, LimitPlan { spec, recipe });
        }
    }
}

/// Whether the limit that an input names is there, and nothing stands against it.
pub(super) fn check_name(params: &Params, limits: &Limits, diags: &mut Diagnostics) -> bool {
    let Some(name) = params.str("rateLimit.name") else { return true };
    let loc = params.loc("rateLimit.name");
    if params.has("rateLimit.interval") || params.has("rateLimit.burst") {
        let text = "rateLimit.name stands beside a limit of the input's own: the input is left out";
        let help = "remove rateLimit.interval and rateLimit.burst, or the name";
        diags.push(Diagnostic::error(loc, text).help(help));
        return false;
    }
    is_known(name, loc, "the input is left out", limits, diags)
}

/// The same of an input that a module has by itself, as the system's log socket: that runs all the
/// same. `prefix` is what its parameters' names begin with.
pub(super) fn check_own_name(
    params: &Params,
    prefix: &str,
    limits: &Limits,
    diags: &mut Diagnostics,
) {
    let of = format!("{prefix}rateLimit.name");
    if let Some(name) = params.str(&of) {
        is_known(name, params.loc(&of), "no limit holds", limits, diags);
    }
}

fn is_known(
    name: &str,
    loc: Loc,
    otherwise: &str,
    limits: &Limits,
    diags: &mut Diagnostics,
) -> bool {
    if limits.contains_key(name) {
        return true;
    }
    let text = format!("ratelimit '{name}' not found: {otherwise}");
    let help = match nearest(name, limits.keys().map(String::as_str)) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("write ratelimit(name=\"{name}\" interval=\"1\" burst=\"1000\")"),
    };
    diags.push(Diagnostic::error(loc, text).help(help));
    false
}

/// What is wrong: with which parameter, and in words.
type Flaw = (&'static str, String);

fn spec(params: &Params, templates: &Templates) -> Result<RateLimitSpec, Flaw> {
    let seconds = params.size("interval").unwrap_or(0);
    let given = params.bytes("severity").and_then(|text| selector::severity(text));
    let mut spec = RateLimitSpec {
        interval: Duration::from_secs(count(seconds)),
        burst: params.size("burst").unwrap_or(BURST_DEFAULT),
        severity: given.unwrap_or(0),
        per_source: None,
    };
    let mut beside = None;
    if let Some(path) = params.str("policy") {
        let say = |why| ("policy", format!("'{path}' is no rate-limit policy: {why}"));
        let policy = read(path).map_err(say)?;
        overlay(&mut spec, &policy).map_err(say)?;
        if let Some(own) = policy.get("perSource") {
            if let Some(name) = PER_SOURCE.into_iter().find(|name| params.has(name)) {
                return Err((name, format!("'{name}' stands beside the perSource of '{path}'")));
            }
            spec.per_source = own_section(own, templates).map_err(say)?;
            beside = Some(());
        }
    }
    if beside.is_none() && params.bool("perSource") == Some(true) {
        let Some(path) = params.str("perSourcePolicy") else {
            return Err(("perSource", "perSource needs a perSourcePolicy".to_owned()));
        };
        let say = |why| ("perSourcePolicy", format!("'{path}' is no per-source policy: {why}"));
        let policy = read(path).map_err(say)?;
        let key = params.str("perSourceKeyTpl").unwrap_or(KEY_DEFAULT);
        let mut own = per_source(&policy, key, templates).map_err(say)?;
        own.senders_max = senders(params.size("perSourceMaxStates"));
        own.named_max = params.size("perSourceTopN").unwrap_or(NAMED_DEFAULT);
        spec.per_source = Some(own);
    }
    Ok(spec)
}

fn senders(given: Option<usize>) -> usize {
    given.unwrap_or(SENDERS_DEFAULT).clamp(1, SOURCES_MAX)
}

fn read(path: &str) -> Result<Value, String> {
    let mut text = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(count(YAML_BYTES_MAX)).read_to_end(&mut text))
        .map_err(|error| error.to_string())?;
    config::yaml_data(&text)
}

/// `interval`, `burst` and `severity` of a policy file count instead of the object's.
fn overlay(spec: &mut RateLimitSpec, policy: &Value) -> Result<(), String> {
    if text(policy, "scope") == Some("output") {
        return Err("limits of outputs are not built yet".to_owned());
    }
    if let Some(seconds) = number(policy, "interval")? {
        spec.interval = Duration::from_secs(count(seconds));
    }
    if let Some(burst) = number(policy, "burst")? {
        spec.burst = burst;
    }
    if let Some(given) = text(policy, "severity") {
        let severity = selector::severity(given.as_bytes());
        spec.severity = severity.ok_or_else(|| format!("'{given}' is no severity"))?;
    }
    Ok(())
}

/// The section `perSource` of a policy file.
fn own_section(own: &Value, templates: &Templates) -> Result<Option<PerSourceSpec>, String> {
    match text(own, "enabled") {
        Some("true" | "on" | "yes") => {}
        None | Some("false" | "off" | "no") => return Ok(None),
        Some(other) => return Err(format!("enabled: '{other}' is neither true nor false")),
    }
    let key = text(own, "keyTemplate").unwrap_or(KEY_DEFAULT);
    let mut spec = per_source(own, key, templates)?;
    spec.senders_max = senders(number(own, "maxStates")?);
    spec.named_max = number(own, "topN")?.unwrap_or(NAMED_DEFAULT);
    Ok(Some(spec))
}

fn per_source(own: &Value, key: &str, templates: &Templates) -> Result<PerSourceSpec, String> {
    let key = templates.get(key).ok_or_else(|| format!("template '{key}' not found"))?;
    let default = own.get("default").ok_or("it has no 'default'")?;
    let mut overrides = HashMap::new();
    for each in own.get("overrides").and_then(Value::as_array).into_iter().flatten() {
        let key = text(each, "key").ok_or("an override has no 'key'")?;
        overrides.insert(key.as_bytes().to_vec(), quota(each)?);
    }
    Ok(PerSourceSpec {
        key: key.clone(),
        default: quota(default)?,
        overrides,
        senders_max: SENDERS_DEFAULT,
        named_max: NAMED_DEFAULT,
    })
}

/// `max` messages in a `window`, both given.
fn quota(of: &Value) -> Result<Quota, String> {
    let messages = number(of, "max")?.ok_or("a quota has no 'max'")?;
    let window = text(of, "window").ok_or("a quota has no 'window'")?;
    let window = duration(window).ok_or_else(|| format!("window: '{window}' is no time"))?;
    Ok(Quota { messages, window })
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Value::as_str)
}

fn number(of: &Value, name: &str) -> Result<Option<usize>, String> {
    let parse = |text: &str| text.parse().map_err(|_| format!("{name}: '{text}' is no number"));
    text(of, name).map(parse).transpose()
}

/// `500ms`, `10s`, `5m`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = number.checked_mul(millis).filter(|millis| *millis > 0)?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;
    use crate::config::ast::StmtKind;

    /// What becomes of a `ratelimit()` with these parameters, `FILE` being one with `policy`.
    fn limit(params: &str, policy: &str) -> Result<RateLimitSpec, String> {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(policy.as_bytes()).unwrap();
        let params = params.replace("FILE", file.path().to_str().unwrap());
        let text = format!("ratelimit(name=\"l\" {params})");
        let config = config::parse_text("test", text.as_bytes());
        let StmtKind::Object(object) = &config.statements[0].kind else { panic!("{text}") };
        let (mut limits, mut diags) = (HashMap::new(), Diagnostics::default());
        add(object, &Templates::new(), &mut limits, &mut diags);
        let why = || diags.all.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ");
        limits.remove("l").map(|plan| plan.spec).ok_or_else(why)
    }

    #[test]
    fn parameters_make_a_limit() {
        let spec = limit("interval=\"2\" burst=\"5\" severity=\"info\"", "").unwrap();
        assert_eq!((spec.interval, spec.burst, spec.severity), (Duration::from_secs(2), 5, 6));
        assert!(spec.per_source.is_none());
        let spec = limit("", "").unwrap();
        assert_eq!((spec.interval, spec.burst, spec.severity), (Duration::ZERO, 10_000, 0));
    }

    const POLICY: &str = "interval: 1\nburst: 50\nseverity: notice\nperSource:\n  enabled: true\n  \
        maxStates: 7\n  topN: 3\n  default:\n    max: 1000\n    window: 10s\n  overrides:\n  \
        - key: \"db01\"\n    max: 5\n    window: 500ms\n";

    #[test]
    fn policies_are_read_from_files() {
        let spec = limit("interval=\"9\" policy=\"FILE\"", POLICY).unwrap();
        assert_eq!((spec.interval, spec.burst, spec.severity), (Duration::from_secs(1), 50, 5));
        let own = spec.per_source.unwrap();
        assert_eq!((own.senders_max, own.named_max), (7, 3));
        assert_eq!(own.default, Quota { messages: 1000, window: Duration::from_secs(10) });
        let quota = Quota { messages: 5, window: Duration::from_millis(500) };
        assert_eq!(own.overrides, HashMap::from([(b"db01".to_vec(), quota)]));
        let split = "perSource=\"on\" perSourcePolicy=\"FILE\" perSourceTopN=\"2\"";
        let own = limit(split, "default: {max: 1, window: 1}").unwrap().per_source.unwrap();
        assert_eq!((own.default.messages, own.named_max, own.senders_max), (1, 2, 10_000));
    }

    #[test]
    fn bad_policies_are_explained() {
        for (params, policy, why) in [
            ("policy=\"/nonexistent\"", "", "No such file"),
            ("policy=\"FILE\"", "burst: many", "burst: 'many' is no number"),
            ("policy=\"FILE\"", "severity: loud", "'loud' is no severity"),
            ("policy=\"FILE\"", "scope: output", "limits of outputs are not built yet"),
            ("policy=\"FILE\"", "perSource: {enabled: true}", "it has no 'default'"),
            ("policy=\"FILE\"", "a: [", "is no rate-limit policy"),
            ("policy=\"FILE\" perSourceTopN=\"3\"", POLICY, "stands beside the perSource"),
            ("perSource=\"on\"", "", "perSource needs a perSourcePolicy"),
            (
                "perSource=\"on\" perSourcePolicy=\"FILE\"",
                "default: {max: 1, window: soon}",
                "window: 'soon' is no time",
            ),
            (
                "perSource=\"on\" perSourcePolicy=\"FILE\" perSourceKeyTpl=\"k\"",
                "default: {max: 1, window: 1}",
                "template 'k' not found",
            ),
        ] {
            let said = limit(params, policy).map(|_| ()).unwrap_err();
            assert!(said.contains(why), "{params} {policy}: {said}");
        }
    }
}
