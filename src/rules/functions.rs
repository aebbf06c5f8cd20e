//! Every function of RainerScript, in rsyslog 8.2302's documentation or added since: how it is
//! called, what it does, which module has it, and whether it runs here.

use crate::base::diag::Diagnostic;
use crate::base::diag::nearest;
use crate::config::ast::Word;
use crate::config::manual;

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// In lower case, as it must be written.
    pub name: &'static str,
    /// What its arguments are called; those beyond [`least`](Self::least) may be left out.
    pub args: &'static [&'static str],
    pub least: usize,
    /// One sentence.
    pub doc: &'static str,
    /// Its page below `rainerscript/functions/` in rsyslog's documentation; empty if 8.2302 has
    /// none.
    pub page: &'static str,
    /// The module that must be loaded before it is used; empty if it is built in.
    pub module: &'static str,
    /// An argument that must be a constant, counted from 0, and what it is.
    pub constant: Option<(usize, Constant)>,
    /// This version runs it.
    pub built: bool,
}

/// What a constant argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// A POSIX extended regular expression.
    Regex,
    /// A selector such as `mail.*;auth.none`.
    Selector,
    /// The name of something that must stand before it.
    Name(Named),
}

/// What expressions name that other objects define. rsyslogd looks it up as it reads, so the
/// object must come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    Template,
    LookupTable,
    DynStats,
    PercentileStats,
    /// A module with functions.
    Module,
}

impl Named {
    /// What it is called in complaints.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::LookupTable => "lookup table",
            Self::DynStats => "dyn_stats bucket",
            Self::PercentileStats => "percentile_stats bucket",
            Self::Module => "module",
        }
    }

    /// How one defines `name`.
    #[must_use]
    pub fn definition(self, name: &str) -> String {
        match self {
            Self::Template => format!("template(name=\"{name}\" …)"),
            Self::LookupTable => format!("lookup_table(name=\"{name}\" file=\"…\")"),
            Self::DynStats => format!("dyn_stats(name=\"{name}\")"),
            Self::PercentileStats => format!("percentile_stats(name=\"{name}\" …)"),
            Self::Module => format!("module(load=\"{name}\")"),
        }
    }
}

/// A function that is there without any module, all of whose arguments are needed.
const fn f(
    name: &'static str,
    args: &'static [&'static str],
    page: &'static str,
    doc: &'static str,
) -> Function {
    let least = args.len();
    Function { name, args, least, doc, page, module: "", constant: None, built: false }
}

impl Function {
    const fn least(mut self, least: usize) -> Self {
        self.least = least;
        self
    }

    const fn of(mut self, module: &'static str) -> Self {
        self.module = module;
        self
    }

    const fn constant(mut self, at: usize, constant: Constant) -> Self {
        self.constant = Some((at, constant));
        self
    }

    const fn built(mut self) -> Self {
        self.built = true;
        self
    }

    /// `wrap(text, wrapper[, escaper])`
    #[must_use]
    pub fn usage(&self) -> String {
        let (needed, rest) = self.args.split_at(self.least.min(self.args.len()));
        let mut usage = format!("{}({}", self.name, needed.join(", "));
        for (at, arg) in rest.iter().enumerate() {
            usage.push_str(if at == 0 && needed.is_empty() { "[" } else { "[, " });
            usage.push_str(arg);
        }
        usage.push_str(&"]".repeat(rest.len()));
        usage.push(')');
        usage
    }

    /// The page of rsyslog's documentation that has it.
    #[must_use]
    pub fn manual_page(&self) -> String {
        match self.page {
            "" => manual::FUNCTIONS.to_owned(),
            page => format!("rainerscript/functions/{page}"),
        }
    }

    /// How many arguments it takes, in words.
    pub(super) fn arity(&self) -> String {
        let noun = |n: usize| if n == 1 { "argument" } else { "arguments" };
        match (self.least, self.args.len()) {
            (0, 0) => "no argument".to_owned(),
            (least, most) if least == most => format!("{most} {}", noun(most)),
            (least, most) if least + 1 == most => format!("{least} or {most} {}", noun(most)),
            (least, most) => format!("{least} to {most} {}", noun(most)),
        }
    }
}

/// The function that is written `name`, letter case included.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// What to say about a name that is no function's.
pub(super) fn unknown(name: &Word) -> Diagnostic {
    let text = format!("there is no function '{}'", name.text);
    let diagnostic = Diagnostic::error(name.loc, text).term(manual::FUNCTIONS);
    if find(&name.text.to_ascii_lowercase()).is_some() {
        let help = format!("write '{}', in lower case", name.text.to_ascii_lowercase());
        return diagnostic.help(help);
    }
    match nearest(&name.text, FUNCTIONS.iter().map(|function| function.name)) {
        Some(near) => diagnostic.help(format!("did you mean '{near}'?")),
        None => diagnostic,
    }
}

const REGEX: Constant = Constant::Regex;
const TABLE: Constant = Constant::Name(Named::LookupTable);
const DYN_STATS: Constant = Constant::Name(Named::DynStats);
const PERCENTILES: Constant = Constant::Name(Named::PercentileStats);
const TEMPLATE: Constant = Constant::Name(Named::Template);

/// All of them, by name.
pub static FUNCTIONS: &[Function] = &[
    f("append_json", &["variable", "key", "value"], "", "Adds a member or an element to JSON.")
        .least(2)
        .built(),
    f("b64_decode", &["text"], "", "Decodes Base64.").built(),
    f("cbool", &["value"], "", "Makes a truth value of a value.").built(),
    f("cef_ext_escape", &["text"], "", "Escapes a text for the extension of a CEF event.").built(),
    f("cnum", &["value"], "rs-cnum", "Makes a number of a value: the digits it begins with.")
        .built(),
    f("cstr", &["value"], "rs-cstr", "Makes a text of a value.").built(),
    f("dyn_inc", &["bucket", "metric"], "rs-dyn_inc", "Counts one up in a bucket of counters.")
        .constant(0, DYN_STATS)
        .built(),
    f("exec_template", &["template"], "rs-exec_template", "Gives what a template writes.")
        .constant(0, TEMPLATE)
        .built(),
    f("exists", &["$variable"], "rs-exists", "Tells whether a variable has a value.").built(),
    f("faup", &["url"], "mo-ffaup", "Takes a URL apart into a JSON object.").of("ffaup"),
    f("faup_credential", &["url"], "mo-ffaup", "The credentials in a URL.").of("ffaup"),
    f("faup_domain", &["url"], "mo-ffaup", "The domain of a URL.").of("ffaup"),
    f("faup_domain_without_tld", &["url"], "mo-ffaup", "The domain without what ends it.")
        .of("ffaup"),
    f("faup_fragment", &["url"], "mo-ffaup", "The part of a URL behind '#'.").of("ffaup"),
    f("faup_host", &["url"], "mo-ffaup", "The host of a URL.").of("ffaup"),
    f("faup_port", &["url"], "mo-ffaup", "The port of a URL.").of("ffaup"),
    f("faup_query_string", &["url"], "mo-ffaup", "The part of a URL behind '?'.").of("ffaup"),
    f("faup_resource_path", &["url"], "mo-ffaup", "The path of a URL.").of("ffaup"),
    f("faup_scheme", &["url"], "mo-ffaup", "The scheme of a URL.").of("ffaup"),
    f("faup_subdomain", &["url"], "mo-ffaup", "The subdomain of a URL.").of("ffaup"),
    f("faup_tld", &["url"], "mo-ffaup", "The top-level domain of a URL.").of("ffaup"),
    f("field", &["text", "delimiter", "number"], "rs-field", "The n-th part, counted from 1.")
        .least(3)
        .built(),
    f("format_time", &["seconds", "format"], "rs-format_time", "Writes a Unix time as a date.")
        .built(),
    f("get_property", &["variable", "key"], "rs-get_property", "A member by a computed name.")
        .built(),
    f("getenv", &["name"], "rs-getenv", "A variable of the environment.").built(),
    f("hash32", &["text", "seed"], "mo-hashXX", "A hash of 32 bits.").least(1).of("fmhash").built(),
    f("hash32mod", &["text", "modulus", "seed"], "mo-hashXXmod", "That hash modulo a number.")
        .least(2)
        .of("fmhash")
        .built(),
    f("hash64", &["text", "seed"], "mo-hashXX", "A hash of 64 bits.").least(1).of("fmhash").built(),
    f("hash64mod", &["text", "modulus", "seed"], "mo-hashXXmod", "That hash modulo a number.")
        .least(2)
        .of("fmhash")
        .built(),
    f("http_request", &["url"], "mo-http_request", "Fetches a URL and gives the answer.")
        .of("fmhttp"),
    f("int2hex", &["number"], "rs-int2hex", "Writes a number in hexadecimal.").built(),
    f("ip42num", &["address"], "rs-ipv4convert", "The number of an IPv4 address.").built(),
    f("ipv42num", &["address"], "rs-ipv4convert", "The same as ip42num().").built(),
    f("is_in_subnet", &["address", "network"], "", "Tells whether a network has an address.")
        .built(),
    f("is_time", &["text", "format"], "rs-is_time", "Tells whether a text is a timestamp.")
        .least(1)
        .built(),
    f("lookup", &["table", "key"], "rs-lookup", "What a lookup table has for a key.")
        .constant(0, TABLE)
        .built(),
    f("ltrim", &["text"], "rs-trim", "Removes spaces in front.").built(),
    f("num2ipv4", &["number"], "rs-ipv4convert", "Writes a number as an IPv4 address.").built(),
    f("parse_json", &["text", "variable name"], "rs-parse_json", "Reads JSON into a variable.")
        .built(),
    f("parse_time", &["text"], "rs-parse_time", "The Unix time of a timestamp.").built(),
    f("parse_time_localtz", &["text"], "", "The same, by the local zone where it names none.")
        .built(),
    f("pcre_match", &["text", "regex"], "", "Matches a Perl-like regular expression.").of("fmpcre"),
    f(
        "percentile_observe",
        &["bucket", "metric", "value"],
        "rs-percentile_observe",
        "Adds an observation to a bucket of percentiles.",
    )
    .constant(0, PERCENTILES)
    .built(),
    f(
        "previous_action_suspended",
        &[],
        "rs-previous_action_suspended",
        "Tells whether the action before is suspended.",
    )
    .built(),
    f("prifilt", &["selector"], "rs-prifilt", "Tells whether a selector takes the message.")
        .constant(0, Constant::Selector)
        .built(),
    f("random", &["limit"], "rs-random", "A random number below a limit.").built(),
    f(
        "re_extract",
        &["text", "regex", "match", "submatch", "otherwise"],
        "rs-re_extract",
        "What a regular expression, or a group of it, finds.",
    )
    .constant(1, REGEX)
    .built(),
    f(
        "re_extract_i",
        &["text", "regex", "match", "submatch", "otherwise"],
        "rs-re_extract_i",
        "The same in any letter case.",
    )
    .constant(1, REGEX)
    .built(),
    f("re_match", &["text", "regex"], "rs-re_match", "Tells whether a regular expression matches.")
        .constant(1, REGEX)
        .built(),
    f("re_match_i", &["text", "regex"], "rs-re_match_i", "The same in any letter case.")
        .constant(1, REGEX)
        .built(),
    f("replace", &["text", "part", "by"], "rs-replace", "Replaces a part wherever it stands.")
        .built(),
    f("rtrim", &["text"], "rs-trim", "Removes spaces at the end.").built(),
    f("script_error", &[], "rs-script_error", "Tells whether the function before it failed.")
        .built(),
    f("split", &["text", "separator"], "", "Makes a JSON array of the parts of a text.").built(),
    f("strlen", &["text"], "rs-strlen", "The length of a text in bytes.").built(),
    f("substring", &["text", "start", "length"], "rs-substring", "A part of a text.").built(),
    f(
        "tocef",
        &[
            "version",
            "vendor",
            "product",
            "device version",
            "event class",
            "name",
            "severity",
            "extensions",
        ],
        "",
        "Writes an event in the Common Event Format.",
    )
    .built(),
    f("tolower", &["text"], "rs-tolower", "Makes capital letters small.").built(),
    f("toupper", &["text"], "", "Makes small letters capital.").built(),
    f("unflatten", &["variable", "separator"], "mo-unflatten", "Makes a tree of dotted names.")
        .of("fmunflatten")
        .built(),
    f("wrap", &["text", "wrapper", "escaper"], "rs-wrap", "Puts a text on both sides of a text.")
        .least(2)
        .built(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::Loc;

    #[test]
    fn the_table_is_in_order_and_whole() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for function in FUNCTIONS {
            assert!(function.least <= function.args.len(), "{}", function.name);
            assert!(function.doc.ends_with('.'), "{}", function.name);
            assert_eq!(function.name, function.name.to_ascii_lowercase());
            let named = function.constant.is_none_or(|(at, _)| at < function.args.len());
            assert!(named, "{}", function.name);
        }
    }

    #[test]
    fn usage_shows_what_may_be_left_out() {
        let usage = |name: &str| find(name).unwrap().usage();
        assert_eq!(usage("strlen"), "strlen(text)");
        assert_eq!(usage("script_error"), "script_error()");
        assert_eq!(usage("wrap"), "wrap(text, wrapper[, escaper])");
        assert_eq!(find("wrap").unwrap().arity(), "2 or 3 arguments");
        assert_eq!(find("strlen").unwrap().arity(), "1 argument");
        assert_eq!(find("random").unwrap().arity(), "1 argument");
        assert_eq!(find("script_error").unwrap().arity(), "no argument");
    }

    #[test]
    fn names_are_in_lower_case() {
        let help = |name: &str| {
            unknown(&Word { text: name.to_owned(), loc: Loc::default() }).help.unwrap_or_default()
        };
        assert_eq!(help("StrLen"), "write 'strlen', in lower case");
        assert_eq!(help("re_mach"), "did you mean 're_match'?");
        assert_eq!(help("frobnicate"), "");
    }
}
