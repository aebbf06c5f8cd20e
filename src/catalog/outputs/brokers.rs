//! Outputs to message brokers.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Duration;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Kind::Word;
use crate::config::param::Spec;

const BRIDGE: &str = "omfwd to a collector that writes to the broker (Vector, Fluent Bit)";

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module { instance: &[KAFKA], ..absent("omkafka", Output, "Writes to Apache Kafka.", BRIDGE) },
    Module { instance: &[RABBITMQ], ..absent("omrabbitmq", Output, "Writes to RabbitMQ.", BRIDGE) },
    Module { instance: &[AMQP1], ..absent("omamqp1", Output, "Writes over AMQP 1.0.", BRIDGE) },
    Module { instance: &[HIREDIS], ..absent("omhiredis", Output, "Writes to Redis.", BRIDGE) },
    Module { instance: &[CZMQ], ..absent("omczmq", Output, "Writes to ZeroMQ sockets.", BRIDGE) },
    Module {
        instance: &[EVENTHUBS],
        ..absent("omazureeventhubs", Output, "Writes to Azure Event Hubs.", BRIDGE)
    },
    absent("omkinesis", Output, "Writes to AWS Kinesis.", BRIDGE),
];

static KAFKA: &[Spec] = &[
    Spec::new("broker", Array, "localhost:9092", "The brokers to connect to first."),
    Spec::new("topic", Str, "", "The topic, or the template that makes it."),
    Spec::new("key", Str, "", "The key of all messages, or the template that makes it."),
    Spec::new("dynaKey", Bool, "off", "'key' names a template."),
    Spec::new("dynaTopic", Bool, "off", "'topic' names a template."),
    Spec::new("dynaTopic.cacheSize", NonNegative, "50", "Topics that are kept open."),
    Spec::new("partitions.auto", Bool, "off", "Leaves the choice of partition to librdkafka."),
    Spec::new("partitions.number", Int, "", "Number of partitions to take turns with."),
    Spec::new("partitions.useFixed", Int, "", "The one partition to use."),
    Spec::new("errorFile", Str, "", "File for messages that Kafka refused."),
    Spec::new("statsFile", Str, "", "File for librdkafka's statistics."),
    Spec::new("confParam", Array, "", "Settings for librdkafka, name=value."),
    Spec::new("topicConfParam", Array, "", "Settings of the topic, name=value."),
    Spec::new("closeTimeout", Duration("milliseconds"), "2000", "Time to deliver at the end."),
    Spec::new("resubmitOnFailure", Bool, "off", "Sends again what failed, once Kafka is back."),
    Spec::new("keepFailedMessages", Bool, "off", "Keeps what failed over a restart."),
    Spec::new("failedMsgFile", Str, "", "File in which it is kept."),
    Spec::new("statsName", Str, "", "What this action's counters are called."),
];

static RABBITMQ: &[Spec] = &[
    Spec::new("host", Str, "", "One or two servers, host:port, separated by a blank."),
    Spec::new("port", Str, "5672", "Port of servers that name none."),
    Spec::new("virtual_host", Str, "", "The broker's virtual host."),
    Spec::new("user", Str, "", "User to log in as."),
    Spec::new("password", Str, "", "That user's password."),
    Spec::new("ssl", Bool, "off", "Encrypts the connection."),
    Spec::new("init_openssl", Bool, "off", "Lets the library initialise OpenSSL."),
    Spec::new("verify_peer", Bool, "off", "Checks the server's certificate."),
    Spec::new("verify_hostname", Bool, "off", "Checks the name in it."),
    Spec::new("ca_cert", Str, "", "File with certificates of authorities."),
    Spec::new("heartbeat_interval", Duration("seconds"), "0", "Time between heartbeats."),
    Spec::new("exchange", Str, "", "The exchange to publish to."),
    Spec::new("routing_key", Str, "", "A routing key that is always the same."),
    Spec::new("routing_key_template", Template, "", "The template that makes the routing key."),
    Spec::new("body_template", Template, "StdJSONFmt", "The template that makes the body."),
    Spec::new(
        "delivery_mode",
        Word(&["TRANSIENT", "PERSISTENT", "PERSISTANT"]),
        "TRANSIENT",
        "Whether the broker keeps messages on disk.",
    ),
    Spec::new("expiration", Str, "", "Milliseconds after which the broker drops a message."),
    Spec::new("populate_properties", Bool, "off", "Sets time, application and host as headers."),
    Spec::new("content_type", Str, "", "MIME type of the body."),
    Spec::new("declare_exchange", Bool, "off", "Makes the exchange if it is not there."),
    Spec::new("recover_policy", Str, "60;6;3;600", "When to go to the other server and back."),
];

static AMQP1: &[Spec] = &[
    Spec::new("host", Str, "5672", "The message bus, host:port."),
    Spec::new("target", Str, "", "The queue or topic."),
    Spec::new("username", Str, "", "User to log in as."),
    Spec::new("password", Str, "", "That user's password."),
    Spec::new("idleTimeout", Duration("seconds"), "0", "Silence that ends a connection."),
    Spec::new("reconnectDelay", Duration("seconds"), "5", "Wait before connecting again."),
    Spec::new("maxRetries", Int, "10", "Attempts before a message is dropped."),
    Spec::new("disableSASL", Int, "0", "Anything but 0 leaves authentication out."),
];

static HIREDIS: &[Spec] = &[
    Spec::new("server", Str, "", "Name or address of the server."),
    Spec::new("serverPort", Int, "6379", "Its port."),
    Spec::new("serverPassword", Str, "", "Password of the server."),
    Spec::new(
        "mode",
        Word(&["template", "queue", "publish", "set", "stream"]),
        "template",
        "How messages are stored.",
    ),
    Spec::new("key", Str, "", "The key, or the template that makes it."),
    Spec::new("dynaKey", Bool, "off", "'key' names a template."),
    Spec::new("userPush", Bool, "off", "Appends to lists (RPUSH) instead of putting in front."),
    Spec::new(
        "expiration",
        NonNegative,
        "0",
        "Seconds until a key that was set expires; 0 is never.",
    ),
];

static CZMQ: &[Spec] = &[
    Spec::new("endpoints", Str, "", "Endpoints, separated by commas."),
    Spec::new("sockType", Str, "", "Type of the socket: PUB, PUSH, DEALER and others."),
    Spec::new("sendTimeout", Duration("milliseconds"), "-1", "How long sending may take."),
    Spec::new("sendHWM", Int, "", "Messages that may wait in the socket."),
    Spec::new("connectTimeout", Duration("milliseconds"), "", "How long connecting may take."),
    Spec::new("heartbeatIvl", Duration("milliseconds"), "", "Time between heartbeats."),
    Spec::new("heartbeatTimeout", Duration("milliseconds"), "", "Silence that ends a connection."),
    Spec::new("heartbeatTTL", Duration("milliseconds"), "", "The same, told to the peer."),
    Spec::new("topics", Str, "", "Topics of a PUB socket."),
    Spec::new("topicFrame", Bool, "off", "Sends the topic as a frame of its own."),
    Spec::new("dynaTopic", Bool, "off", "'topics' names a template."),
    Spec::new("authType", Str, "", "CURVE authentication: CURVESERVER or CURVECLIENT."),
    Spec::new("clientCertPath", Str, "", "Certificates of clients, or the own one."),
    Spec::new("serverCertPath", Str, "", "The server's certificate."),
];

static EVENTHUBS: &[Spec] = &[
    Spec::new("azureHost", Str, "", "Host of the namespace."),
    Spec::new("azurePort", Str, "5671", "Its port."),
    Spec::new("azure_key_name", Str, "", "Name of the access key."),
    Spec::new("azure_key", Str, "", "The access key."),
    Spec::new("container", Str, "", "The event hub."),
    Spec::new("amqp_address", Str, "", "All of it in one address, instead."),
    Spec::new("eventProperties", Array, "", "Properties of each event, name=value."),
    Spec::new("closeTimeout", Duration("milliseconds"), "2000", "Time to deliver at the end."),
    Spec::new("statsName", Str, "", "What this action's counters are called."),
];
