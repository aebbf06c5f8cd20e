//! Inputs that read from other services: HTTP, Beats, Kafka, Redis, `ZeroMQ`, captured packets.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Exact;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

pub(super) static MODULES: &[Module] = &[
    absent("imhttp", Input, "Receives messages by HTTP.", "an HTTP server that writes to imtcp")
        .with_module(&[IMHTTP_MODULE])
        .with_instance(&[IMHTTP]),
    absent(
        "imbeats",
        Input,
        "Receives from Elastic Beats and Elastic Agent.",
        "Logstash or Vector between, with syslog output to imtcp",
    )
    .with_instance(&[IMBEATS, IMBEATS_TLS]),
    absent("imkafka", Input, "Reads from Kafka.", "a Kafka consumer that writes to imtcp")
        .with_module(&[IMKAFKA_MODULE])
        .with_instance(&[IMKAFKA]),
    absent("imhiredis", Input, "Reads from Redis.", "a Redis client that writes to imtcp")
        .with_instance(&[IMHIREDIS]),
    absent("imczmq", Input, "Reads from ZeroMQ sockets.", "a ZeroMQ client that writes to imtcp")
        .with_module(&[IMCZMQ_MODULE])
        .with_instance(&[IMCZMQ]),
    absent(
        "impcap",
        Input,
        "Makes messages of captured network packets.",
        "tshark or Zeek with output to imtcp",
    )
    .with_module(&[IMPCAP_MODULE])
    .with_instance(&[IMPCAP]),
    absent("imdiag", Input, "The test bench's way into rsyslog.", "bongsu bench and bongsu check")
        .with_module(&[IMDIAG_MODULE])
        .with_instance(&[IMDIAG]),
];

const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

static IMHTTP_MODULE: &[Spec] = &[
    Spec::new("ports", Str, "8080", "Ports to listen on."),
    Spec::new("documentRoot", Str, ".", "Folder that is served."),
    Spec::new("libOptions", Array, "", "Options of the civetweb library."),
    Spec::new("healthCheckPath", Str, "/healthz", "Path that answers when all is well.")
        .since("8.2608"),
    Spec::new("healthCheckBasicAuthFile", Str, "", "Who may ask it (htpasswd).").since("8.2608"),
    Spec::new("metricsPath", Str, "/metrics", "Path of the counters, for Prometheus.")
        .since("8.2608"),
    Spec::new("metricsBasicAuthFile", Str, "", "Who may ask it (htpasswd).").since("8.2608"),
];

static IMHTTP: &[Spec] = &[
    Spec::new("endpoint", Str, "", "Path to which messages are sent.").required(),
    Spec::new("disableLFDelimiter", Bool, "off", "A request is one message."),
    Spec::new("name", Str, "imhttp", "Value of the inputname property."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("supportOctetCountedFraming", Bool, "off", "Messages are octet-counted."),
    Spec::new("rateLimit.interval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimit.burst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
    Spec::new("flowControl", Bool, "on", "Holds senders back when queues fill."),
    Spec::new("addMetadata", Bool, "off", "Puts headers and query into $!metadata."),
    Spec::new("basicAuthFile", Str, "", "Who may send (htpasswd)."),
];

static IMBEATS: &[Spec] = &[
    Spec::new("port", Str, "", "TCP port to listen on.").required().since("8.2604"),
    Spec::new("address", Str, "", "Local address to listen on.").since("8.2604"),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages.")
        .since("8.2604"),
    Spec::new("name", Str, "imbeats", "Value of the inputname property.").since("8.2604"),
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written.")
        .since("8.2604"),
    Spec::new("networkNamespace", Str, "", "Network namespace of the listener.").since("8.2604"),
    Spec::new("keepAlive", Bool, "off", "Sends TCP keep-alive probes.").since("8.2604"),
    Spec::new("keepAlive.probes", NonNegative, "0", "Unanswered probes until it is dead.")
        .since("8.2604"),
    Spec::new("keepAlive.time", NonNegative, "0", "Idle seconds before the first probe.")
        .since("8.2604"),
    Spec::new("keepAlive.interval", NonNegative, "0", "Seconds between probes.").since("8.2604"),
    Spec::new("maxWindowSize", Positive, "", "Events that one window may hold.").since("8.2604"),
    Spec::new("maxFrameSize", Positive, "10485760", "Longest frame, in bytes.").since("8.2604"),
    Spec::new("maxDecompressedSize", Positive, "", "Bytes that a frame may become.")
        .since("8.2604"),
    Spec::new("maxCompressionRatio", Positive, "", "How many times larger a frame may become.")
        .since("8.2608"),
    Spec::new("maxBatchBytes", Positive, "", "Bytes that one batch may hold.").since("8.2608"),
    Spec::new("maxInFlightBytes", Positive, "", "Bytes that may be on their way.").since("8.2608"),
    Spec::new("maxSessions", Positive, "", "Connections at a time.").since("8.2608"),
    Spec::new("frameTimeout", NonNegative, "", "How long a frame may take.").since("8.2608"),
    Spec::new("windowTimeout", NonNegative, "", "How long a window may take.").since("8.2608"),
    Spec::new("idleTimeout", NonNegative, "", "How long a connection may be silent.")
        .since("8.2608"),
    Spec::new("workerThreads", Positive, "", "Worker threads.").since("8.2608"),
    Spec::new("starvationProtection.maxReads", NonNegative, "", "Reads before others' turn.")
        .since("8.2608"),
];

static IMBEATS_TLS: &[Spec] = &[
    Spec::new("streamDriver.name", Str, "", "The TLS library.").since("8.2604"),
    Spec::new("streamDriver.mode", NonNegative, "0", "0: plain TCP; 1: TLS.").since("8.2604"),
    Spec::new("streamDriver.authMode", Str, "", "How peers are authenticated.").since("8.2604"),
    Spec::new("streamDriver.permitExpiredCerts", Str, "", "What becomes of expired certificates.")
        .since("8.2604"),
    Spec::new("streamDriver.caFile", Str, "", "Certificates of authorities.").since("8.2604"),
    Spec::new("streamDriver.crlFile", Str, "", "List of certificates that were revoked.")
        .since("8.2604"),
    Spec::new("streamDriver.keyFile", Str, "", "Own private key.").since("8.2604"),
    Spec::new("streamDriver.certFile", Str, "", "Own certificate.").since("8.2604"),
    Spec::new("streamDriver.checkExtendedKeyPurpose", Bool, "off", "Checks extended key usage.")
        .since("8.2604"),
    Spec::new("streamDriver.prioritizeSAN", Bool, "off", "Prefers alternative names.")
        .since("8.2604"),
    Spec::new("streamDriver.tlsVerifyDepth", Positive, "", "Longest chain of certificates.")
        .since("8.2604"),
    Spec::new("streamDriver.tlsRevocationCheck", Bool, "off", "Asks by OCSP.").since("8.2604"),
    Spec::new("permittedPeer", Array, "", "Peers that may connect.").since("8.2604"),
    Spec::new("gnutlsPriorityString", Str, "", "Ciphers and versions.").since("8.2604"),
];

static IMKAFKA_MODULE: &[Spec] =
    &[Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset of inputs that name none.")];

static IMKAFKA: &[Spec] = &[
    Spec::new("topic", Str, "", "Topic to read.").required(),
    Spec::new("broker", Array, "localhost:9092", "Brokers to ask."),
    Spec::new("confParam", Array, "", "Settings of librdkafka, name=value."),
    Spec::new("consumerGroup", Str, "", "Group that shares the reading."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("parseHostname", Bool, "off", "Looks for a host name in messages."),
];

static IMHIREDIS: &[Spec] = &[
    Spec::new(
        "mode",
        Exact(&["subscribe", "queue", "stream"]),
        "subscribe",
        "Reads a channel, a list or a stream.",
    )
    .required(),
    Spec::new("key", Token, "", "Name of the channel, list or stream.").required(),
    Spec::new("socketPath", Token, "", "Unix socket of the server."),
    Spec::new("server", Token, "127.0.0.1", "Address of the server."),
    Spec::new("port", Int, "6379", "Port of the server."),
    Spec::new("password", Token, "", "Password for the server."),
    Spec::new("uselpop", Bool, "off", "Takes from the list's other end."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("batchSize", Int, "10", "Entries that one request takes.").since("8.2608"),
    Spec::new("stream.consumerGroup", Token, "", "Group that shares the reading.").since("8.2608"),
    Spec::new("stream.consumerName", Token, "", "Name in that group.").since("8.2608"),
    Spec::new("stream.readFrom", Token, "$", "Where reading begins.").since("8.2608"),
    Spec::new("stream.consumerACK", Bool, "on", "Acknowledges what was read.").since("8.2608"),
    Spec::new(
        "stream.autoclaimIdleTime",
        Duration("milliseconds"),
        "0",
        "When to take over what others have not acknowledged.",
    )
    .since("8.2608"),
    Spec::new("fields", Array, "", "Which fields become which variables.").since("8.2608"),
];

static IMCZMQ_MODULE: &[Spec] = &[
    Spec::new("authenticator", Bool, "off", "Runs a ZAP authenticator."),
    Spec::new("authType", Str, "", "CURVECLIENT or CURVESERVER."),
    Spec::new("serverCertPath", Str, "", "The server's certificate."),
    Spec::new("clientCertPath", Str, "", "Certificates of clients that may connect."),
];

static IMCZMQ: &[Spec] = &[
    Spec::new("endpoints", Str, "", "Endpoints to bind or connect to.").required(),
    Spec::new("sockType", Str, "", "Kind of socket: PULL, SUB, ROUTER, DISH or SERVER.").required(),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("topics", Str, "", "Topics to subscribe to."),
];

static IMPCAP_MODULE: &[Spec] = &[
    Spec::new("snap_length", Positive, "65535", "Longest packet, in bytes."),
    Spec::new("metadata_only", Bool, "off", "Leaves the packet's data out."),
    Spec::new("metadata_container", Token, "!impcap", "Variable for the headers."),
    Spec::new("data_container", Token, "!data", "Variable for the data."),
];

static IMPCAP: &[Spec] = &[
    Spec::new("interface", Token, "", "Network interface to listen on."),
    Spec::new("file", Token, "", "Capture file to read instead."),
    Spec::new("promiscuous", Bool, "off", "Takes packets for others as well."),
    Spec::new("filter", Str, "", "Which packets to take, in pcap's words."),
    Spec::new("tag", Token, "", "Tag of the messages."),
    Spec::new("ruleset", Ruleset, DEFAULT_RULESET, "Ruleset that gets the messages."),
    Spec::new("no_buffer", Bool, "off", "Takes each packet at once."),
    Spec::new("buffer_size", Positive, "15740640", "Size of the capture's buffer, in bytes."),
    Spec::new("buffer_timeout", Duration("milliseconds"), "10", "Longest wait for packets."),
    Spec::new("packet_count", Positive, "5", "Most packets at a time."),
];

static IMDIAG_MODULE: &[Spec] = &[
    Spec::new("abortTimeout", Int, "", "Seconds after which a test is aborted."),
    Spec::new("injectDelayMode", Str, "no", "Whether injected messages may be held back."),
    Spec::new("maxSessions", Int, "20", "Connections at a time."),
];

static IMDIAG: &[Spec] = &[
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written."),
    Spec::new("serverRun", Str, "", "Port to listen on."),
    Spec::new("serverStreamDriverMode", Str, "", "0: plain TCP; 1: TLS."),
    Spec::new("serverStreamDriverAuthMode", Str, "", "How peers are authenticated."),
    Spec::new("serverStreamDriverPermittedPeer", Array, "", "Peers that may connect."),
    Spec::new("serverInputName", Str, "imdiag", "Value of the inputname property."),
];
