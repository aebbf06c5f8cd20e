//! Message modification modules that are not meant to be built.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Modifier;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Likely;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const COLLECTOR: &str = "the collector behind the relay: it has the whole message";

pub(super) static MODULES: &[Module] = &[
    absent(
        "mmnormalize",
        Modifier,
        "Parses text by liblognorm's rules.",
        "re_extract() and field()",
    )
    .with_module(&[MMNORMALIZE_MODULE])
    .with_instance(&[MMNORMALIZE]),
    absent(
        "mmexternal",
        Modifier,
        "Lets a program change messages.",
        "re_extract(), replace() and templates",
    )
    .with_instance(&[MMEXTERNAL]),
    absent("mmdblookup", Modifier, "Adds where an address is (MaxMind).", "a lookup table")
        .with_module(&[MMDBLOOKUP_MODULE])
        .with_instance(&[MMDBLOOKUP]),
    absent("mmcount", Modifier, "Counts messages into a variable.", "dyn_inc()")
        .with_instance(&[MMCOUNT]),
    absent("mmdarwin", Modifier, "Asks a Darwin filter about messages.", COLLECTOR)
        .with_instance(&[MMDARWIN]),
    absent("mmaitag", Modifier, "Asks a language model for a message's class.", COLLECTOR)
        .with_instance(&[MMAITAG]),
    absent(
        "mmrfc5424addhmac",
        Modifier,
        "Signs messages in their structured data.",
        "TLS, which a later version brings, or RELP",
    )
    .with_instance(&[MMRFC5424ADDHMAC]),
    absent(
        "mmsnmptrapd",
        Modifier,
        "Takes the host out of snmptrapd's tag.",
        "re_extract() on $syslogtag",
    ),
    absent("mmaudit", Modifier, "Parses Linux audit records.", "re_extract() on $msg"),
    absent("mmjsonrewrite", Modifier, "Turns dotted names into objects.", "mmjsontransform")
        .with_instance(&[MMJSONREWRITE]),
    absent("mmsnareparse", Modifier, "Parses Windows events of Snare.", "field() on $msg")
        .with_module(&[MMSNAREPARSE])
        .with_instance(&[MMSNAREPARSE]),
    absent("mmgrok", Modifier, "Parses text by Grok patterns.", "re_extract()")
        .with_instance(&[MMGROK]),
];

static MMNORMALIZE_MODULE: &[Spec] =
    &[Spec::new("allowRegex", Bool, "off", "Rules may hold regular expressions.")];

static MMNORMALIZE: &[Spec] = &[
    Spec::new("ruleBase", Token, "", "File that holds the rules."),
    Spec::new("rule", Array, "", "The rules themselves."),
    Spec::new("path", Token, "$!", "Variable that gets what was parsed."),
    Spec::new("useRawMsg", Bool, "off", "Parses the whole message instead of its text."),
    Spec::new("variable", Token, "", "Parses this variable instead."),
    Spec::new("turbo", Bool, "off", "Compiles the rules.").since("8.2602"),
    Spec::new("debug", Bool, "off", "Says what liblognorm does.").since("8.2608"),
    Spec::new("debugFile", Str, "", "File to say it to.").since("8.2608"),
];

static MMEXTERNAL: &[Spec] = &[
    Spec::new("binary", Str, "", "The program and its arguments.").required(),
    Spec::new(
        "interface.input",
        Exact(&["msg", "rawmsg", "fulljson"]),
        "msg",
        "What the program gets.",
    ),
    Spec::new("output", Str, "", "File to which the program's output is copied."),
    Spec::new("forceSingleInstance", Bool, "off", "Runs the program once alone."),
];

static MMDBLOOKUP_MODULE: &[Spec] =
    &[Spec::new("container", Token, "!iplocation", "Variable that gets what was found.")];

static MMDBLOOKUP: &[Spec] = &[
    Spec::new("key", Token, "", "Variable that holds the address.").required(),
    Spec::new("mmdbfile", Token, "", "The data base.").required(),
    Spec::new("fields", Array, "", "What to take out of it.").required(),
];

static MMCOUNT: &[Spec] = &[
    Spec::new("appname", Token, "", "The program whose messages are counted.").required(),
    Spec::new("key", Token, "", "Variable whose values are counted."),
    Spec::new("value", Token, "", "The one value that is counted."),
];

static MMDARWIN: &[Spec] = &[
    Spec::new("key", Token, "", "Variable that gets the answer.").required(),
    Spec::new("socketpath", Token, "", "The filter's socket.").required(),
    Spec::new("response", Likely(&["no", "back", "darwin", "both"]), "no", "Who gets the answer."),
    Spec::new("filtercode", Token, "0x00000000", "The filter's code."),
    Spec::new("fields", Array, "", "What is sent to the filter.").required(),
    Spec::new("send_partial", Bool, "off", "Asks although fields are missing."),
];

static MMAITAG: &[Spec] = &[
    Spec::new("provider", Str, "gemini", "The service to ask.").since("8.2512"),
    Spec::new("tag", Str, "$.aitag", "Variable that gets the class.").since("8.2512"),
    Spec::new("model", Str, "", "The model to ask.").since("8.2512"),
    Spec::new("expert.initial_prompt", Str, "", "The question.").since("8.2512"),
    Spec::new("inputProperty", Str, "", "The property to ask about.").since("8.2512"),
    Spec::new("apiKey", Str, "", "Key to show to the service.").since("8.2512"),
    Spec::new("apiKey_file", Str, "", "File that holds the key.").since("8.2512"),
    Spec::new("response.maxBytes", Positive, "1048576", "Longest answer, in bytes.")
        .since("8.2608"),
    Spec::new("request.timeoutMs", Positive, "60000", "How long an answer may take.")
        .since("8.2608"),
    Spec::new("request.connectTimeoutMs", Positive, "10000", "How long connecting may take.")
        .since("8.2608"),
    Spec::new("request.lowSpeedLimit", Positive, "1", "Bytes a second that must come.")
        .since("8.2608"),
    Spec::new("request.lowSpeedTime", Positive, "15", "For how many seconds they may not.")
        .since("8.2608"),
];

static MMRFC5424ADDHMAC: &[Spec] = &[
    Spec::new("key", Str, "", "The secret.").required(),
    Spec::new("hashfunction", Str, "", "The hash function, in OpenSSL's words.").required(),
    Spec::new("sd_id", Str, "", "The element that gets the signature.").required(),
];

static MMJSONREWRITE: &[Spec] = &[
    Spec::new("input", Str, "", "Variable to read.").since("8.2410"),
    Spec::new("output", Str, "", "Variable to write.").since("8.2410"),
];

static MMSNAREPARSE: &[Spec] = &[
    Spec::new("container", Str, "!win", "Variable that gets what was parsed.")
        .alias(&["rootpath"])
        .since("8.2512"),
    Spec::new("enable.network", Bool, "on", "Parses network blocks.").since("8.2512"),
    Spec::new("enable.laps", Bool, "on", "Parses LAPS blocks.").since("8.2512"),
    Spec::new("enable.tls", Bool, "on", "Parses TLS blocks.").since("8.2512"),
    Spec::new("enable.wdac", Bool, "on", "Parses WDAC blocks.").since("8.2512"),
    Spec::new("emit.rawpayload", Bool, "on", "Keeps the whole text.").since("8.2512"),
    Spec::new("emit.debugjson", Bool, "off", "Always makes the list of what was not parsed.")
        .alias(&["debugjson"])
        .since("8.2512"),
    Spec::new("definition.file", Str, "", "File of further definitions.").since("8.2512"),
    Spec::new("definition.json", Str, "", "Further definitions.").since("8.2512"),
    Spec::new("runtime.config", Str, "", "File of settings.").since("8.2512"),
    Spec::new("validation.mode", Str, "permissive", "How strict to be.")
        .alias(&["validation_mode"])
        .since("8.2512"),
    Spec::new("ignoreTrailingPattern", Str, "", "Text that begins a part to leave out.")
        .since("8.2608"),
    Spec::new("ignoreTrailingPattern.regex", Str, "", "Expression that begins such a part.")
        .since("8.2608"),
];

static MMGROK: &[Spec] = &[
    Spec::new("patterndir", Str, "", "Folder of patterns."),
    Spec::new("match", Str, "", "The pattern."),
    Spec::new("source", Str, "msg", "Property to parse."),
    Spec::new("target", Str, "!", "Variable that gets what was parsed."),
];
