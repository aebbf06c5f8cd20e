//! Lists of senders: `$AllowedSender`.

use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::config::param::Params;
use crate::input::Allowed;
use crate::net::allowed::AllowedSenders;
use crate::net::allowed::Flaw;
use crate::net::allowed::NameRules;

/// What was said of senders so far.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Senders {
    udp: Option<AllowedSenders>,
    tcp: Option<AllowedSenders>,
    rules: NameRules,
    silent: bool,
}

impl Senders {
    /// Takes over what a `global()` says. Lists grow; as in rsyslogd, a name is resolved by what
    /// was said before it.
    pub(super) fn read(&mut self, params: &Params, diags: &mut Diagnostics) {
        let rules = &mut self.rules;
        rules.resolve = params.bool("net.aclResolveHostname").unwrap_or(rules.resolve);
        rules.keep_unknown = params.bool("net.aclAddHostnameOnFail").unwrap_or(rules.keep_unknown);
        self.silent = params.bool("net.permitACLWarning").map_or(self.silent, |on| !on);
        for (name, list) in
            [("allowedSender.udp", &mut self.udp), ("allowedSender.tcp", &mut self.tcp)]
        {
            if !params.has(name) {
                continue;
            }
            let list = list.get_or_insert_default();
            for entry in params.list(name) {
                if let Err(flaw) = list.add(entry, self.rules) {
                    diags.push(complaint(params.loc(name), entry, flaw));
                }
            }
        }
    }

    /// For the inputs.
    pub(in crate::engine) fn allowed(&self) -> Allowed {
        let list = |list: &Option<AllowedSenders>| list.clone().map(Arc::new);
        Allowed { udp: list(&self.udp), tcp: list(&self.tcp), says: !self.silent }
    }
}

fn complaint(loc: Loc, entry: &str, flaw: Flaw) -> Diagnostic {
    match flaw {
        Flaw::Bits(bits) => {
            let text = format!("'{entry}': '{bits}' is no number of bits of an address");
            Diagnostic::error(loc, text).help("write 192.0.2.0/24 or [2001:db8::]/32")
        }
        Flaw::Everybody => {
            let text = format!("'{entry}' would let everybody in; the address alone is taken");
            Diagnostic::error(loc, text).help("without any list everybody may send")
        }
        Flaw::TooMany(bits) => {
            let text = format!("'{entry}': an address has no {bits} bits; all of them are taken");
            Diagnostic::warning(loc, text)
        }
        Flaw::Unknown => {
            let text = format!("'{entry}' has no address; it is left out");
            let help = "net.aclAddHostnameOnFail=\"on\" compares it with senders' names instead";
            Diagnostic::error(loc, text).help(help)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use crate::config::parse_text;
    use crate::engine::Options;
    use crate::engine::compile;

    fn allowed(text: &str) -> (crate::input::Allowed, Vec<String>) {
        let options =
            Options { hostname: "host".to_owned(), no_dns: false, ipv4: true, ipv6: true };
        let mut config = parse_text("test", format!("{text}\n*.* /dev/null\n").as_bytes());
        let plan = compile(&mut config, &options);
        let said = config.diagnostics.all.iter().map(|d| d.message.clone()).collect();
        (plan.globals.senders.allowed(), said)
    }

    #[test]
    fn directives_add_to_their_list() {
        let (allowed, said) = allowed(
            "$AllowedSender UDP, 192.0.2.0/24 , [::1]/128 # not, 192.0.2.0/x\n$AllowedSender udp, *.example.net\n",
        );
        assert_eq!(said, [""; 0]);
        assert!(allowed.tcp.is_none() && allowed.says);
        let list = allowed.udp.unwrap();
        for ip in ["192.0.2.200", "::1"] {
            assert_eq!(list.of_address(ip.parse::<IpAddr>().unwrap()), Some(true));
        }
        assert!(list.has_name("a.example.net"));
    }

    #[test]
    fn flaws_are_said_and_the_list_stays_closed() {
        let (allowed, said) = allowed(
            "global(net.permitACLWarning=\"off\")\n\
             $AllowedSender TCP, 0.0.0.0/0, nobody.invalid\n$AllowedSender FOO, ::1\n",
        );
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(allowed.udp.is_none() && !allowed.says);
        let list = allowed.tcp.unwrap();
        assert_eq!(list.of_address(IpAddr::from([192, 0, 2, 1])), Some(false));
    }
}
