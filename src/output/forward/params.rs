//! omfwd's parameters, as rsyslog 8.2302 documents them.

use crate::config::param::Kind;
use crate::config::param::Spec;

const TLS: &str = "it matters to TLS alone, which comes with a later version";
const NO_LIMIT: &str = "what is forwarded is not rate limited";
const ZIP: &str = "compression comes with a later version; leave it out and the collector takes \
                   the messages as they are";

/// `module(load="builtin:omfwd" …)`.
pub static MODULE_PARAMS: &[Spec] =
    &[Spec::new("template", Kind::Str, super::DEFAULT_TEMPLATE, "The template of omfwd actions.")];

/// `action(type="omfwd" …)`.
pub static PARAMS: &[Spec] = &[
    Spec::new("target", Kind::Str, "", "Host name or address of the collector."),
    Spec::new("port", Kind::Str, "514", "Its port, a number or a service name."),
    Spec::new("protocol", Kind::Str, "udp", "\"tcp\" or \"udp\"."),
    Spec::new("networkNamespace", Kind::Str, "", "Network namespace to send from.")
        .unsupported("run one relay in each network namespace"),
    Spec::new("address", Kind::Str, "", "Local address to send from (UDP)."),
    Spec::new("ipFreeBind", Kind::Int, "2", "Bind to an address that no interface has."),
    Spec::new("device", Kind::Str, "", "Network interface to send through."),
    Spec::new("tcp_framing", Kind::Str, "traditional", "\"traditional\" or \"octet-counted\".")
        .alias(&["tcpFraming"]),
    Spec::new("tcp_frameDelimiter", Kind::Int, "10", "The byte that ends a traditional frame."),
    Spec::new("zipLevel", Kind::Int, "0", "Compression level, 0 to 9."),
    Spec::new("compression.mode", Kind::Str, "none", "\"none\", \"single\" or \"stream:always\"."),
    Spec::new("compression.stream.flushOnTXEnd", Kind::Bool, "on", "Flush after each batch.")
        .ignored(ZIP),
    Spec::new("rebindInterval", Kind::Int, "0", "Messages after which to connect anew."),
    Spec::new("keepAlive", Kind::Bool, "off", "Probe idle TCP connections."),
    Spec::new("keepAlive.probes", Kind::Int, "0", "Unanswered probes that end a connection."),
    Spec::new("keepAlive.interval", Kind::Int, "0", "Seconds between probes."),
    Spec::new("keepAlive.time", Kind::Int, "0", "Idle seconds before the first probe."),
    Spec::new("conErrSkip", Kind::Int, "0", "Report each nth connection error alone.")
        .ignored("a failing target is reported once, and once when it works again"),
    Spec::new("rateLimit.interval", Kind::Int, "0", "Rate limit: seconds.").ignored(NO_LIMIT),
    Spec::new("rateLimit.burst", Kind::Int, "200", "Rate limit: messages.").ignored(NO_LIMIT),
    Spec::new("streamDriver", Kind::Str, "ptcp", "The network stream driver."),
    Spec::new("streamDriverMode", Kind::Int, "0", "Its mode; 1 is TLS."),
    Spec::new("streamDriverAuthMode", Kind::Str, "", "How the peer proves itself.").ignored(TLS),
    Spec::new("streamDriver.permitExpiredCerts", Kind::Str, "off", "Expired certificates.")
        .ignored(TLS),
    Spec::new("streamDriverPermittedPeers", Kind::Str, "", "Peers that are accepted.").ignored(TLS),
    Spec::new("streamDriver.checkExtendedKeyPurpose", Kind::Bool, "off", "Check key purposes.")
        .ignored(TLS),
    Spec::new("streamDriver.prioritizeSAN", Kind::Bool, "off", "Stricter name checks.")
        .ignored(TLS),
    Spec::new("streamDriver.tlsVerifyDepth", Kind::Int, "", "Longest certificate chain.")
        .ignored(TLS),
    Spec::new("streamDriver.caFile", Kind::Str, "", "Certificates of authorities.").ignored(TLS),
    Spec::new("streamDriver.crlFile", Kind::Str, "", "Certificates revoked.").ignored(TLS),
    Spec::new("streamDriver.keyFile", Kind::Str, "", "The private key.").ignored(TLS),
    Spec::new("streamDriver.certFile", Kind::Str, "", "The certificate.").ignored(TLS),
    Spec::new("gnutlsPriorityString", Kind::Str, "", "Settings of the TLS library.").ignored(TLS),
    Spec::new("resendLastMSGOnReconnect", Kind::Bool, "off", "Repeat the last message (TCP)."),
    Spec::new("udp.sendToAll", Kind::Bool, "off", "Send to all addresses of the target."),
    Spec::new("udp.sendDelay", Kind::Int, "0", "Microseconds to wait after each datagram."),
];
