//! What no module here takes: complained of, with what to write instead.

use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form::Bool;
use crate::config::legacy::table::Form::Int;
use crate::config::legacy::table::Form::Line;
use crate::config::legacy::table::Form::Word;
use crate::config::legacy::table::Target::Unknown;
use crate::config::legacy::table::Target::Unsupported;
use crate::config::legacy::table::d;

const GSSAPI: &str = "GSSAPI is not built in: use TLS";
const DATABASE: &str =
    "no database module is here: write a file with an SQL template and load that";
const HDFS: &str =
    "omhdfs is not here: write a file, or forward to a collector that writes to HDFS";
const SPOOF: &str = "omudpspoof is not here: use omfwd with a template that names the sender";
const SNMP: &str = "omsnmp is not here: forward to a collector that sends traps";
const SNMPTRAPD: &str = "mmsnmptrapd is not here: set the host name with a template";

pub(super) static DIRECTIVES: &[Directive] = &[
    // rsyslog's documentation or its older versions have these; 8.2302 does not know them
    d("HUPisRestart", Bool, Unknown("a HUP signal always reopens files: remove it")),
    d("ProcessInternalMessages", Bool, Unknown("write global(processInternalMessages=\"on\")")),
    d(
        "ActionExecOnlyIfPreviousIsSuspended",
        Bool,
        Unknown("write $ActionExecOnlyWhenPreviousIsSuspended"),
    ),
    d("ActionQueueImmediateShutdown", Bool, Unknown("write $ActionQueueTimeoutShutdown 1")),
    d("MainMsgQueueImmediateShutdown", Bool, Unknown("write $MainMsgQueueTimeoutShutdown 1")),
    d("ActionForwardDefaultTemplateName", Word, Unknown("write $ActionForwardDefaultTemplate")),
    d(
        "ActionSendStreamDriverPermittedPeers",
        Word,
        Unknown("write $ActionSendStreamDriverPermittedPeer"),
    ),
    d("SystemLogFlowControl", Bool, Unknown("write $SystemLogSocketFlowControl")),
    d("DebugPrintKernelSymbols", Bool, Unknown("it had no effect for long: remove it")),
    d("MarkMessageText", Word, Unknown("write module(load=\"immark\" markMessageText=\"…\")")),
    d(
        "ActionQueueTimeoutWorkerthreadShutdown",
        Int,
        Unknown("write $ActionQueueWorkerTimeoutThreadShutdown"),
    ),
    // GSSAPI
    d("ActionGSSForwardDefaultTemplate", Word, Unsupported(GSSAPI)),
    d("GssForwardServiceName", Word, Unsupported(GSSAPI)),
    d("GssMode", Word, Unsupported(GSSAPI)),
    d("InputGSSListenPortFileName", Word, Unsupported(GSSAPI)),
    d("InputGSSServerKeepAlive", Bool, Unsupported(GSSAPI)),
    d("InputGSSServerMaxSessions", Int, Unsupported(GSSAPI)),
    d("InputGSSServerPermitPlainTCP", Bool, Unsupported(GSSAPI)),
    d("InputGSSServerRun", Word, Unsupported(GSSAPI)),
    d("InputGSSServerServiceName", Word, Unsupported(GSSAPI)),
    // other modules that are not here
    d("Input3195ListenPort", Word, Unsupported("RFC 3195 is not built in: use imrelp")),
    d("IMSolarisLogSocketName", Word, Unsupported("imsolaris is for Solaris: use imuxsock")),
    d("ActionOmrulesetRulesetName", Word, Unsupported("omruleset is gone: write 'call name'")),
    d("ActionLibdbiDriver", Word, Unsupported(DATABASE)),
    d("ActionLibdbiDriverDirectory", Word, Unsupported(DATABASE)),
    d("ActionLibdbiHost", Word, Unsupported(DATABASE)),
    d("ActionLibdbiUserName", Word, Unsupported(DATABASE)),
    d("ActionLibdbiPassword", Word, Unsupported(DATABASE)),
    d("ActionLibdbiDBName", Word, Unsupported(DATABASE)),
    d("ActionOmmysqlServerPort", Int, Unsupported(DATABASE)),
    d("OmMySQLConfigFile", Word, Unsupported(DATABASE)),
    d("OmMySQLConfigSection", Word, Unsupported(DATABASE)),
    d("OmoracleDBUser", Word, Unsupported(DATABASE)),
    d("OmoracleDBPassword", Word, Unsupported(DATABASE)),
    d("OmoracleDB", Word, Unsupported(DATABASE)),
    d("OmoracleBatchSize", Int, Unsupported(DATABASE)),
    d("OmoracleBatchItemSize", Int, Unsupported(DATABASE)),
    d("OmoracleStatement", Line, Unsupported(DATABASE)),
    d("OmoracleStatementTemplate", Line, Unsupported(DATABASE)),
    d("OMHDFSFileName", Word, Unsupported(HDFS)),
    d("OMHDFSHost", Word, Unsupported(HDFS)),
    d("OMHDFSPort", Word, Unsupported(HDFS)),
    d("OMHDFSDefaultTemplate", Word, Unsupported(HDFS)),
    d("ActionOMUDPSpoofTargetHost", Word, Unsupported(SPOOF)),
    d("ActionOMUDPSpoofTargetPort", Word, Unsupported(SPOOF)),
    d("ActionOMUDPSpoofSourceNameTemplate", Word, Unsupported(SPOOF)),
    d("ActionOMOMUDPSpoofSourceNameTemplate", Word, Unsupported(SPOOF)),
    d("ActionOMUDPSpoofDefaultTemplate", Word, Unsupported(SPOOF)),
    d("ActionOMUDPSpoofSourcePortStart", Word, Unsupported(SPOOF)),
    d("ActionOMUDPSpoofSourcePortEnd", Word, Unsupported(SPOOF)),
    d("ActionSNMPTarget", Word, Unsupported(SNMP)),
    d("ActionSNMPTargetPort", Word, Unsupported(SNMP)),
    d("ActionSNMPTransport", Word, Unsupported(SNMP)),
    d("ActionSNMPVersion", Word, Unsupported(SNMP)),
    d("ActionSNMPCommunity", Word, Unsupported(SNMP)),
    d("ActionSNMPTrapOID", Word, Unsupported(SNMP)),
    d("ActionSNMPSyslogMessageOID", Word, Unsupported(SNMP)),
    d("ActionSNMPEnterpriseOID", Word, Unsupported(SNMP)),
    d("ActionSNMPSpecificType", Word, Unsupported(SNMP)),
    d("ActionSNMPTrapType", Word, Unsupported(SNMP)),
    d("MMSNMPTrapdTag", Word, Unsupported(SNMPTRAPD)),
    d("MMSNMPTrapdSeverityMapping", Word, Unsupported(SNMPTRAPD)),
];
