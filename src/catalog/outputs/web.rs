//! Outputs over HTTP.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::Ruleset;
use crate::config::param::Kind::Size;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

const BRIDGE: &str = "omfwd to a collector that speaks HTTP (Vector, Fluent Bit, Logstash)";

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        instance: &[ELASTICSEARCH, CERTIFICATES, UNSAFE, RETRY_LIMIT],
        ..absent("omelasticsearch", Output, "Writes to Elasticsearch or OpenSearch.", BRIDGE)
    },
    Module {
        instance: &[HTTP, CERTIFICATES, UNSAFE, RETRY_LIMIT],
        ..absent("omhttp", Output, "Posts messages to an HTTP server.", BRIDGE)
    },
    Module {
        instance: &[CLICKHOUSE, UNSAFE],
        ..absent("omclickhouse", Output, "Writes to ClickHouse.", BRIDGE)
    },
    Module {
        instance: &[HTTPFS],
        ..absent("omhttpfs", Output, "Writes to HDFS through HttpFS.", BRIDGE)
    },
    absent("omsplunkhec", Output, "Writes to Splunk's HTTP event collector.", BRIDGE),
    absent("omotel", Output, "Writes to an OpenTelemetry collector.", BRIDGE),
    absent("omawslogshlc", Output, "Writes to AWS CloudWatch Logs.", BRIDGE),
    absent("omazuredce", Output, "Writes to Azure Monitor.", BRIDGE),
    absent("omtelegram", Output, "Sends Telegram messages.", BRIDGE),
];

static CERTIFICATES: &[Spec] = &[
    Spec::new("tls.caCert", Str, "", "File with certificates of authorities."),
    Spec::new("tls.myCert", Str, "", "File with the own certificate."),
    Spec::new("tls.myPrivKey", Str, "", "File with the own private key."),
];

static UNSAFE: &[Spec] = &[
    Spec::new("allowUnsignedCerts", Bool, "off", "Takes certificates of unknown authorities."),
    Spec::new("skipVerifyHost", Bool, "off", "Takes certificates with another host's name."),
];

static RETRY_LIMIT: &[Spec] = &[
    Spec::new(
        "rateLimit.interval",
        Duration("seconds"),
        "600",
        "Interval of the limit of retries.",
    ),
    Spec::new("rateLimit.burst", Int, "20000", "Retries in such an interval."),
];

static ELASTICSEARCH: &[Spec] = &[
    Spec::new("server", Array, "localhost", "The servers, which take turns."),
    Spec::new("serverPort", Int, "9200", "Port of servers that name none."),
    Spec::new(
        "healthCheckTimeout",
        Duration("milliseconds"),
        "3500",
        "How long a server may take to say that it is well.",
    ),
    Spec::new("esVersion.major", Int, "0", "The server's version; 8 changes what is sent."),
    Spec::new("searchIndex", Str, "system", "The index, or the template that makes it."),
    Spec::new("dynSearchIndex", Bool, "off", "'searchIndex' names a template."),
    Spec::new("searchType", Str, "events", "The type, or the template that makes it."),
    Spec::new("dynSearchType", Bool, "off", "'searchType' names a template."),
    Spec::new("pipelineName", Str, "", "The ingest pipeline, or the template that names it."),
    Spec::new("dynPipelineName", Bool, "off", "'pipelineName' names a template."),
    Spec::new("skipPipelineIfEmpty", Bool, "off", "Sends no pipeline that has no name."),
    Spec::new("asyncRepl", Bool, "off", "Has no meaning any more."),
    Spec::new("useHttps", Bool, "off", "Encrypts to servers that name no scheme."),
    Spec::new("timeout", Str, "1m", "How long the server may wait for a shard."),
    Spec::new("indexTimeout", Duration("milliseconds"), "0", "How long a request may take."),
    Spec::new("bulkMode", Bool, "off", "Sends many messages in a request."),
    Spec::new("maxBytes", Size, "100m", "Largest request in bulk mode."),
    Spec::new("parent", Str, "", "The parent's ID, or the template that makes it."),
    Spec::new("dynParent", Bool, "off", "'parent' names a template."),
    Spec::new("uid", Str, "", "User to log in as."),
    Spec::new("pwd", Str, "", "That user's password."),
    Spec::new("apiKey", Str, "", "An API key, instead of user and password."),
    Spec::new("errorFile", Str, "", "File for messages that were refused."),
    Spec::new("errorOnly", Bool, "off", "Keeps only refused messages in that file."),
    Spec::new("interleaved", Bool, "off", "Request and answer side by side in that file."),
    Spec::new("bulkId", Str, "", "The document's ID, or the template that makes it."),
    Spec::new("dynBulkId", Bool, "off", "'bulkId' names a template."),
    Spec::new("writeOperation", Word(&["index", "create"]), "index", "What a document is sent as."),
    Spec::new("retryFailures", Bool, "off", "Sends single documents again that were refused."),
    Spec::new("retryRuleset", Ruleset, "", "The ruleset that takes those instead."),
    Spec::new("rebindInterval", Int, "-1", "Requests after which to connect anew."),
];

static HTTP: &[Spec] = &[
    Spec::new("server", Array, "localhost", "The servers."),
    Spec::new("serverPort", Int, "443", "Their port."),
    Spec::new(
        "healthCheckTimeout",
        Duration("milliseconds"),
        "3500",
        "How long a server may take to say that it is well.",
    ),
    Spec::new("httpContentType", Str, "application/json; charset=utf-8", "The Content-Type."),
    Spec::new("httpHeaderKey", Str, "", "Name of a further header."),
    Spec::new("httpHeaderValue", Str, "", "Its value."),
    Spec::new("httpHeaders", Array, "", "Further headers, name: value."),
    Spec::new("httpRetryCodes", Array, "", "Answers after which a request is sent again."),
    Spec::new("httpIgnorableCodes", Array, "", "Answers that do not matter."),
    Spec::new("uid", Str, "", "User to log in as."),
    Spec::new("pwd", Str, "", "That user's password."),
    Spec::new("restPath", Str, "", "The path, or the template that makes it."),
    Spec::new("dynRestPath", Bool, "off", "'restPath' names a template."),
    Spec::new("checkPath", Str, "", "The path that tells whether the server is well."),
    Spec::new("batch", Bool, "off", "Sends many messages in a request.").alias(&["bulkmode"]),
    Spec::new(
        "batch.format",
        Word(&["newline", "jsonarray", "kafkarest", "lokirest"]),
        "newline",
        "How they are put together.",
    ),
    Spec::new("batch.maxSize", Size, "100", "Messages in a request."),
    Spec::new("batch.maxBytes", Size, "10485760", "Bytes in a request.").alias(&["maxbytes"]),
    Spec::new("retry", Bool, "off", "Sends failed requests again."),
    Spec::new("retry.ruleset", Ruleset, "", "The ruleset that takes them."),
    Spec::new("retry.addMetadata", Bool, "off", "Adds what went wrong to their variables."),
    Spec::new("errorFile", Str, "", "File for requests that were refused."),
    Spec::new("compress", Bool, "off", "Compresses requests (gzip)."),
    Spec::new("compress.level", Int, "-1", "zlib's level, 0 to 9; -1 is zlib's choice."),
    Spec::new("useHttps", Bool, "on", "Encrypts."),
    Spec::new("reloadOnHUP", Bool, "off", "Connects anew after a HUP, with new certificates."),
    Spec::new("statsName", Str, "", "What this action's counters are called."),
];

static CLICKHOUSE: &[Spec] = &[
    Spec::new("server", Str, "localhost", "The server."),
    Spec::new("port", Int, "8123", "Its HTTP port."),
    Spec::new("useHttps", Bool, "on", "Encrypts."),
    Spec::new("bulkMode", Bool, "on", "Sends many messages in a request."),
    Spec::new("maxBytes", Size, "104857600", "Largest request in bulk mode."),
    Spec::new("user", Str, "default", "User to log in as."),
    Spec::new("pwd", Str, "", "That user's password."),
    Spec::new("errorFile", Str, "", "File for messages that were refused."),
    Spec::new(
        "healthCheckTimeout",
        Duration("milliseconds"),
        "3500",
        "How long the server may take to say that it is well.",
    ),
    Spec::new("timeout", Duration("milliseconds"), "0", "How long a request may take."),
];

static HTTPFS: &[Spec] = &[
    Spec::new("host", Str, "127.0.0.1", "The server."),
    Spec::new("port", Int, "14000", "Its port."),
    Spec::new("user", Str, "hdfs", "User to write as."),
    Spec::new("https", Bool, "off", "Encrypts."),
    Spec::new("file", Str, "", "The file, or the template that makes its name."),
    Spec::new("isDynFile", Bool, "off", "'file' names a template."),
];
