//! What comes in and goes out: datagrams, ports, files that are read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::Object;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::survey::has;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::stays_here;
use crate::engine::lint::survey::values;
use crate::output::forward;

pub(super) static LINTS: &[&Lint] =
    &[&UDP_FORWARD, &TCP_SETTINGS_ON_UDP, &BAD_PORT, &PORT_TWICE, &FILE_READ_TWICE, &RATE_LIMIT];

static UDP_FORWARD: Lint = Lint {
    id: "udp-forward",
    severity: Warning,
    what: "Messages are forwarded over UDP to another host.",
    why: "Datagrams are lost without a trace: when the collector is down or slow, or on the way.",
    help: "forward over TCP: @@host, or protocol=\"tcp\"",
};
static TCP_SETTINGS_ON_UDP: Lint = Lint {
    id: "tcp-settings-on-udp",
    severity: Warning,
    what: "omfwd is told how to do TCP or TLS, and not to do it.",
    why: "Its protocol is UDP unless something else is said, and none of these settings applies.",
    help: "add protocol=\"tcp\"",
};
static BAD_PORT: Lint = Lint {
    id: "bad-port",
    severity: Warning,
    what: "A port is no number up to 65535, and no service's name.",
    why: "Nothing can listen on it or be sent to it, which rsyslogd finds out when it starts.",
    help: "write a number from 1 to 65535, or a name such as syslog-tls",
};
static PORT_TWICE: Lint = Lint {
    id: "port-twice",
    severity: Warning,
    what: "Two inputs listen on one port of one address.",
    why: "One of them cannot be opened, or gets messages that were meant for the other.",
    help: "keep one of them, or give each an address of its own",
};
static FILE_READ_TWICE: Lint = Lint {
    id: "file-read-twice",
    severity: Warning,
    what: "Two imfile inputs read the same file.",
    why: "Its lines arrive twice; in rsyslog they share a state file, and one may not work.",
    help: "keep one of them; a ruleset can do two things with a message",
};
static RATE_LIMIT: Lint = Lint {
    id: "rate-limit",
    severity: Note,
    what: "An input has a rate limit.",
    why: "What is beyond it is dropped, and a burst is when the messages matter.",
    help: "an interval of 0 sets no limit",
};

/// Parameters of omfwd that mean nothing to UDP.
const TCP_ONLY: &[&str] = &[
    "tcp_framing",
    "tcp_frameDelimiter",
    "keepAlive",
    "resendLastMSGOnReconnect",
    "streamDriver",
    "streamDriverMode",
    "streamDriver.mode",
    "streamDriverAuthMode",
    "streamDriver.authMode",
    "streamDriverPermittedPeers",
];

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    for action in &survey.actions {
        match action.kind.as_str() {
            forward::NAME => {
                ports(action.object, found);
                forwarding(action.object, found);
            }
            "omudpspoof" => {
                found.add(&UDP_FORWARD, action.object.loc, "these datagrams may be lost");
            }
            _ => {}
        }
    }
    let mut sockets = HashMap::new();
    let mut files = HashMap::new();
    for (object, kind) in survey.inputs() {
        ports(object, found);
        listener(object, &kind, &mut sockets, found);
        if kind == "imfile" {
            file(object, &mut files, found);
        }
        rate(object, &["rateLimit.interval"], found);
    }
    for object in survey.modules.values() {
        rate(object, &["sysSock.rateLimit.interval", "rateLimit.interval"], found);
    }
}

/// Names of services begin with a letter and are in lower case; more is not known without asking
/// the system.
fn ports(object: &Object, found: &mut Findings<'_>) {
    for port in values(object, "port") {
        let name = port.starts_with(|c: char| c.is_ascii_lowercase());
        if !name && port.parse::<u16>().is_err() {
            let loc = object.param("port").map_or(object.loc, |param| param.value_loc);
            found.add_in(&BAD_PORT, object, loc, format!("'{port}' is no port"));
        }
    }
}

fn forwarding(object: &Object, found: &mut Findings<'_>) {
    let protocol = object.text("protocol");
    if protocol.as_ref().is_some_and(|(protocol, _)| !is(protocol, "udp")) {
        return;
    }
    if protocol.is_none()
        && let Some(name) = TCP_ONLY.iter().find(|name| has(object, None, &[name]))
    {
        let loc = object.param(name).map_or(object.loc, |param| param.name.loc);
        let text = format!("'{name}' is about TCP, and this action sends datagrams");
        return found.add_in(&TCP_SETTINGS_ON_UDP, object, loc, text);
    }
    if stays_here(object) {
        return;
    }
    let loc = object.text("target").map_or(object.loc, |(_, loc)| loc);
    found.add_in(&UDP_FORWARD, object, loc, "what is sent over UDP may be lost, and nobody knows");
}

/// A port of a protocol, in a network of its own.
type Port = (&'static str, String, String);

/// Who listens on a port: on which address, empty for all of them.
type Listeners = HashMap<String, Loc>;

fn listener(
    object: &Object,
    kind: &str,
    sockets: &mut HashMap<Port, Listeners>,
    found: &mut Findings<'_>,
) {
    let protocol = match kind {
        "imudp" => "UDP",
        "imtcp" | "imptcp" | "imrelp" => "TCP",
        _ => return,
    };
    let network = ["networkNamespace", "device"]
        .map(|name| object.text(name).unwrap_or_default().0)
        .join(" ");
    let mut addresses = values(object, "address");
    if addresses.is_empty() {
        addresses.push(String::new());
    }
    for port in values(object, "port").into_iter().filter(|port| port != "0") {
        let listeners = sockets.entry((protocol, port.clone(), network.clone())).or_default();
        for address in &addresses {
            let all = matches!(address.as_str(), "" | "*" | "0.0.0.0" | "::");
            let address = if all { "" } else { address.as_str() };
            // All addresses collide with any; one collides with itself and with all.
            let other = match all {
                true => listeners.values().next(),
                false => listeners.get(address).or_else(|| listeners.get("")),
            };
            let loc = object.text("port").map_or(object.loc, |(_, loc)| loc);
            if let Some(other) = other {
                let line = found.line(&PORT_TWICE, loc, *other);
                let text = format!("{protocol} port {port} is taken by the input of {line}");
                found.add_in(&PORT_TWICE, object, loc, text);
            } else {
                listeners.insert(address.to_owned(), loc);
            }
        }
    }
}

fn file(object: &Object, files: &mut HashMap<String, Loc>, found: &mut Findings<'_>) {
    let Some((name, loc)) = object.text("file") else { return };
    match files.entry(name) {
        Entry::Vacant(free) => _ = free.insert(loc),
        Entry::Occupied(taken) => {
            let line = found.line(&FILE_READ_TWICE, loc, *taken.get());
            let text = format!("'{}' is read by the input of {line} already", taken.key());
            found.add_in(&FILE_READ_TWICE, object, loc, text);
        }
    }
}

fn rate(object: &Object, names: &[&str], found: &mut Findings<'_>) {
    for (interval, loc) in names.iter().filter_map(|name| object.text(name)) {
        if interval.trim().parse::<u64>().is_ok_and(|interval| interval > 0) {
            let text = "messages beyond this rate are dropped";
            found.add_in(&RATE_LIMIT, object, loc, text);
        }
    }
}
