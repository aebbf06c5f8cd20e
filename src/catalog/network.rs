//! Inputs that receive syslog over the network in other ways than `imudp` and `imtcp`.

use crate::catalog::absent;
use crate::catalog::later;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Likely;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const RELP: &str = "nothing listens meanwhile; imtcp is there";
const DTLS: &str = "imtcp in a VPN, or a DTLS terminator before imudp";

pub(super) static MODULES: &[Module] = &[
    later("imrelp", Input, "Receives syslog over RELP.", RELP)
        .with_module(&[IMRELP_MODULE])
        .with_instance(&[IMRELP, IMRELP_TLS]),
    absent("imdtls", Input, "Receives syslog over DTLS (UDP).", DTLS).with_instance(&[IMDTLS]),
    absent(
        "imgssapi",
        Input,
        "Receives syslog over TCP, secured by Kerberos.",
        "imtcp with TLS, which a later version brings, or stunnel before it",
    )
    .with_instance(&[IMGSSAPI]),
    absent("im3195", Input, "Receives syslog over BEEP (RFC 3195).", "imrelp or imtcp")
        .with_instance(&[IM3195]),
    absent(
        "imttcp",
        Input,
        "Receives syslog over TCP, with a thread for each connection.",
        "imtcp, which takes the same messages",
    ),
];

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";
const TLS: &str = "TLS comes with a later version";

static IMRELP_MODULE: &[Spec] = &[
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset of inputs that name none."),
    Spec::new("tls.tlslib", Likely(&["gnutls", "openssl"]), "", "The TLS library.")
        .ignored("there is one TLS library"),
];

static IMRELP: &[Spec] = &[
    Spec::new("port", Str, "", "TCP port or service name to listen on.").required(),
    Spec::new("address", Str, "", "Local address to listen on; all if not given."),
    Spec::new("name", Str, "imrelp", "Value of the inputname property."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("keepAlive", Bool, "off", "Sends TCP keep-alive probes."),
    Spec::new(
        "keepAlive.probes",
        Int,
        "0",
        "Unanswered probes until the connection is dead; 0: system default.",
    ),
    Spec::new(
        "keepAlive.time",
        Int,
        "0",
        "Idle seconds before the first probe; 0: system default.",
    ),
    Spec::new("keepAlive.interval", Int, "0", "Seconds between probes; 0: system default."),
    Spec::new("maxDataSize", Size, "", "Longest message, in bytes; maxMessageSize if not given."),
    Spec::new(
        "oversizeMode",
        Exact(&["truncate", "abort", "accept"]),
        "truncate",
        "What becomes of longer ones: cut, connection closed, or taken.",
    ),
    Spec::new(
        "flowControl",
        Exact(&["none", "light", "full"]),
        "light",
        "How long a full queue holds senders back.",
    )
    .ignored("a full queue always holds senders back, nothing is dropped"),
    Spec::new("rateLimit.interval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit.")
        .since("8.2602"),
    Spec::new("rateLimit.burst", Int, "10000", "Messages that pass in one interval.")
        .since("8.2602"),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

static IMRELP_TLS: &[Spec] = &[
    Spec::new("tls", Bool, "off", "Encrypts by TLS.").later(TLS),
    Spec::new("tls.permittedPeer", Array, "", "Names or fingerprints of peers that may connect.")
        .later(TLS),
    Spec::new(
        "tls.authMode",
        Str,
        "",
        "How peers are authenticated: fingerprint, name or certvalid.",
    )
    .later(TLS),
    Spec::new("tls.dhbits", Int, "0", "Bits of the Diffie-Hellman key; 0: the library's choice.")
        .ignored("the TLS library chooses"),
    Spec::new("tls.priorityString", Str, "", "Ciphers and versions, in GnuTLS' words.").later(TLS),
    Spec::new("tls.caCert", Str, "", "Certificates of authorities.").later(TLS),
    Spec::new("tls.myCert", Str, "", "Own certificate.").later(TLS),
    Spec::new("tls.myPrivKey", Str, "", "Its private key.").later(TLS),
    Spec::new("tls.tlsCfgCmd", Str, "", "Settings in OpenSSL's words.").later(TLS),
    Spec::new("tls.compression", Bool, "off", "Compresses inside TLS.")
        .ignored("TLS 1.3 has no compression"),
];

static IMDTLS: &[Spec] = &[
    Spec::new("port", Str, "4433", "UDP port to listen on.").required().since("8.2402"),
    Spec::new("address", Str, "", "Local address to listen on; all if not given.").since("8.2402"),
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written.")
        .since("8.2402"),
    Spec::new("timeout", Token, "1800", "Seconds of silence after which a session is closed.")
        .since("8.2402"),
    Spec::new("name", Str, "imdtls", "Value of the inputname property.").since("8.2402"),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages.")
        .since("8.2402"),
    Spec::new("tls.authMode", Str, "", "How peers are authenticated.").since("8.2402"),
    Spec::new("tls.caCert", Str, "", "Certificates of authorities.").since("8.2402"),
    Spec::new("tls.myCert", Str, "", "Own certificate.").since("8.2402"),
    Spec::new("tls.myPrivKey", Str, "", "Its private key.").since("8.2402"),
    Spec::new("tls.tlsCfgCmd", Str, "", "Settings in OpenSSL's words.").since("8.2402"),
    Spec::new("tls.permittedPeer", Array, "", "Names or fingerprints of peers that may connect.")
        .since("8.2402"),
];

/// Only `$Directives` set these.
static IMGSSAPI: &[Spec] = &[
    Spec::new("inputGSSServerRun", Token, "", "TCP port to listen on."),
    Spec::new("inputGSSServerServiceName", Token, "host", "Name of the service principal."),
    Spec::new("inputGSSServerPermitPlainTCP", Bool, "off", "Takes plain TCP on the same port."),
    Spec::new("inputGSSServerMaxSessions", Positive, "200", "Connections at a time."),
    Spec::new("inputGSSServerKeepAlive", Bool, "off", "Sends TCP keep-alive probes."),
    Spec::new("inputGSSListenPortFileName", Token, "", "File into which the port is written."),
];

/// Only `$Input3195ListenPort` sets it.
static IM3195: &[Spec] = &[Spec::new("input3195ListenPort", Int, "601", "Port to listen on.")];
