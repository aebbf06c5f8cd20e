//! Where rsyslog's documentation has what a complaint is about. A page is a path below its root,
//! without `.html`; `modules/imtcp` is short for `configuration/modules/imtcp`.

use crate::config::ast::ObjectKind;

pub const ACTIONS: &str = "configuration/actions";
pub const CALL: &str = "rainerscript/rainerscript_call";
pub const CALL_INDIRECT: &str = "rainerscript/rainerscript_call_indirect";
pub const CONTROL: &str = "rainerscript/control_structures";
pub const DIRECTIVES: &str = "configuration/index_directives";
pub const GLOBAL_DIRECTIVES: &str = "configuration/global/index";
pub const RULESET_DIRECTIVES: &str = "configuration/ruleset/index";
pub const EXPRESSIONS: &str = "rainerscript/expressions";
pub const FILTERS: &str = "configuration/filters";
pub const FORMATS: &str = "configuration/conf_formats";
pub const FUNCTIONS: &str = "rainerscript/functions/index";
pub const INCLUDE: &str = "rainerscript/include";
pub const LOOKUP_TABLES: &str = "configuration/lookup_tables";
pub const OBJECTS: &str = "rainerscript/configuration_objects";
pub const OUTPUT_CHANNELS: &str = "configuration/output_channels";
pub const PROPERTIES: &str = "configuration/properties";
pub const PROPERTY_REPLACER: &str = "configuration/property_replacer";
pub const QUEUES: &str = "rainerscript/queue_parameters";
pub const STRINGS: &str = "rainerscript/constant_strings";
pub const SYSKLOGD: &str = "configuration/sysklogd_format";
pub const TEMPLATES: &str = "configuration/templates";
pub const TYPES: &str = "configuration/config_param_types";
pub const VARIABLES: &str = "rainerscript/variable_property_types";

/// The page of an object, apart from what its module adds.
#[must_use]
pub const fn object(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Action => ACTIONS,
        ObjectKind::DynStats => "configuration/dyn_stats",
        ObjectKind::Global => "rainerscript/global",
        ObjectKind::Include => INCLUDE,
        ObjectKind::Input => "configuration/input",
        ObjectKind::LookupTable => LOOKUP_TABLES,
        ObjectKind::MainQueue => QUEUES,
        ObjectKind::Module | ObjectKind::Ratelimit | ObjectKind::Ruleset => OBJECTS,
        ObjectKind::Parser => "configuration/parser",
        ObjectKind::PerctileStats => "configuration/percentile_stats",
        ObjectKind::Template | ObjectKind::Constant | ObjectKind::Property => TEMPLATES,
        ObjectKind::Timezone => "configuration/timezone",
    }
}

/// Modules without a page of their own name, by the page that speaks of them.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("configuration/actions", &["omdiscard", "omshell"]),
    ("configuration/parser", &["pmceelog"]),
    ("configuration/cryprov_gcry", &["lmcry_gcry", "lmcry_ossl"]),
    ("concepts/ns_gtls", &["lmnsd_gtls"]),
    ("concepts/ns_ossl", &["lmnsd_ossl"]),
    ("concepts/ns_ptcp", &["lmnsd_ptcp"]),
    ("concepts/netstrm_drvr", &["lmnetstrms", "lmnsd_mbedtls"]),
    ("modules/gssapi", &["lmgssutil", "omgssapi"]),
    ("modules/idx_input", &["imbeats", "imczmq", "imdtls", "imdiag", "imdoor", "imfifo"]),
    ("modules/idx_input", &["imkubernetes", "imttcp", "imzmq3"]),
    ("modules/idx_library", &["lmnet", "lmregexp", "lmtcpclt", "lmtcpsrv", "lmzlibw", "lmzstdw"]),
    ("modules/idx_messagemod", &["mmaitag", "mmaudit", "mmcapture", "mmgrok", "mmjsonrewrite"]),
    ("modules/idx_messagemod", &["mmjsontransform", "mmleefparse", "mmsnareparse"]),
    ("modules/idx_output", &["omazureeventhubs", "omczmq", "omdtls", "omotel", "omsendertrack"]),
    (
        "modules/idx_output",
        &["omawslogshlc", "omazuredce", "omkinesis", "omsplunkhec", "omtcl", "omtelegram"],
    ),
    ("modules/idx_output", &["omtesting", "omzmq3"]),
    ("modules/idx_parser", &["pmaixforwardedfrom", "pmcisconames", "pmpanngfw", "pmsnare"]),
    ("modules/idx_stringgen", &["sm_cust_bindcdr", "smfile", "smfwd", "smtradfile", "smtradfwd"]),
    ("modules/sigprov_gt", &["lmsig_gt"]),
    ("modules/sigprov_ksi12", &["lmsig_ksi", "lmsig_ksi_ls12"]),
    ("rainerscript/functions/idx_module_functions", &["fmpcre", "fmpansanitizer"]),
    ("rainerscript/functions/mo-ffaup", &["ffaup", "fmffaup"]),
    ("rainerscript/functions/mo-hashXX", &["fmhash"]),
    ("rainerscript/functions/mo-http_request", &["fmhttp"]),
    ("rainerscript/functions/mo-unflatten", &["fmunflatten"]),
];

/// The page of a module.
#[must_use]
pub fn module(name: &str) -> String {
    let other = ELSEWHERE.iter().find(|(_, names)| names.contains(&name));
    other.map_or_else(|| format!("modules/{name}"), |(page, _)| (*page).to_owned())
}

/// The term for a parameter of what `page` describes: `modules/imtcp: port`. Queues and actions
/// have theirs on pages of their own.
#[must_use]
pub fn parameter(page: &str, name: &str) -> String {
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let page = match page {
        _ if begins("queue.") => QUEUES,
        _ if begins("action.") && page.starts_with("modules/") => ACTIONS,
        page => page,
    };
    format!("{page}: {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_looked_for_where_they_are_described() {
        assert_eq!(parameter("modules/imtcp", "port"), "modules/imtcp: port");
        let queue = parameter("modules/omfwd", "Queue.Size");
        assert_eq!(queue, "rainerscript/queue_parameters: Queue.Size");
        let name = "action.resumeRetryCount";
        assert_eq!(parameter("modules/omfwd", name), format!("{ACTIONS}: {name}"));
        let name = "action.reportSuspension";
        assert_eq!(parameter("rainerscript/global", name), format!("rainerscript/global: {name}"));
        assert_eq!(module("imtcp"), "modules/imtcp");
    }
}
