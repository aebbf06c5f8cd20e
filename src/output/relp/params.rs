//! omrelp's parameters, as rsyslog 8.2302 documents them.

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;
use crate::config::wording::TLS;

pub const NAME: &str = "omrelp";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Output,
    doc: "Forwards syslog over RELP, and again until it is answered.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[PARAMS],
};

static MODULE_PARAMS: &[Spec] =
    &[Spec::new("tls.tlsLib", Str, "", "The TLS library of librelp: gnutls or openssl.")
        .ignored("TLS needs no library here")];

static PARAMS: &[Spec] = &[
    Spec::new("target", Str, "", "Host name or address of the collector.").required(),
    Spec::new("port", Str, "514", "Its port, a number or a service name."),
    Spec::new("timeout", Duration("seconds"), "90", "How long an answer may take."),
    Spec::new("conn.timeout", Duration("seconds"), "10", "How long connecting may take."),
    Spec::new("rebindInterval", Int, "0", "Messages after which to connect anew; 0 is never."),
    Spec::new(
        "windowSize",
        Int,
        "0",
        "Messages that may wait for an answer; 0 is 8192 (in rsyslog 128).",
    ),
    Spec::new("localClientIP", Str, "", "Local address to connect from."),
    Spec::new("keepAlive", Bool, "off", "Probes idle connections.").own(),
    Spec::new(
        "keepAlive.probes",
        NonNegative,
        "0",
        "Unanswered probes that end a connection; 0 is the system's.",
    )
    .own(),
    Spec::new("keepAlive.interval", NonNegative, "0", "Seconds between probes; 0 is the system's.")
        .own(),
    Spec::new(
        "keepAlive.time",
        NonNegative,
        "0",
        "Idle seconds before the first probe; 0 is the system's.",
    )
    .own(),
    Spec::new("tls", Bool, "off", "Encrypts the connection."),
    Spec::new("tls.compression", Bool, "off", "Compresses what is encrypted.")
        .ignored("no TLS of today compresses"),
    Spec::new("tls.permittedPeer", Array, "", "Fingerprints or names of acceptable servers.")
        .ignored(TLS),
    Spec::new(
        "tls.authMode",
        Str,
        "",
        "How the server proves itself: fingerprint, name, certvalid.",
    )
    .ignored(TLS),
    Spec::new("tls.caCert", Str, "", "File with certificates of authorities.").ignored(TLS),
    Spec::new("tls.myCert", Str, "", "File with the own certificate.").ignored(TLS),
    Spec::new("tls.myPrivKey", Str, "", "File with the own private key.").ignored(TLS),
    Spec::new("tls.priorityString", Str, "", "Ciphers and versions, in GnuTLS's language.")
        .ignored(TLS),
    Spec::new("tls.tlsCfgCmd", Str, "", "Settings for OpenSSL.").ignored(TLS),
];
