//! Function modules and string generators.

use crate::catalog::absent;
use crate::catalog::later;
use crate::catalog::ready;
use crate::config::module::Module;
use crate::config::module::Role::Function;
use crate::config::module::Role::StringGenerator;

const NOT_CALLED: &str = "its functions are not known meanwhile";

pub(super) static MODULES: &[Module] = &[
    ready("fmhash", Function, "hash32(), hash64() and their remainders."),
    later("fmpcre", Function, "pcre_match().", NOT_CALLED),
    ready("fmunflatten", Function, "unflatten()."),
    absent("fmhttp", Function, "http_request().", "a lookup table that a program renews"),
    absent("ffaup", Function, "faup(): the parts of an address.", "re_extract()"),
    absent("fmpansanitizer", Function, "pan_sanitize(): hides card numbers.", "replace()"),
    ready("smfile", StringGenerator, "RSYSLOG_FileFormat."),
    ready("smfwd", StringGenerator, "RSYSLOG_ForwardFormat."),
    ready("smtradfile", StringGenerator, "RSYSLOG_TraditionalFileFormat."),
    ready("smtradfwd", StringGenerator, "RSYSLOG_TraditionalForwardFormat."),
    absent("sm_cust_bindcdr", StringGenerator, "BIND's queries as CDR.", "a template"),
];
