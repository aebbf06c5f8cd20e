//! Inputs, one module after the other.

use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form::Bool;
use crate::config::legacy::table::Form::Int;
use crate::config::legacy::table::Form::Line;
use crate::config::legacy::table::Form::Word;
use crate::config::legacy::table::Target::Ignored;
use crate::config::legacy::table::Target::Listen;
use crate::config::legacy::table::Target::Listener;
use crate::config::legacy::table::Target::Module;
use crate::config::legacy::table::Target::ModuleNot;
use crate::config::legacy::table::Target::ModuleWord;
use crate::config::legacy::table::Target::NextListener;
use crate::config::legacy::table::d;

pub(super) static DIRECTIVES: &[Directive] = &[
    // imudp
    d("InputUDPServerBindRuleset", Word, Listener("imudp", "ruleset")),
    d("UDPServerAddress", Word, Listener("imudp", "address")),
    d("UDPServerRun", Word, Listen("imudp", "port")),
    d("UDPServerTimeRequery", Int, Module("imudp", "timeRequery")),
    d("IMUDPSchedulingPolicy", Word, Module("imudp", "schedulingPolicy")),
    d("IMUDPSchedulingPriority", Int, Module("imudp", "schedulingPriority")),
    // imtcp
    d("InputTCPFlowControl", Bool, Module("imtcp", "flowControl")),
    d("InputTCPMaxListeners", Int, Module("imtcp", "maxListeners")),
    d("InputTCPMaxSessions", Int, Module("imtcp", "maxSessions")),
    d("InputTCPServerAddtlFrameDelimiter", Int, Module("imtcp", "addtlFrameDelimiter")),
    d("InputTCPServerBindRuleset", Word, Listener("imtcp", "ruleset")),
    d("InputTCPServerDisableLFDelimiter", Bool, Module("imtcp", "disableLFDelimiter")),
    d("InputTCPServerInputName", Word, Listener("imtcp", "name")),
    d("InputTCPServerKeepAlive", Bool, Module("imtcp", "keepAlive")),
    d("InputTCPServerKeepAlive_Intvl", Int, Module("imtcp", "keepAlive.interval")),
    d("InputTCPServerKeepAlive_Probes", Int, Module("imtcp", "keepAlive.probes")),
    d("InputTCPServerKeepAlive_Time", Int, Module("imtcp", "keepAlive.time")),
    d("InputTCPServerListenPortFile", Word, NextListener("imtcp", "listenPortFileName")),
    d("InputTCPServerNotifyOnConnectionClose", Bool, Module("imtcp", "notifyOnConnectionClose")),
    d("InputTCPServerPreserveCase", Bool, Module("imtcp", "preserveCase")),
    d("InputTCPServerRun", Word, Listen("imtcp", "port")),
    d("InputTCPServerStreamDriverAuthMode", Word, Module("imtcp", "streamDriver.authMode")),
    d("InputTCPServerStreamDriverMode", Int, Module("imtcp", "streamDriver.mode")),
    d("InputTCPServerStreamDriverPermittedPeer", Word, Module("imtcp", "permittedPeer")),
    d(
        "InputTCPServerSupportOctetCountedFraming",
        Bool,
        Listener("imtcp", "supportOctetCountedFraming"),
    ),
    // imptcp
    d("InputPTCPServerAddtlFrameDelimiter", Int, Listener("imptcp", "addtlFrameDelimiter")),
    d("InputPTCPServerBindRuleset", Word, Listener("imptcp", "ruleset")),
    d("InputPTCPServerHelperThreads", Int, Module("imptcp", "threads")),
    d("InputPTCPServerInputName", Word, Listener("imptcp", "name")),
    d("InputPTCPServerKeepAlive", Bool, Listener("imptcp", "keepAlive")),
    d("InputPTCPServerKeepAlive_Intvl", Int, Listener("imptcp", "keepAlive.interval")),
    d("InputPTCPServerKeepAlive_Probes", Int, Listener("imptcp", "keepAlive.probes")),
    d("InputPTCPServerKeepAlive_Time", Int, Listener("imptcp", "keepAlive.time")),
    d("InputPTCPServerListenIP", Word, Listener("imptcp", "address")),
    d(
        "InputPTCPServerNotifyOnConnectionClose",
        Bool,
        Listener("imptcp", "notifyOnConnectionClose"),
    ),
    d("InputPTCPServerRun", Word, Listen("imptcp", "port")),
    d(
        "InputPTCPServerSupportOctetCountedFraming",
        Bool,
        Listener("imptcp", "supportOctetCountedFraming"),
    ),
    // imrelp
    d("InputRELPServerBindRuleset", Word, Listener("imrelp", "ruleset")),
    d("InputRELPServerRun", Word, Listen("imrelp", "port")),
    // imuxsock
    d("AddUnixListenSocket", Word, Listen("imuxsock", "socket")),
    d("IMUXSockRateLimitBurst", Int, Listener("imuxsock", "rateLimit.burst")),
    d("IMUXSockRateLimitInterval", Int, Listener("imuxsock", "rateLimit.interval")),
    d("IMUXSockRateLimitSeverity", Int, Listener("imuxsock", "rateLimit.severity")),
    d("InputUnixListenSocketAnnotate", Bool, Listener("imuxsock", "annotate")),
    d("InputUnixListenSocketCreatePath", Bool, Listener("imuxsock", "createPath")),
    d("InputUnixListenSocketFlowControl", Bool, Listener("imuxsock", "flowControl")),
    d("InputUnixListenSocketHostName", Word, NextListener("imuxsock", "hostName")),
    d("InputUnixListenSocketIgnoreMsgTimestamp", Bool, Listener("imuxsock", "ignoreTimestamp")),
    d("InputUnixListenSocketUsePIDFromSystem", Bool, Listener("imuxsock", "usePIDFromSystem")),
    d("InputUnixListenSocketUseSysTimeStamp", Bool, Listener("imuxsock", "useSysTimeStamp")),
    d("OmitLocalLogging", Bool, ModuleNot("imuxsock", "sysSock.use")),
    d("SystemLogParseTrusted", Bool, Module("imuxsock", "sysSock.parseTrusted")),
    d("SystemLogRateLimitBurst", Int, Module("imuxsock", "sysSock.rateLimit.burst")),
    d("SystemLogRateLimitInterval", Int, Module("imuxsock", "sysSock.rateLimit.interval")),
    d("SystemLogRateLimitSeverity", Int, Module("imuxsock", "sysSock.rateLimit.severity")),
    d("SystemLogSocketAnnotate", Bool, Module("imuxsock", "sysSock.annotate")),
    d("SystemLogSocketFlowControl", Bool, Module("imuxsock", "sysSock.flowControl")),
    d("SystemLogSocketIgnoreMsgTimestamp", Bool, Module("imuxsock", "sysSock.ignoreTimestamp")),
    d("SystemLogSocketName", Word, Module("imuxsock", "sysSock.name")),
    d("SystemLogUsePIDFromSystem", Bool, Module("imuxsock", "sysSock.usePIDFromSystem")),
    d("SystemLogUseSysTimeStamp", Bool, Module("imuxsock", "sysSock.useSysTimeStamp")),
    // imklog, immark
    d("KLogConsoleLogLevel", Int, Module("imklog", "consoleLogLevel")),
    d("KLogInternalMsgFacility", Word, Module("imklog", "internalMsgFacility")),
    d("KLogKeepKernelTimestamp", Bool, Module("imklog", "keepKernelTimestamp")),
    d("KLogParseKernelTimestamp", Bool, Module("imklog", "parseKernelTimestamp")),
    d("KLogPath", Word, Module("imklog", "logPath")),
    d("KLogPermitNonKernelFacility", Bool, Module("imklog", "permitNonKernelFacility")),
    d("KLogSymbolLookup", Bool, Ignored("kernels resolve their symbols themselves")),
    d("KLogSymbolsTwice", Bool, Ignored("kernels resolve their symbols themselves")),
    d("KLogUseSyscallInterface", Bool, Ignored("the kernel log is read from its device")),
    d("MarkMessagePeriod", Int, Module("immark", "interval")),
    d("KLogLocalIPIF", Word, Ignored("kernel messages come from this host")),
    // imfile
    d("InputFileBindRuleset", Word, Listener("imfile", "ruleset")),
    d("InputFileFacility", Word, NextListener("imfile", "facility")),
    d("InputFileMaxLinesAtOnce", Int, NextListener("imfile", "maxLinesAtOnce")),
    d("InputFileName", Word, NextListener("imfile", "file")),
    d("InputFilePersistStateInterval", Int, NextListener("imfile", "persistStateInterval")),
    d("InputFilePollInterval", Int, Module("imfile", "pollingInterval")),
    d("InputFileReadMode", Int, NextListener("imfile", "readMode")),
    d("InputFileSeverity", Word, NextListener("imfile", "severity")),
    d("InputFileStateFile", Word, NextListener("imfile", "stateFile")),
    d("InputFileTag", Word, NextListener("imfile", "tag")),
    d("InputFileTrimLineOverBytes", Int, NextListener("imfile", "trimLineOverBytes")),
    d("InputRunFileMonitor", Line, Listen("imfile", "")),
    // imjournal
    d("ImjournalDefaultFacility", Word, Module("imjournal", "defaultFacility")),
    d("ImjournalDefaultSeverity", Word, Module("imjournal", "defaultSeverity")),
    d("ImjournalIgnorePreviousMessages", Bool, Module("imjournal", "ignorePreviousMessages")),
    d("ImjournalPersistStateInterval", Int, Module("imjournal", "persistStateInterval")),
    d("ImjournalRatelimitBurst", Int, Module("imjournal", "rateLimit.burst")),
    d("ImjournalRatelimitInterval", Int, Module("imjournal", "rateLimit.interval")),
    d("ImjournalStateFile", Word, Module("imjournal", "stateFile")),
    d("ImjournalUsePidFromSystem", Bool, Module("imjournal", "usePidFromSystem")),
    // impstats
    d("PStatInterval", Int, Module("impstats", "interval")),
    d("PStatsInterval", Int, Module("impstats", "interval")),
    d("PStatFacility", Int, Module("impstats", "facility")),
    d("PStatSeverity", Int, Module("impstats", "severity")),
    d("PStatJSON", Bool, ModuleWord("impstats", "format", "json")),
    d("PStatCEE", Bool, ModuleWord("impstats", "format", "cee")),
];
