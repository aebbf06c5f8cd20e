//! Outputs that speak a protocol of logs: RELP, DTLS, GSSAPI, spoofed UDP, SNMP, mail.

use crate::catalog::absent;
use crate::config::module::Module;
use crate::config::module::Role::Output;
use crate::config::param::Kind::Array;
use crate::config::param::Kind::Bool;
use crate::config::param::Kind::Int;
use crate::config::param::Kind::NonNegative;
use crate::config::param::Kind::Str;
use crate::config::param::Kind::Template;
use crate::config::param::Spec;

pub(in crate::catalog) static MODULES: &[Module] = &[
    Module {
        instance: &[DTLS],
        ..absent("omdtls", Output, "Forwards syslog over DTLS.", "omfwd with protocol=\"tcp\"")
    },
    absent("omgssapi", Output, "Forwards syslog over TCP with Kerberos.", "omfwd"),
    Module {
        module: &[UDPSPOOF_MODULE],
        instance: &[UDPSPOOF],
        ..absent(
            "omudpspoof",
            Output,
            "Forwards over UDP under the sender's own address.",
            "omfwd with a template that names the sender",
        )
    },
    Module {
        instance: &[SNMP],
        ..absent("omsnmp", Output, "Sends SNMP traps.", "omprog with snmptrap")
    },
    Module {
        instance: &[MAIL],
        ..absent(
            "ommail",
            Output,
            "Sends mail over SMTP.",
            "omprog with sendmail, or a collector that alerts",
        )
    },
];

static DTLS: &[Spec] = &[
    Spec::new("target", Str, "", "Host name or address of the collector."),
    Spec::new("port", Str, "443", "Its port."),
    Spec::new("tls.caCert", Str, "", "File with certificates of authorities."),
    Spec::new("tls.myCert", Str, "", "File with the own certificate."),
    Spec::new("tls.myPrivKey", Str, "", "File with the own private key."),
    Spec::new("tls.tlsCfgCmd", Str, "", "Settings for OpenSSL."),
    Spec::new("tls.authMode", Str, "", "How the server proves itself."),
    Spec::new("tls.permittedPeer", Array, "", "Fingerprints or names of acceptable servers."),
    Spec::new("statsName", Str, "", "What its counters are called."),
];

static UDPSPOOF_MODULE: &[Spec] = &[Spec::new(
    "template",
    Template,
    "RSYSLOG_TraditionalForwardFormat",
    "The template of actions that name none.",
)];

static UDPSPOOF: &[Spec] = &[
    Spec::new("target", Str, "", "Host that receives the messages."),
    Spec::new("port", Str, "514", "Its port."),
    Spec::new(
        "sourceTemplate",
        Template,
        "RSYSLOG_omudpspoofDfltSourceTpl",
        "The template that makes the source address.",
    ),
    Spec::new("sourcePort.start", Int, "32000", "First of the source ports that take turns."),
    Spec::new("sourcePort.end", Int, "42000", "Last of them."),
    Spec::new("mtu", Int, "1500", "Longest packet in bytes."),
];

static SNMP: &[Spec] = &[
    Spec::new("server", Str, "", "Host that receives the traps."),
    Spec::new("port", Int, "162", "Its port."),
    Spec::new("transport", Str, "udp", "The transport: udp, tcp, udp6, tcp6 and others."),
    Spec::new("version", NonNegative, "1", "0 is SNMPv1, 1 is SNMPv2c."),
    Spec::new("community", Str, "public", "The community name."),
    Spec::new("trapOID", Str, "1.3.6.1.4.1.19406.1.2.1", "Type of the trap (v2c)."),
    Spec::new("messageOID", Str, "1.3.6.1.4.1.19406.1.2.1", "The variable with the message."),
    Spec::new("enterpriseOID", Str, "1.3.6.1.4.1.3.1.1", "The enterprise (v1)."),
    Spec::new("specificType", Int, "0", "The trap's own number (v1)."),
    Spec::new("snmpv1DynSource", Template, "", "The template that makes the source address (v1)."),
    Spec::new("trapType", Int, "6", "The generic trap number, 0 to 6 (v1)."),
];

static MAIL: &[Spec] = &[
    Spec::new("server", Str, "", "The SMTP server."),
    Spec::new("port", Str, "", "Its port."),
    Spec::new("mailFrom", Str, "", "The sender's address."),
    Spec::new("mailTo", Array, "", "The recipients."),
    Spec::new("subject.template", Template, "", "The template of the subject."),
    Spec::new("subject.text", Str, "", "A subject that is always the same."),
    Spec::new("body.enable", Bool, "on", "Sends the message as the body."),
];
