//! Parameters of `imtcp` and `imptcp`, at the module and at the input.

use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Group;
use crate::config::param::Kind::Id;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Mode;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::User;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

pub const NAME: &str = "imtcp";
pub const NAME_PLAIN: &str = "imptcp";

/// What it takes.
pub static MODULE: Module = Module {
    name: NAME,
    role: Role::Input,
    doc: "Receives syslog over TCP.",
    availability: Availability::Ready,
    module: &[MODULE_ONLY, SHARED, LAYERED, OWN],
    instance: &[INPUT, COMMON, SHARED, LAYERED, OWN],
};

/// How a silent peer is probed, as imptcp and imrelp take it.
pub(in crate::input) const KEEP_ALIVE: [Spec; 3] = [
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
];

/// `imptcp`: the same engine, with parameters and defaults of its own.
pub static MODULE_PLAIN: Module = Module {
    name: NAME_PLAIN,
    role: Role::Input,
    doc: "Receives plain syslog over TCP.",
    availability: Availability::Ready,
    module: &[PLAIN_MODULE, OWN],
    instance: &[PLAIN_INPUT, COMMON, SHARED, PLAIN_UNIX, OWN],
};

pub(super) const TLS: &str =
    "TLS comes with a later version; use stunnel or a plain port on a private network until then";
const NAMESPACE: &str = "start bongsu inside the namespace (ip netns exec)";
const SHARDS: &str = "connections are spread over one shard per core";
const HELD_BACK: &str = "a full queue always holds TCP senders back, nothing is dropped";
const ZLIB: &str = "streams that zlib compressed are read";

/// Inputs of both.
static COMMON: &[Spec] = &[
    Spec::new("address", Str, "", "Local address to listen on; all of IPv4 and IPv6 if not given."),
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages."),
    Spec::new("listenPortFileName", Str, "", "File into which the port number is written."),
    Spec::new("defaultTZ", Str, "", "Zone of timestamps that have none, as +hh:mm."),
    Spec::new(
        "supportOctetCountedFraming",
        Bool,
        "on",
        "Frames that begin with a digit are octet-counted (RFC 6587).",
    ),
    Spec::new("framingfix.cisco.asa", Bool, "off", "A space at the start of a frame is skipped."),
    Spec::new("rateLimit.interval", Int, "0", "Seconds of a rate-limiting interval; 0: no limit."),
    Spec::new("rateLimit.burst", Int, "10000", "Messages that pass in one interval."),
    Spec::new("rateLimit.name", Str, "", "The ratelimit() object whose limit holds.")
        .since("8.2602"),
];

/// Inputs of both, and the module `imtcp`.
static SHARED: &[Spec] = &[
    Spec::new("flowControl", Bool, "on", "Throttles senders when queues fill.").ignored(HELD_BACK),
    Spec::new(
        "discardTruncatedMsg",
        Bool,
        "off",
        "What lies behind a truncation is discarded instead of becoming a message.",
    ),
    Spec::new("notifyOnConnectionOpen", Bool, "off", "Says when a peer connects."),
    Spec::new("notifyOnConnectionClose", Bool, "off", "Says when a peer disconnects."),
    Spec::new("maxFrameSize", Int, "200000", "Octet counts above it are taken as text, in bytes."),
    Spec::new("keepAlive", Bool, "off", "Sends TCP keep-alive probes."),
];

/// What Bongsu adds to both, at the module and at the input.
static OWN: &[Spec] = &[
    Spec::new("rcvbufSize", Size, "", "Size of the socket's receive buffer in bytes.").own(),
    Spec::new(
        "ipFreeBind",
        Int,
        "2",
        "Binds to an address that is not there yet: 0 no, 1 yes, 2 yes and say so.",
    )
    .own(),
    Spec::new("device", Str, "", "Network device (or VRF) to bind to.").own(),
    Spec::new(
        "framing.strict",
        Bool,
        "off",
        "Bongsu's own: octet counting only for digits, a space and '<'.",
    )
    .own(),
    Spec::new(
        "idleTimeout",
        Int,
        "0",
        "Bongsu's own: closes a connection silent for so many seconds; 0: never.",
    )
    .own(),
    Spec::new(
        "frameTimeout",
        Int,
        "0",
        "Bongsu's own: closes a connection whose frame takes more seconds than this; 0: never.",
    )
    .own(),
];

const CA_FILE: Spec = Spec::new(
    "streamDriver.caFile",
    Str,
    "",
    "Certificates of authorities, instead of global()'s.",
)
.later(TLS);
const CERT_FILE: Spec =
    Spec::new("streamDriver.certFile", Str, "", "Own certificate, instead of global()'s.")
        .later(TLS);
const KEY_FILE: Spec =
    Spec::new("streamDriver.keyFile", Str, "", "Its private key, instead of global()'s.")
        .later(TLS);

/// `imtcp` inputs alone.
static INPUT: &[Spec] = &[
    Spec::new("port", Str, "", "TCP port or service name to listen on; 0 lets the system choose.")
        .told(),
    Spec::new("name", Str, "imtcp", "Value of the inputname property."),
    Spec::new("maxListeners", Positive, "20", "Listening ports at most."),
    Spec::new("socketBacklog", NonNegative, "5", "Length of the listen queue.").since("8.2502"),
    Spec::new("multiLine", Bool, "off", "LF ends a frame only before '<'.").since("8.2608"),
    Spec::new(
        "framing.delimiter.regex",
        Str,
        "",
        "Frames begin where this expression matches, and only there.",
    )
    .since("8.2608"),
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
];

/// `module(load="imtcp")` alone.
static MODULE_ONLY: &[Spec] = &[
    Spec::new("maxListeners", Positive, "20", "Listening ports at most.").alias(&["maxListners"]),
    Spec::new(
        "octetCountedFraming",
        Bool,
        "on",
        "What supportOctetCountedFraming is at inputs that do not say.",
    ),
    CA_FILE.since("8.2608"),
    CERT_FILE.since("8.2608"),
    KEY_FILE.since("8.2608"),
];

/// `imtcp`: at the module, for all inputs, and at the input.
static LAYERED: &[Spec] = &[
    Spec::new("maxSessions", Positive, "200", "Connections at a time; further ones are closed."),
    Spec::new("disableLFDelimiter", Bool, "off", "LF no longer ends a frame."),
    Spec::new(
        "addtlFrameDelimiter",
        NonNegative,
        "",
        "A second frame delimiter, as a byte value; none if not given.",
    ),
    Spec::new("preserveCase", Bool, "on", "Keeps upper case in fromhost."),
    Spec::new(
        "keepAlive.probes",
        NonNegative,
        "0",
        "Unanswered probes until the connection is dead; 0: system default.",
    ),
    Spec::new(
        "keepAlive.time",
        NonNegative,
        "0",
        "Idle seconds before the first probe; 0: system default.",
    ),
    Spec::new("keepAlive.interval", NonNegative, "0", "Seconds between probes; 0: system default."),
    Spec::new("streamDriver.mode", NonNegative, "0", "0: plain TCP; 1: TLS."),
    Spec::new("streamDriver.name", Str, "", "The TLS library: gtls, ossl or ptcp.")
        .ignored("it matters for TLS only, and streamDriver.mode selects plain TCP"),
    Spec::new(
        "streamDriver.authMode",
        Str,
        "anon",
        "How peers are authenticated: anon, x509/name, x509/fingerprint or x509/certvalid.",
    ),
    Spec::new(
        "streamDriver.permitExpiredCerts",
        Str,
        "warn",
        "What becomes of peers whose certificate has expired: on, off or warn.",
    )
    .later(TLS),
    Spec::new(
        "streamDriver.checkExtendedKeyPurpose",
        Bool,
        "off",
        "Takes only certificates whose extended key usage allows what they do.",
    )
    .later(TLS),
    Spec::new(
        "streamDriver.prioritizeSAN",
        Bool,
        "off",
        "Looks at a certificate's common name only where it has no alternative names.",
    )
    .later(TLS),
    Spec::new("streamDriver.tlsVerifyDepth", Positive, "", "Longest chain of certificates.")
        .later(TLS),
    Spec::new(
        "streamDriver.tlsRevocationCheck",
        Bool,
        "off",
        "Asks by OCSP whether a certificate was revoked.",
    )
    .since("8.2602")
    .later(TLS),
    Spec::new("streamDriver.crlFile", Str, "", "List of certificates that were revoked.")
        .since("8.2308")
        .later(TLS),
    Spec::new("permittedPeer", Array, "", "Names or fingerprints of peers that may connect.")
        .later(TLS),
    Spec::new("gnutlsPriorityString", Str, "", "Ciphers and versions, in the TLS library's words.")
        .later(TLS),
    Spec::new("allowedSender", Array, "", "Addresses, networks and names that may connect.")
        .since("8.2608")
        .later("the input is left out; let a firewall choose the senders"),
    Spec::new("networkNamespace", Str, "", "Network namespace of the listener.")
        .since("8.2512")
        .later(NAMESPACE),
    Spec::new("workerThreads", Positive, "2", "Worker threads.").since("8.2504").ignored(SHARDS),
    Spec::new(
        "starvationProtection.maxReads",
        NonNegative,
        "500",
        "Reads of one connection before others get their turn.",
    )
    .since("8.2504")
    .ignored("a connection yields to the others of its shard after a few reads"),
    Spec::new(
        "compression.mode",
        Word(&["none", "stream:always"]),
        "none",
        "stream:always: the stream is deflated.",
    )
    .since("8.2606"),
    Spec::new("compression.driver", Word(&["zlib", "zstd"]), "zlib", "What it is deflated by.")
        .since("8.2606"),
    Spec::new(
        "compression.maxExpansionRatio",
        NonNegative,
        "1024",
        "How many times larger a stream may become; 0: no limit.",
    )
    .since("8.2606")
    .ignored("a stream is inflated piece by piece, each bounded in bytes"),
    Spec::new(
        "compression.maxDecompressedBytesPerReceive",
        NonNegative,
        "67108864",
        "Bytes that one receive may become; 0: no limit.",
    )
    .since("8.2606")
    .ignored("a stream is inflated piece by piece, each bounded in bytes"),
    Spec::new(
        "compression.maxTotalZstdWindowBytes",
        NonNegative,
        "0",
        "Windows of all of a listener's zstd streams together, in bytes; 0: no limit.",
    )
    .since("8.2608")
    .ignored(ZLIB),
];

/// `module(load="imptcp")`.
static PLAIN_MODULE: &[Spec] = &[
    Spec::new("threads", Positive, "2", "Helper threads.").ignored(SHARDS),
    Spec::new("maxSessions", Int, "0", "What maxSessions is at inputs that do not say."),
    Spec::new("processOnPoller", Bool, "on", "Works on the polling thread.")
        .ignored("each shard reads and works on its own thread"),
];

/// `imptcp` inputs.
static PLAIN_INPUT: &[Spec] = &[
    Spec::new("port", Str, "", "TCP port or service name to listen on; 0 lets the system choose."),
    Spec::new("name", Str, "imptcp", "Value of the inputname property."),
    Spec::new("maxSessions", Int, "0", "Connections at a time; further ones are closed; 0: any."),
    Spec::new(
        "addtlFrameDelimiter",
        Int,
        "-1",
        "A second frame delimiter, as a byte value; -1: none.",
    ),
    KEEP_ALIVE[0],
    KEEP_ALIVE[1],
    KEEP_ALIVE[2],
    Spec::new("multiLine", Bool, "off", "LF ends a frame only before '<'."),
    Spec::new("framing.delimiter.regex", Str, "", "Frames begin where this expression matches."),
    Spec::new(
        "compression.mode",
        Word(&["none", "stream:always"]),
        "none",
        "stream:always: the stream is deflated.",
    ),
    Spec::new("socketBacklog", Int, "5", "Length of the listen queue."),
];

/// `imptcp` inputs on unix sockets.
static PLAIN_UNIX: &[Spec] = &[
    Spec::new("path", Str, "", "Unix stream socket to listen on, instead of a port."),
    Spec::new("unlink", Bool, "off", "Removes the unix socket before and after."),
    Spec::new("fileOwner", User, "", "Owner of the unix socket."),
    Spec::new("fileOwnerNum", Id, "", "Owner of the unix socket, by number."),
    Spec::new("fileGroup", Group, "", "Group of the unix socket."),
    Spec::new("fileGroupNum", Id, "", "Group of the unix socket, by number."),
    Spec::new("fileCreateMode", Mode, "0644", "Mode of the unix socket."),
    Spec::new(
        "failOnChOwnFailure",
        Bool,
        "on",
        "Does not listen if the socket cannot be given its owner and mode.",
    ),
];
