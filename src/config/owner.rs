//! Whom files are given to: parameters that take a name, beside others that take its number.

use crate::base::account;
use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::config::param::Params;

/// The user that `number` gives, or else `name`. One that is not known is complained of.
pub fn user(params: &Params, number: &str, name: &str, diags: &mut Diagnostics) -> Option<u32> {
    one(params, number, name, diags, account::user, "user")
}

/// The same of a group.
pub fn group(params: &Params, number: &str, name: &str, diags: &mut Diagnostics) -> Option<u32> {
    one(params, number, name, diags, account::group, "group")
}

fn one(
    params: &Params,
    number: &str,
    name: &str,
    diags: &mut Diagnostics,
    look_up: fn(&str) -> Option<u32>,
    kind: &str,
) -> Option<u32> {
    if let Some(id) = params.int(number) {
        return u32::try_from(id).ok();
    }
    let wanted = params.str(name)?;
    let found = look_up(wanted);
    if found.is_none() {
        // rsyslog makes the file all the same, as its own user.
        let text = format!("no {kind} '{wanted}' in /etc/passwd or /etc/group");
        diags.push(
            Diagnostic::error(params.loc(name), text)
                .help(format!("give its number with '{number}'")),
        );
    }
    found
}
