//! Modules of Docker and Kubernetes.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Input;
use crate::config::module::Role::Modifier;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Facility;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Positive;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Severity;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Token;
use crate::config::param::Spec;

const CRI: &str = "imfile with format=\"cri\" on /var/log/containers/*.log";

pub(super) static MODULES: &[Module] = &[
    absent("imdocker", Input, "Reads containers' logs from Docker.", CRI).with_module(&[IMDOCKER]),
    absent("imkubernetes", Input, "Reads pods' logs and asks Kubernetes about them.", CRI)
        .with_module(&[IMKUBERNETES]),
    absent(
        "mmkubernetes",
        Modifier,
        "Adds what Kubernetes knows of a container.",
        "imfile with format=\"cri\": $!kubernetes!pod_name and others",
    )
    .with_module(&[MMKUBERNETES])
    .with_instance(&[MMKUBERNETES]),
];

const API: &str = "https://kubernetes.default.svc.cluster.local:443";

static IMDOCKER: &[Spec] = &[
    Spec::new("dockerApiUnixSockAddr", Str, "/var/run/docker.sock", "Docker's socket."),
    Spec::new("apiVersionStr", Str, "v1.27", "Version of Docker's interface."),
    Spec::new("pollingInterval", Positive, "60", "Seconds between looks for new containers."),
    Spec::new("listContainersOptions", Str, "", "Query that lists containers."),
    Spec::new(
        "getContainerLogOptions",
        Str,
        "timestamp=0&follow=1&stdout=1&stderr=1&tail=1",
        "Query that asks for a container's log.",
    ),
    Spec::new("retrieveNewLogsFromStart", Bool, "on", "Reads new containers' logs from the start."),
    Spec::new("defaultFacility", Facility, "user", "Facility of the messages."),
    Spec::new("defaultSeverity", Severity, "notice", "Severity of the messages."),
    Spec::new("escapeLF", Bool, "on", "Writes line ends inside a message as #012."),
];

static IMKUBERNETES: &[Spec] = &[
    Spec::new("logFileGlob", Str, "/var/log/pods/*/*/*.log", "The log files.").since("8.2604"),
    Spec::new("pollingInterval", Positive, "1", "Seconds between looks for new files.")
        .since("8.2604"),
    Spec::new("ruleset", Ruleset, "RSYSLOG_DefaultRuleset", "Ruleset that gets the messages.")
        .since("8.2608"),
    Spec::new("cacheEntryTTL", Positive, "", "Seconds that an answer is kept.").since("8.2604"),
    Spec::new("freshStartTail", Bool, "", "Begins at the end of files.").since("8.2604"),
    Spec::new("defaultSeverity", Severity, "", "Severity of the messages.").since("8.2604"),
    Spec::new("defaultFacility", Facility, "", "Facility of the messages.").since("8.2604"),
    Spec::new("escapeLF", Bool, "", "Writes line ends inside a message as #012.").since("8.2604"),
    Spec::new("enrichKubernetes", Bool, "", "Asks Kubernetes about each pod.").since("8.2604"),
    Spec::new("kubernetesUrl", Str, API, "Where Kubernetes answers.").since("8.2604"),
    Spec::new("token", Str, "", "Token to show to it.").since("8.2604"),
    Spec::new("tokenFile", Str, "", "File that holds the token.").since("8.2604"),
    Spec::new("tls.caCert", Str, "", "Certificates of authorities.").since("8.2604"),
    Spec::new("allowUnsignedCerts", Bool, "off", "Takes any certificate.").since("8.2604"),
    Spec::new("skipVerifyHost", Bool, "off", "Takes certificates of other hosts.").since("8.2604"),
];

static MMKUBERNETES: &[Spec] = &[
    Spec::new("kubernetesURL", Token, API, "Where Kubernetes answers."),
    Spec::new("tls.cacert", Token, "", "Certificates of authorities."),
    Spec::new("tls.mycert", Token, "", "Own certificate."),
    Spec::new("tls.myprivkey", Token, "", "Its private key."),
    Spec::new("tokenfile", Token, "", "File that holds the token."),
    Spec::new("token", Token, "", "Token to show to it."),
    Spec::new("annotation_match", Array, "", "Annotations to add."),
    Spec::new("srcmetadatapath", Token, "$!metadata!filename", "Where the file's name is."),
    Spec::new("dstmetadatapath", Token, "$!", "Where the answers go."),
    Spec::new("allowunsignedcerts", Bool, "off", "Takes any certificate."),
    Spec::new("skipverifyhost", Bool, "off", "Takes certificates of other hosts."),
    Spec::new("de_dot", Bool, "on", "Replaces dots in names."),
    Spec::new("de_dot_separator", Token, "_", "What replaces them."),
    Spec::new("filenamerules", Array, "", "liblognorm rules for the file's name."),
    Spec::new(
        "filenamerulebase",
        Token,
        "/etc/rsyslog.d/k8s_filename.rulebase",
        "File that holds them.",
    ),
    Spec::new("containerrules", Array, "", "liblognorm rules for the container's name."),
    Spec::new(
        "containerrulebase",
        Token,
        "/etc/rsyslog.d/k8s_container_name.rulebase",
        "File that holds them.",
    ),
    Spec::new("busyretryinterval", Int, "5", "Seconds to wait when Kubernetes is busy."),
    Spec::new("sslpartialchain", Bool, "off", "Trusts intermediate certificates."),
    Spec::new("cacheexpireinterval", Int, "-1", "Seconds between looks for old answers; -1: none."),
    Spec::new("cacheentryttl", Int, "3600", "Seconds that an answer is kept."),
    Spec::new("includeNamespaceMetadata", Bool, "on", "Asks about namespaces as well.")
        .since("8.2608"),
];
