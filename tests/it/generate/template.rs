//! Random templates of every type, from everything that a property and a template can be told.

use fastrand::Rng;

use crate::generate::json;
use crate::generate::known;
use crate::generate::message::Kind;

/// How a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    List,
    String,
    /// `$template`
    Legacy,
}

/// A template whose parts can be left out one by one.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    form: Form,
    /// `property(…)` and `constant(…)`, or pieces of a string.
    pub(crate) parts: Vec<String>,
    /// `option.…`, without its value.
    option: Option<&'static str>,
    /// What it is fed.
    pub(crate) kind: Kind,
}

impl Template {
    /// As it stands in a configuration.
    pub(crate) fn text(&self, name: &str) -> String {
        let option = self.option.map_or_else(String::new, |o| format!(" option.{o}=\"on\""));
        match self.form {
            Form::List => {
                let parts = self.parts.join("\n  ");
                let end =
                    if self.option == Some("jsonf") { "" } else { "  constant(value=\"\\n\")\n" };
                format!("template(name=\"{name}\" type=\"list\"{option}) {{\n  {parts}\n{end}}}")
            }
            Form::String => {
                let string = quoted(&self.parts.concat());
                format!("template(name=\"{name}\" type=\"string\"{option} string=\"{string}\\n\")")
            }
            Form::Legacy => {
                // Only between properties does a quote end the text.
                let parts = self.parts.iter().map(|part| match part.starts_with('%') {
                    true => part.clone(),
                    false => part.replace('"', "\\\""),
                });
                let string = parts.collect::<String>();
                let option = self.option.map_or_else(String::new, |o| format!(",{o}"));
                format!("$template {name},\"{string}\\n\"{option}")
            }
        }
    }
}

/// The inside of a string in quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

pub(crate) fn template(rng: &mut Rng) -> Template {
    let form = match rng.u8(..8) {
        0..=3 => Form::List,
        4 => Form::Legacy,
        _ => Form::String,
    };
    let list = form == Form::List;
    let kind = match rng.u8(..20) {
        0..=6 => Kind::Timed,
        7..=8 => Kind::Paths,
        9..=11 => Kind::Json,
        12..=13 => Kind::Datagram,
        _ => Kind::Wild,
    };
    let options: &[&str] =
        if list { &["sql", "stdsql", "json", "jsonf"] } else { &["sql", "stdsql", "json"] };
    let option = (rng.u8(..4) == 0).then(|| options[rng.usize(..options.len())]);
    let mut parts = Vec::new();
    for _ in 0..rng.u8(2..8) {
        if list {
            parts.push(property(kind, option == Some("jsonf"), rng));
            if option != Some("jsonf") && rng.u8(..3) > 0 {
                parts.push(constant(rng));
            }
        } else {
            parts.push(field(kind, rng));
            parts.push(["|", " ", "", ",\"", "';", "\\x", "한"][rng.usize(..7)].to_owned());
        }
    }
    Template { form, parts, option, kind }
}

fn constant(rng: &mut Rng) -> String {
    let values = ["|", " ", "\\\"a\\\":", "\\\\", "한글", "'", "\\\\t", "<\\\\x41>", "", "%"];
    let value = values[rng.usize(..values.len())];
    match rng.u8(..8) {
        0 => format!("constant(outname=\"c\" value=\"{value}\")"),
        1 => format!("constant(outname=\"c\" format=\"jsonf\" value=\"{value}\")"),
        _ => format!("constant(value=\"{value}\")"),
    }
}

/// Where a value comes from, and the date format that keeps two runs equal.
struct Value {
    name: String,
    date: Option<&'static str>,
    /// An expression that shows only what does not come of the time of arrival.
    gate: Option<String>,
}

fn value(kind: Kind, rng: &mut Rng) -> Value {
    let one = |from: &[&'static str], rng: &mut Rng| from[rng.usize(..from.len())];
    let reported = ["timereported", "timestamp", "TIMESTAMP"][rng.usize(..3)];
    let (name, date, gate) = match (rng.u8(..10), kind) {
        (0..=3, Kind::Timed) => (reported, Some(one(known::DATES, rng)), None),
        (0..=4, Kind::Json) => (one(json::VARIABLES, rng), None, None),
        (0, _) => (reported, None, Some(month_gate())),
        (4, _) if rng.bool() => ("timegenerated", Some(one(known::COARSE_DATES, rng)), None),
        (4, _) if rng.u8(..4) == 0 => ("jsonmesg", None, Some(one(&known::JSON_GATES, rng).into())),
        // What a message says matters more than what it is said by.
        (5..=6, _) => (one(&known::PROPERTIES[..10], rng), None, None),
        _ => (one(known::PROPERTIES, rng), None, None),
    };
    let name = match rng.u8(..8) {
        0 => name.to_uppercase(),
        _ => name.to_owned(),
    };
    Value { name, date, gate }
}

/// Alternatives of which each has its own first letter: there is but one way to match.
fn month_gate() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let month = usize::try_from(now.month()).unwrap() - 1;
    let months = known::MONTH_GATE.iter().enumerate();
    let far = months.filter(|(at, _)| *at != month && *at != (month + 1) % 12);
    let far: Vec<&str> = far.map(|(_, name)| *name).collect();
    format!("^({}).*$", far.join("|"))
}

/// One `%property:…%` of a string.
fn field(kind: Kind, rng: &mut Rng) -> String {
    let Value { name, date, gate } = value(kind, rng);
    let mut options: Vec<String> = Vec::new();
    if let Some(date) = date {
        // The form of RFC 3164 is the default.
        if date != "rfc3164" || rng.bool() {
            options.push(format!("date-{date}"));
        }
        if rng.u8(..4) == 0 {
            options.push("date-utc".to_owned());
        }
    }
    let choices = [
        "uppercase",
        "lowercase",
        "drop-last-lf",
        "drop-cc",
        "space-cc",
        "escape-cc",
        "secpath-drop",
        "sp-if-no-1st-sp",
        "compressspace",
        "csv",
        "json",
        "jsonf",
        "jsonr",
        "jsonfr",
    ];
    for _ in 0..rng.u8(..6).saturating_sub(2) {
        options.push(choices[rng.usize(..choices.len())].to_owned());
    }
    if kind == Kind::Paths && rng.bool() {
        options.push("secpath-replace".to_owned());
    }
    let mut range = match gate {
        Some(gate) => format!(":R,ERE,0,BLANK:{gate}--end"),
        None => string_range(&mut options, rng),
    };
    if options.iter().any(|option| option == "fixed-width") && !range.contains(':') {
        range = ":1:20".to_owned();
    }
    let outname = match rng.u8(..10) {
        0 => ":name",
        1 => ":a\"b",
        _ => "",
    };
    if options.is_empty() && outname.is_empty() {
        return format!("%{name}{range}%");
    }
    // Behind a field or a regular expression there is no `to`.
    let colons = match range.matches(':').count() {
        0 => "::",
        _ => "",
    };
    rng.shuffle(&mut options);
    format!("%{name}{range}{colons}:{}{outname}%", options.join(","))
}

/// What follows a property's name up to its options.
fn string_range(options: &mut Vec<String>, rng: &mut Rng) -> String {
    match rng.u8(..10) {
        0..=3 => String::new(),
        4..=6 => {
            let (from, to) = (rng.usize(..25), rng.usize(..known::WIDTH_MAX));
            let relative = rng.u8(..4) == 0;
            if relative {
                options.push("pos-end-relative".to_owned());
            } else if rng.u8(..4) == 0 {
                options.push("fixed-width".to_owned());
                return format!(":{from}:{to}");
            }
            match rng.u8(..4) {
                0 if !relative => format!(":{from}:$"),
                _ => format!(":{from}:{to}"),
            }
        }
        7 => {
            let delimiter = [44, 32, 9, 61, 47, 58, 255][rng.usize(..7)];
            let plus = if rng.u8(..6) == 0 { "+" } else { "" };
            let from = if rng.u8(..6) == 0 { ",2" } else { "" };
            format!(":F,{delimiter}:{}{plus}{from}", rng.u8(1..5))
        }
        _ => {
            let (expression, extended) = known::EXPRESSIONS[rng.usize(..known::EXPRESSIONS.len())];
            let language = if extended { "ERE" } else { "BRE" };
            let otherwise = ["DFLT", "BLANK", "FIELD", "ZERO"][rng.usize(..4)];
            let (submatch, number) = (rng.u8(..3), rng.u8(..4).saturating_sub(1));
            format!(":R,{language},{submatch},{otherwise},{number}:{expression}--end")
        }
    }
}

/// One `property(…)` of a list.
fn property(kind: Kind, object: bool, rng: &mut Rng) -> String {
    let Value { name, date, gate } = value(kind, rng);
    let mut params = vec![("name", name)];
    let mut add = |name: &'static str, value: &str| params.push((name, value.to_owned()));
    if let Some(date) = date {
        add("dateFormat", date);
        if rng.u8(..4) == 0 {
            add("date.inUTC", "on");
        }
    }
    if let Some(gate) = gate {
        add("regex.type", "ERE");
        add("regex.nomatchmode", "BLANK");
        add("regex.expression", &quoted(&gate));
    } else {
        pick(&mut add, rng);
    }
    let mut some = |name, values: &[&str], one_in: u8, rng: &mut Rng| {
        if rng.u8(..one_in) == 0 {
            add(name, values[rng.usize(..values.len())]);
        }
    };
    some("caseConversion", &["upper", "lower"], 8, rng);
    some("controlCharacters", &["escape", "space", "drop"], 6, rng);
    let paths: &[&str] = if kind == Kind::Paths { &["drop", "replace"] } else { &["drop"] };
    some("securePath", paths, if kind == Kind::Paths { 2 } else { 10 }, rng);
    some("dropLastLf", &["on"], 8, rng);
    some("spifno1stsp", &["on"], 12, rng);
    some("compressSpace", &["on"], 8, rng);
    some("mandatory", &["on"], 12, rng);
    let formats: &[&str] =
        if object { &["jsonf", "jsonfr"] } else { &["csv", "json", "jsonf", "jsonr", "jsonfr"] };
    some("format", formats, if object { 1 } else { 3 }, rng);
    some("outname", &["name", "a.b", "한", "q\\\"q"], 4, rng);
    some("dataType", &["string", "number", "auto", "bool"], 6, rng);
    some("onEmpty", &["keep", "skip", "null"], 6, rng);
    rng.shuffle(&mut params);
    let params = params.iter().map(|(name, value)| format!("{name}=\"{value}\""));
    format!("property({})", params.collect::<Vec<_>>().join(" "))
}

/// What is taken of the value: characters, a field, or what an expression finds.
fn pick(add: &mut impl FnMut(&'static str, &str), rng: &mut Rng) {
    match rng.u8(..12) {
        0..=3 => {
            let (a, b) = (rng.usize(1..25), rng.usize(1..known::WIDTH_MAX));
            let relative = rng.u8(..4) == 0;
            let (from, to) = if relative { (a.max(b), a.min(b)) } else { (a.min(b), a.max(b)) };
            add("position.from", &from.to_string());
            let open = rng.u8(..4) == 0 && !relative;
            if !open {
                add("position.to", &to.to_string());
            }
            if relative {
                add("position.relativeToEnd", "on");
            }
            if !open && rng.u8(..3) == 0 {
                add("fixedWidth", "on");
            }
        }
        4 => {
            add("field.number", &rng.u8(1..5).to_string());
            if rng.bool() {
                add("field.delimiter", ["44", "32", "61", "47", "58"][rng.usize(..5)]);
            }
        }
        5..=6 => {
            let (expression, extended) = known::EXPRESSIONS[rng.usize(..known::EXPRESSIONS.len())];
            add("regex.type", if extended { "ERE" } else { "BRE" });
            add("regex.expression", &quoted(expression));
            if rng.bool() {
                add("regex.nomatchmode", ["DFLT", "BLANK", "FIELD", "ZERO"][rng.usize(..4)]);
            }
            if rng.bool() {
                add("regex.submatch", &rng.u8(..3).to_string());
            }
            if rng.u8(..3) == 0 {
                add("regex.match", &rng.u8(..3).to_string());
            }
        }
        _ => {}
    }
}
