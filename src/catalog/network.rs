//! Inputs that receive syslog over the network in other ways than `imudp` and `imtcp`.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const DTLS: &str = "imtcp in a VPN, or a DTLS terminator before imudp";

pub(super) static MODULES: &[Module] = &[
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
