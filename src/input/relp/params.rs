//! Parameters of `imrelp`.

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Likely;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Spec;
use crate::config::wording::TLS as TLS_ALONE;
use crate::input::tcp::params::KEEP_ALIVE;

pub const NAME: &str = "imrelp";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Receives syslog over RELP, and answers once it is safe.",
    availability: Availability::Ready,
    module: &[MODULE_PARAMS],
    instance: &[INPUT, TLS_PARAMS],
};

pub(super) const TLS: &str =
    "TLS comes with a later version; use stunnel or a plain port on a private network until then";
const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

static MODULE_PARAMS: &[Spec] = &[
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset of inputs that name none."),
    Spec::new("tls.tlslib", Likely(&["gnutls", "openssl"]), "", "The TLS library.")
        .ignored("there is one TLS library"),
];

static INPUT: &[Spec] = &[
    Spec::new("port", Str, "", "TCP port or service name to listen on.").required(),
    Spec::new("address", Str, "", "Local address to listen on; all if not given."),
    Spec::new("name", Str, "imrelp", "Value of the inputname property."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("keepAlive", Bool, "off", "Sends TCP keep-alive probes."),
    KEEP_ALIVE[0],
    KEEP_ALIVE[1],
    KEEP_ALIVE[2],
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

static TLS_PARAMS: &[Spec] = &[
    Spec::new("tls", Bool, "off", "Encrypts by TLS."),
    Spec::new("tls.permittedPeer", Array, "", "Names or fingerprints of peers that may connect.")
        .ignored(TLS_ALONE),
    Spec::new(
        "tls.authMode",
        Str,
        "",
        "How peers are authenticated: fingerprint, name or certvalid.",
    )
    .ignored(TLS_ALONE),
    Spec::new("tls.dhbits", Int, "0", "Bits of the Diffie-Hellman key; 0: the library's choice.")
        .ignored("the TLS library chooses"),
    Spec::new("tls.priorityString", Str, "", "Ciphers and versions, in GnuTLS' words.")
        .ignored(TLS_ALONE),
    Spec::new("tls.caCert", Str, "", "Certificates of authorities.").ignored(TLS_ALONE),
    Spec::new("tls.myCert", Str, "", "Own certificate.").ignored(TLS_ALONE),
    Spec::new("tls.myPrivKey", Str, "", "Its private key.").ignored(TLS_ALONE),
    Spec::new("tls.tlsCfgCmd", Str, "", "Settings in OpenSSL's words.").ignored(TLS_ALONE),
    Spec::new("tls.compression", Bool, "off", "Compresses inside TLS.")
        .ignored("TLS 1.3 has no compression"),
];
