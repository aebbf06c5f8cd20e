//! omfwd's parameters, as rsyslog 8.2302 documents them, and what later versions added.

use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;
use crate::config::wording::LEFT_OUT;
use crate::config::wording::TLS;

const NO_LIMIT: &str = "what is forwarded is not rate limited";
const ONCE: &str = "a failing target is reported once, and once when it works again";
const SYSTEM: &str = "the system's buffer is used";

/// `module(load="builtin:omfwd" …)`.
pub static MODULE_PARAMS: &[Spec] = &[
    Spec::new("template", Template, super::DEFAULT_TEMPLATE, "The template of omfwd actions."),
    Spec::new("iobuffer.maxSize", Size, "full size", "Bytes that are put together for one call.")
        .ignored("everything that waits is sent with one call"),
];

/// `action(type="omfwd" …)`.
pub static PARAMS: &[Spec] = &[
    Spec::new(
        "target",
        Array,
        "",
        "Host name or address of the collector; of several over TCP each gets its share.",
    ),
    Spec::new("targetSrv", Str, "", "Domain whose SRV records name the collectors.")
        .later(LEFT_OUT),
    Spec::new(
        "pool.resumeInterval",
        Positive,
        "30",
        "Seconds until a failed target of several is tried again.",
    ),
    Spec::new("port", Array, "514", "Its port, a number or a service name."),
    Spec::new("protocol", Word(&["udp", "tcp"]), "udp", "What carries the messages: udp or tcp."),
    Spec::new("networkNamespace", Str, "", "Network namespace to send from.")
        .unsupported("run one relay in each network namespace"),
    Spec::new("address", Str, "", "Local address to send from (UDP)."),
    Spec::new(
        "ipFreeBind",
        Int,
        "2",
        "Binds to an address that no interface has: 0 no, 1 yes, 2 and says so.",
    ),
    Spec::new("device", Str, "", "Network interface to send through."),
    Spec::new(
        "tcp_framing",
        Word(&["traditional", "octet-counted"]),
        "traditional",
        "How messages are told apart in a TCP stream.",
    )
    .alias(&["tcpFraming"]),
    Spec::new("tcp_frameDelimiter", Int, "10", "The byte that ends a traditional frame."),
    Spec::new("zipLevel", Int, "0", "Compression level, 0 to 9."),
    Spec::new(
        "compression.mode",
        Word(&["none", "single", "stream:always"]),
        "none",
        "Whether messages are compressed, each for itself or all as a stream.",
    ),
    Spec::new(
        "compression.stream.flushOnTXEnd",
        Bool,
        "on",
        "Flushes a compressed stream after each batch; else after 1 MiB or a second.",
    ),
    Spec::new("rebindInterval", Int, "0", "Messages after which to connect anew; 0 is never."),
    Spec::new("keepAlive", Bool, "off", "Probes idle TCP connections."),
    Spec::new(
        "keepAlive.probes",
        NonNegative,
        "0",
        "Unanswered probes that end a connection; 0 is the system's.",
    ),
    Spec::new("keepAlive.interval", NonNegative, "0", "Seconds between probes; 0 is the system's."),
    Spec::new(
        "keepAlive.time",
        NonNegative,
        "0",
        "Idle seconds before the first probe; 0 is the system's.",
    ),
    Spec::new(
        "ackTimeout",
        NonNegative,
        "30",
        "Seconds without a sign of a TCP peer that has something to acknowledge, after which it \
         is connected to anew; 0 is as long as the system tries.",
    ),
    Spec::new("conErrSkip", NonNegative, "0", "Reports each nth connection error alone.")
        .ignored(ONCE),
    Spec::new(
        "maxErrorMessages",
        Int,
        "",
        "Reports so many errors of UDP; rsyslog has dropped it.",
    )
    .ignored(ONCE),
    Spec::new(
        "rateLimit.interval",
        Duration("seconds"),
        "0",
        "Interval of the rate limit; 0 is none.",
    )
    .meanwhile(NO_LIMIT),
    Spec::new("rateLimit.burst", Int, "200", "Messages in such an interval.").ignored(NO_LIMIT),
    Spec::new(
        "streamDriver",
        Str,
        "ptcp",
        "What carries a TCP stream: ptcp is plain, gtls and ossl are TLS.",
    )
    .alias(&["streamDriver.name"]),
    Spec::new("streamDriverMode", Int, "0", "The driver's mode; 1 is TLS.")
        .alias(&["streamDriver.mode"]),
    Spec::new(
        "streamDriverAuthMode",
        Str,
        "",
        "How the peer proves itself: anon, x509/fingerprint, x509/certvalid, x509/name.",
    )
    .alias(&["streamDriver.authMode"])
    .ignored(TLS),
    Spec::new(
        "streamDriver.permitExpiredCerts",
        Word(&["on", "off", "warn"]),
        "off",
        "Whether an expired certificate will do.",
    )
    .ignored(TLS),
    Spec::new(
        "streamDriverPermittedPeers",
        Str,
        "",
        "Names or fingerprints of peers that are accepted.",
    )
    .alias(&["streamDriver.permittedPeers"])
    .ignored(TLS),
    Spec::new(
        "streamDriver.checkExtendedKeyPurpose",
        Bool,
        "off",
        "Checks what a certificate is meant for.",
    )
    .ignored(TLS),
    Spec::new("streamDriver.prioritizeSAN", Bool, "off", "Checks names more strictly.")
        .ignored(TLS),
    Spec::new("streamDriver.tlsVerifyDepth", Positive, "", "Longest chain of certificates.")
        .ignored(TLS),
    Spec::new(
        "streamDriver.tlsRevocationCheck",
        Bool,
        "off",
        "Asks whether a certificate was revoked.",
    )
    .ignored(TLS),
    Spec::new("streamDriver.remoteSNI", Str, "", "The name that is asked for in the handshake.")
        .ignored(TLS),
    Spec::new("streamDriver.caFile", Str, "", "File with certificates of authorities.")
        .ignored(TLS),
    Spec::new("streamDriver.crlFile", Str, "", "File with revoked certificates.").ignored(TLS),
    Spec::new("streamDriver.keyFile", Str, "", "File with the own private key.").ignored(TLS),
    Spec::new("streamDriver.certFile", Str, "", "File with the own certificate.").ignored(TLS),
    Spec::new(
        "gnutlsPriorityString",
        Str,
        "",
        "Ciphers and versions, in the TLS library's language.",
    )
    .ignored(TLS),
    Spec::new(
        "extendedConnectionCheck",
        Bool,
        "on",
        "Looks before a send whether the peer has closed (TCP).",
    )
    .ignored("it is always done"),
    Spec::new(
        "resendLastMSGOnReconnect",
        Bool,
        "off",
        "Repeats the last message that its peer had, too, after connecting anew (TCP).",
    ),
    Spec::new("udp.sendToAll", Bool, "off", "Sends to all addresses of the target."),
    Spec::new("udp.sendDelay", Duration("microseconds"), "0", "Pause after each datagram."),
    Spec::new("udp.sendBuf", Size, "", "Size of the socket's send buffer.").ignored(SYSTEM),
];
