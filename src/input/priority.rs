//! What inputs whose messages bring no priority give them: `facility=` and `severity=`.

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;
use crate::config::selector;
use crate::message::Pri;

/// Facility local0 and severity notice.
const FACILITY: u8 = 16;
const SEVERITY: u8 = 5;

/// Facility and severity. rsyslog puts the bits of both together, and those of a facility that is
/// given as a number stand where the severity's are.
pub(super) fn of(params: &Params, diags: &mut Diagnostics) -> Pri {
    let named = |name, read: fn(&[u8]) -> Option<u8>| params.bytes(name).and_then(|v| read(v));
    let facility = named("facility", selector::facility).unwrap_or(FACILITY);
    let severity = named("severity", selector::severity).unwrap_or(SEVERITY);
    if params.str("facility").is_none_or(|text| text.parse::<u8>().is_err()) {
        return Pri::new(facility, severity);
    }
    let bits = facility | severity;
    let pri = Pri::new(bits >> 3, bits & 7);
    if pri != Pri::new(facility, severity) {
        let text = format!(
            "facility={facility} makes {}.{} of severity {severity}, as in rsyslog",
            pri.facility_text(),
            pri.severity_text()
        );
        let help = "write the facility's name, e.g. facility=\"local0\"";
        diags.push(Diagnostic::warning(params.loc("facility"), text).help(help));
    }
    pri
}
