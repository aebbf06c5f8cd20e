//! TLS that is asked for and not done, or done with anybody. (What rsyslogd 8.2302 with gtls does,
//! tried.)

use std::net::IpAddr;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::Object;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::survey::has;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::on;
use crate::engine::lint::survey::setting;
use crate::engine::lint::survey::stays_here;
use crate::engine::lint::survey::values;

pub(super) static LINTS: &[&Lint] =
    &[&TLS_MODE_0, &TLS_NO_DRIVER, &TLS_ANON, &TLS_ANON_INPUT, &TLS_ANY_PEER, &TLS_NO_PEER];

static TLS_MODE_0: Lint = Lint {
    id: "tls-mode-0",
    severity: Warning,
    what: "A TLS driver is chosen, and its mode is not 1.",
    why: "The driver does plain TCP in mode 0, its default: everything is sent in the clear.",
    help: "add streamDriverMode=\"1\" (omfwd) or streamDriver.mode=\"1\" (imtcp)",
};
static TLS_NO_DRIVER: Lint = Lint {
    id: "tls-no-driver",
    severity: Warning,
    what: "Mode 1 is asked for, and no TLS driver is chosen.",
    why: "The default driver does plain TCP and knows no mode 1: rsyslog makes no connection.",
    help: "add streamDriver=\"gtls\" (omfwd) or streamDriver.name=\"gtls\" (imtcp)",
};
static TLS_ANON: Lint = Lint {
    id: "tls-anon",
    severity: Warning,
    what: "Messages are sent over TLS to a peer that proves nothing.",
    why: "Whoever gets in between can read and change them; it is encrypted, to anybody.",
    help: "x509/name and the collector's name check who it is",
};
static TLS_ANON_INPUT: Lint = Lint {
    id: "tls-anon-input",
    severity: Note,
    what: "Messages are received over TLS from peers that prove nothing.",
    why: "Anybody who reaches the port can send under any name.",
    help: "x509/name and permittedPeer check who they are",
};
static TLS_ANY_PEER: Lint = Lint {
    id: "tls-any-peer",
    severity: Warning,
    what: "Messages are sent over TLS to whoever has a certificate of the authority.",
    why: "x509/certvalid looks at no name: any holder of such a certificate can be the collector.",
    help: "x509/name and the collector's name check who it is",
};
static TLS_NO_PEER: Lint = Lint {
    id: "tls-no-peer",
    severity: Warning,
    what: "Peers are checked by name or fingerprint, and none is permitted.",
    why: "There is nothing to compare with but a target's address, so that every connection is \
          refused.",
    help: "add permittedPeer (imtcp) or streamDriverPermittedPeers (omfwd)",
};

const DRIVER: &[&str] = &["streamDriver", "streamDriver.name"];
const MODE: &[&str] = &["streamDriverMode", "streamDriver.mode"];
const AUTH: &[&str] = &["streamDriverAuthMode", "streamDriver.authMode"];
const PEERS: &[&str] =
    &["streamDriverPermittedPeers", "streamDriverPermittedPeer", "permittedPeer"];

/// One end of connections, with what its module says for all.
struct End<'a> {
    object: &'a Object,
    module: Option<&'a Object>,
    input: bool,
}

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    let default = survey.global("defaultNetstreamDriver");
    for action in &survey.actions {
        let end = End { object: action.object, module: None, input: false };
        match action.kind.as_str() {
            "omfwd" => {
                let protocol = action.object.text("protocol");
                if protocol.is_some_and(|(protocol, _)| is(&protocol, "tcp")) {
                    end.driver(default.as_ref(), found);
                }
            }
            "omrelp" => end.relp(found),
            _ => {}
        }
    }
    for (object, kind) in survey.inputs() {
        let end = End { object, module: survey.modules.get(&kind).copied(), input: true };
        match kind.as_str() {
            "imtcp" => end.driver(default.as_ref(), found),
            "imrelp" => end.relp(found),
            _ => {}
        }
    }
}

fn is_tls(driver: &str) -> bool {
    ["gtls", "ossl", "mbedtls"].iter().any(|tls| is(driver, tls))
}

impl End<'_> {
    fn get(&self, names: &[&str]) -> Option<(String, Loc)> {
        setting(self.object, self.module, names)
    }

    fn add(&self, lint: &'static Lint, loc: Loc, text: &str, found: &mut Findings<'_>) {
        found.add_in(lint, self.object, loc, text);
    }

    /// omfwd and imtcp, which have stream drivers.
    fn driver(&self, default: Option<&(String, Loc)>, found: &mut Findings<'_>) {
        let own = self.get(DRIVER);
        // What stays on the host need not be what the default driver is for.
        let default = default.filter(|_| self.input || !stays_here(self.object));
        let mode = self.get(MODE);
        let wanted = mode.as_ref().filter(|(mode, _)| mode.trim() != "0");
        let driver = own.as_ref().or(default);
        let Some((driver, place)) = driver.filter(|(driver, _)| is_tls(driver)) else {
            if let Some((_, loc)) = wanted {
                let text = "mode 1 needs a driver that does TLS";
                self.add(&TLS_NO_DRIVER, *loc, text, found);
            }
            return;
        };
        let Some((_, wanted)) = wanted else {
            // A default driver is nobody's in particular: this one uses it.
            let place = if own.is_some() { *place } else { self.object.loc };
            let loc = mode.map_or(place, |(_, loc)| loc);
            let text = format!("driver {driver} without mode 1 is plain TCP");
            return self.add(&TLS_MODE_0, loc, &text, found);
        };
        // gtls compares names if nothing else is said.
        let unsaid = || is(driver, "gtls").then(|| ("x509/name".to_owned(), *wanted));
        let Some((auth, loc)) = self.get(AUTH).or_else(unsaid) else { return };
        let peers = has(self.object, self.module, PEERS);
        self.authentication(&auth, loc, peers, found);
    }

    fn authentication(&self, auth: &str, loc: Loc, peers: bool, found: &mut Findings<'_>) {
        match auth.to_ascii_lowercase().as_str() {
            "anon" => self.anonymous(loc, found),
            "x509/certvalid" | "certvalid" if !self.input => {
                let text = "any certificate of the authority will do";
                self.add(&TLS_ANY_PEER, loc, text, found);
            }
            "x509/name" | "name" if !peers => self.unnamed(loc, found),
            "x509/fingerprint" | "fingerprint" if !peers => {
                let text = "no fingerprint is permitted: no connection can be made";
                self.add(&TLS_NO_PEER, loc, text, found);
            }
            _ => {}
        }
    }

    /// Names are compared, and none is given. An action then compares with its target.
    fn unnamed(&self, loc: Loc, found: &mut Findings<'_>) {
        if self.input {
            let text = "no peer is permitted by name: none can connect";
            return self.add(&TLS_NO_PEER, loc, text, found);
        }
        let targets = values(self.object, "target");
        if let Some(target) = targets.iter().find(|target| target.parse::<IpAddr>().is_ok()) {
            let text = format!("the collector's certificate must hold the name '{target}'");
            self.add(&TLS_NO_PEER, loc, &text, found);
        }
    }

    fn anonymous(&self, loc: Loc, found: &mut Findings<'_>) {
        if self.input {
            self.add(&TLS_ANON_INPUT, loc, "senders prove nothing here", found);
        } else {
            self.add(&TLS_ANON, loc, "the collector proves nothing here", found);
        }
    }

    /// omrelp and imrelp.
    fn relp(&self, found: &mut Findings<'_>) {
        let Some((_, loc)) = self.get(&["tls"]).filter(|(tls, _)| on(tls)) else { return };
        match self.get(&["tls.authMode"]) {
            None => self.anonymous(loc, found),
            Some((auth, loc)) => {
                let peers = has(self.object, self.module, &["tls.permittedPeer"]);
                self.authentication(&auth, loc, peers, found);
            }
        }
    }
}
