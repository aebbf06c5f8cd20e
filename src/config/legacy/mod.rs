//! What rsyslog calls legacy: selectors, property filters, one-letter actions, `$Directives`.
//! All of it is lowered to the object form on the way in.

pub(super) mod action;
pub(super) mod directive;
pub(super) mod filter;
pub mod selector;
mod state;
mod table;
mod template;
pub mod view;

pub(super) use action::Lowered;
pub(super) use state::State;

use bstr::ByteSlice;

/// What to say about a `!prog`, `+host` or `-host` line, and what to write instead.
pub(super) fn bsd_block(line: &[u8]) -> (String, String) {
    let name = line.get(1..).unwrap_or_default().trim().as_bstr();
    let text = format!("BSD-style block '{}' is no longer supported", line.as_bstr());
    let (negated, bare) = match name.strip_prefix(b"-").or_else(|| name.strip_prefix(b"!")) {
        Some(bare) if line.starts_with(b"!") => (true, bare.as_bstr()),
        _ => (line.starts_with(b"-"), name.strip_prefix(b"+").unwrap_or(name).as_bstr()),
    };
    let property = if line.starts_with(b"!") { "$programname" } else { "$hostname" };
    let operator = if negated { "!=" } else { "==" };
    let help = if bare == "*" {
        "remove it; the block that it ended is written with braces".to_owned()
    } else {
        format!("write: if {property} {operator} '{bare}' then {{ … }} around its lines")
    };
    (text, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bsd_blocks_are_translated() {
        let help = |line: &str| bsd_block(line.as_bytes()).1;
        assert!(help("!named").starts_with("write: if $programname == 'named' then"));
        assert!(help("!-named").starts_with("write: if $programname != 'named' then"));
        assert!(help("+host1").starts_with("write: if $hostname == 'host1' then"));
        assert!(help("-host1").starts_with("write: if $hostname != 'host1' then"));
        assert!(help("+*").starts_with("remove it"));
        assert!(help("!*").starts_with("remove it"));
    }
}
