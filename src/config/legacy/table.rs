//! Every `$Directive` of rsyslog 8.2302 and what it is in the object form.

/// How a directive's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One word.
    Word,
    /// `on` or `off`, in lower case.
    Bool,
    /// A whole number, with separators allowed.
    Int,
    /// A number with k, m, g … behind it.
    Size,
    /// Octal, beginning with 0.
    Mode,
    /// Everything up to the end of the line.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    ModLoad,
    Template,
    IncludeConfig,
    RuleSet,
    RulesetCreateMainQueue,
    RulesetParser,
    ResetConfigVariables,
    OutChannel,
    /// `global(name="value")`.
    Global(&'static str),
    /// `main_queue(name="value")`; also the queue of `$RulesetCreateMainQueue`.
    MainQueue(&'static str),
    /// A parameter of the next legacy action alone.
    Next(&'static str),
    /// A parameter of all later legacy actions.
    Later(&'static str),
    /// A parameter of all later legacy actions of one type.
    LaterOf(&'static str, &'static str),
    /// A parameter of the next legacy action of one type.
    NextOf(&'static str, &'static str),
    /// `module(load="builtin:…" template="…")`, and the template of later legacy actions.
    DefaultTemplate(&'static str, &'static str),
    /// A parameter of a module that `$ModLoad` loaded.
    Module(&'static str, &'static str),
    /// The same, with `on` and `off` exchanged.
    ModuleNot(&'static str, &'static str),
    /// A parameter of all later listeners of a module.
    Listener(&'static str, &'static str),
    /// A parameter of the next listener of a module.
    NextListener(&'static str, &'static str),
    /// Makes a listener; its value is this parameter.
    Listen(&'static str, &'static str),
    /// Understood, and without effect here: says what happens instead.
    Ignored(&'static str),
    /// The same; `off` is nothing to speak of.
    IgnoredOn(&'static str),
    /// Refused: says what to write.
    Unsupported(&'static str),
}

pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) target: Target,
}

const fn d(name: &'static str, form: Form, target: Target) -> Directive {
    Directive { name, form, target }
}

use Form::Bool;
use Form::Int;
use Form::Line;
use Form::Mode;
use Form::Size;
use Form::Word;
use Target::DefaultTemplate;
use Target::Global;
use Target::Ignored;
use Target::IgnoredOn;
use Target::Later;
use Target::LaterOf;
use Target::Listen;
use Target::Listener;
use Target::MainQueue;
use Target::Module;
use Target::ModuleNot;
use Target::Next;
use Target::NextListener;
use Target::NextOf;
use Target::Unsupported;

const DEBUG_AID: &str = "the debug output of rsyslog's configuration parser does not exist here";

/// In the order of rsyslog's documentation: general, actions, queues, inputs.
pub(super) const DIRECTIVES: &[Directive] = &[
    d("ModLoad", Word, Target::ModLoad),
    d("Template", Line, Target::Template),
    d("IncludeConfig", Word, Target::IncludeConfig),
    d("RuleSet", Word, Target::RuleSet),
    d("RulesetCreateMainQueue", Bool, Target::RulesetCreateMainQueue),
    d("RulesetParser", Word, Target::RulesetParser),
    d("ResetConfigVariables", Line, Target::ResetConfigVariables),
    d("OutChannel", Line, Target::OutChannel),
    d("ModDir", Word, Ignored("all modules are built in")),
    // global()
    d("AbortOnUncleanConfig", Bool, Global("abortOnUncleanConfig")),
    d("AllowedSender", Line, Unsupported("let the firewall refuse them, or compare $fromhost-ip")),
    d("ControlCharacterEscapePrefix", Word, Global("parser.controlCharacterEscapePrefix")),
    d("DebugFile", Word, Global("debug.logFile")),
    d("DebugLevel", Int, Ignored(DEBUG_AID)),
    d("DebugPrintCFSyslineHandlerList", Bool, Ignored(DEBUG_AID)),
    d("DebugPrintModuleList", Bool, Ignored(DEBUG_AID)),
    d("DebugPrintTemplateList", Bool, Ignored(DEBUG_AID)),
    d("DefaultNetstreamDriver", Word, Global("defaultNetstreamDriver")),
    d("DefaultNetstreamDriverCAFile", Word, Global("defaultNetstreamDriverCAFile")),
    d("DefaultNetstreamDriverCertFile", Word, Global("defaultNetstreamDriverCertFile")),
    d("DefaultNetstreamDriverKeyFile", Word, Global("defaultNetstreamDriverKeyFile")),
    d("NetstreamDriverCaExtraFiles", Word, Global("netstreamDriverCaExtraFiles")),
    d("DefaultRuleset", Word, Global("defaultRuleset")),
    d("DropMsgsWithMaliciousDnsPTRRecords", Bool, Global("dropMsgsWithMaliciousDNSPtrRecords")),
    d("DropTrailingLFOnReception", Bool, Global("parser.dropTrailingLFOnReception")),
    d("ErrorMessagesToStderr", Bool, Ignored("complaints are always shown on the terminal")),
    d("Escape8BitCharactersOnReceive", Bool, Global("parser.escape8BitCharactersOnReceive")),
    d("EscapeControlCharactersOnReceive", Bool, Global("parser.escapeControlCharactersOnReceive")),
    d("EscapeControlCharacterTab", Bool, Global("parser.escapeControlCharacterTab")),
    d("SpaceLFOnReceive", Bool, Global("parser.spaceLFOnReceive")),
    d("GenerateConfigGraph", Word, Ignored("rsyslog itself draws no graph any more")),
    d("HUPisRestart", Bool, Ignored("a HUP signal always reopens files")),
    d("LocalHostIPIF", Word, Ignored("the host's own messages come from 127.0.0.1")),
    d("LocalHostName", Word, Global("localHostname")),
    d("LogRSyslogStatusMessages", Bool, Ignored("start and stop are always logged")),
    d("MaxMessageSize", Size, Global("maxMessageSize")),
    d("MaxOpenFiles", Int, Ignored("set the limit of the service, e.g. LimitNOFILE=")),
    d("OptimizeForUniprocessor", Bool, Ignored("there is nothing to choose")),
    d("PreserveFQDN", Bool, Global("preserveFQDN")),
    d("PrivDropToGroup", Word, Global("privdrop.group.name")),
    d("PrivDropToGroupID", Int, Global("privdrop.group.id")),
    d("PrivDropToUser", Word, Global("privdrop.user.name")),
    d("PrivDropToUserID", Int, Global("privdrop.user.id")),
    d("ProcessInternalMessages", Bool, Global("processInternalMessages")),
    d("Sleep", Int, Ignored("the start does not wait")),
    d("Umask", Mode, Global("umask")),
    d("WorkDirectory", Word, Global("workDirectory")),
    // any action
    d("ActionExecOnlyEveryNthTime", Int, Next("action.execOnlyEveryNthTime")),
    d("ActionExecOnlyEveryNthTimeTimeout", Int, Next("action.execOnlyEveryNthTimeTimeout")),
    d("ActionExecOnlyIfPreviousIsSuspended", Bool, Later("action.execOnlyWhenPreviousIsSuspended")),
    d("ActionExecOnlyOnceEveryInterval", Int, Later("action.execOnlyOnceEveryInterval")),
    d(
        "ActionExecOnlyWhenPreviousIsSuspended",
        Bool,
        Later("action.execOnlyWhenPreviousIsSuspended"),
    ),
    d("ActionName", Word, Next("name")),
    d("ActionResumeInterval", Int, Later("action.resumeInterval")),
    d("ActionResumeRetryCount", Int, Next("action.resumeRetryCount")),
    d("ActionWriteAllMarkMessages", Bool, Next("action.writeAllMarkMessages")),
    d("RepeatedMsgContainsOriginalMsg", Bool, Later("action.repeatedmsgcontainsoriginalmsg")),
    d("RepeatedMsgReduction", Bool, IgnoredOn("every message is written, none is summed up")),
    // the next action's queue
    d("ActionQueueCheckpointInterval", Int, Next("queue.checkpointInterval")),
    d("ActionQueueDequeueBatchSize", Int, Next("queue.dequeueBatchSize")),
    d("ActionQueueDequeueSlowdown", Int, Next("queue.dequeueSlowdown")),
    d("ActionQueueDequeueTimeBegin", Int, Next("queue.dequeueTimeBegin")),
    d("ActionQueueDequeueTimeEnd", Int, Next("queue.dequeueTimeEnd")),
    d("ActionQueueDiscardMark", Int, Next("queue.discardMark")),
    d("ActionQueueDiscardSeverity", Int, Next("queue.discardSeverity")),
    d("ActionQueueFileName", Word, Next("queue.filename")),
    d("ActionQueueHighWaterMark", Int, Next("queue.highWatermark")),
    d("ActionQueueImmediateShutdown", Bool, Ignored("a stop drains within its time limit")),
    d("ActionQueueLowWaterMark", Int, Next("queue.lowWatermark")),
    d("ActionQueueMaxDiskSpace", Size, Next("queue.maxDiskSpace")),
    d("ActionQueueMaxFileSize", Size, Next("queue.maxFileSize")),
    d("ActionQueueSaveOnShutdown", Bool, Next("queue.saveOnShutdown")),
    d("ActionQueueSize", Int, Next("queue.size")),
    d("ActionQueueSyncQueueFiles", Bool, Next("queue.syncQueueFiles")),
    d("ActionQueueTimeoutActionCompletion", Int, Next("queue.timeoutActionCompletion")),
    d("ActionQueueTimeoutEnqueue", Int, Next("queue.timeoutEnqueue")),
    d("ActionQueueTimeoutShutdown", Int, Next("queue.timeoutShutdown")),
    d("ActionQueueType", Word, Next("queue.type")),
    d("ActionQueueWorkerThreadMinimumMessages", Int, Next("queue.workerThreadMinimumMessages")),
    d("ActionQueueWorkerThreads", Int, Next("queue.workerThreads")),
    d("ActionQueueWorkerTimeoutThreadShutdown", Int, Next("queue.timeoutWorkerthreadShutdown")),
    // omfile
    d("ActionFileDefaultTemplate", Word, DefaultTemplate("builtin:omfile", "omfile")),
    d("ActionFileEnableSync", Bool, LaterOf("omfile", "sync")),
    d("CreateDirs", Bool, LaterOf("omfile", "createDirs")),
    d("DirCreateMode", Mode, LaterOf("omfile", "dirCreateMode")),
    d("DirGroup", Word, LaterOf("omfile", "dirGroup")),
    d("DirGroupNum", Int, LaterOf("omfile", "dirGroupNum")),
    d("DirOwner", Word, LaterOf("omfile", "dirOwner")),
    d("DirOwnerNum", Int, LaterOf("omfile", "dirOwnerNum")),
    d("DynaFileCacheSize", Int, LaterOf("omfile", "dynaFileCacheSize")),
    d("FailOnChownFailure", Bool, LaterOf("omfile", "failOnChownFailure")),
    d("FileCreateMode", Mode, LaterOf("omfile", "fileCreateMode")),
    d("FileGroup", Word, LaterOf("omfile", "fileGroup")),
    d("FileGroupNum", Int, LaterOf("omfile", "fileGroupNum")),
    d("FileOwner", Word, LaterOf("omfile", "fileOwner")),
    d("FileOwnerNum", Int, LaterOf("omfile", "fileOwnerNum")),
    d("OMFileAsyncWriting", Bool, LaterOf("omfile", "asyncWriting")),
    d("OMFileFlushInterval", Int, LaterOf("omfile", "flushInterval")),
    d("OMFileFlushOnTXEnd", Bool, LaterOf("omfile", "flushOnTXEnd")),
    d("OMFileIOBufferSize", Size, LaterOf("omfile", "ioBufferSize")),
    d("OMFileZipLevel", Int, LaterOf("omfile", "zipLevel")),
    d("OMFileForceChown", Bool, Ignored("rsyslog removed it, too")),
    // omfwd
    d("ActionForwardDefaultTemplate", Word, DefaultTemplate("builtin:omfwd", "omfwd")),
    d("ActionForwardDefaultTemplateName", Word, DefaultTemplate("builtin:omfwd", "omfwd")),
    d("ActionSendResendLastMsgOnReconnect", Bool, LaterOf("omfwd", "resendLastMsgOnReconnect")),
    d("ActionSendStreamDriver", Word, LaterOf("omfwd", "streamDriver")),
    d("ActionSendStreamDriverAuthMode", Word, LaterOf("omfwd", "streamDriverAuthMode")),
    d("ActionSendStreamDriverMode", Int, LaterOf("omfwd", "streamDriverMode")),
    d("ActionSendStreamDriverPermittedPeer", Word, LaterOf("omfwd", "streamDriverPermittedPeers")),
    d("ActionSendStreamDriverPermittedPeers", Word, LaterOf("omfwd", "streamDriverPermittedPeers")),
    d("ActionSendTCPKeepAlive", Bool, LaterOf("omfwd", "keepAlive")),
    d("ActionSendTCPKeepAlive_Intvl", Int, LaterOf("omfwd", "keepAlive.interval")),
    d("ActionSendTCPKeepAlive_Probes", Int, LaterOf("omfwd", "keepAlive.probes")),
    d("ActionSendTCPKeepAlive_Time", Int, LaterOf("omfwd", "keepAlive.time")),
    d("ActionSendTCPRebindInterval", Int, LaterOf("omfwd:tcp", "rebindInterval")),
    d("ActionSendUDPRebindInterval", Int, LaterOf("omfwd:udp", "rebindInterval")),
    d("ActionGSSForwardDefaultTemplate", Word, Unsupported("GSSAPI is not built in; use TLS")),
    d("GssForwardServiceName", Word, Unsupported("GSSAPI is not built in; use TLS")),
    d("GssMode", Word, Unsupported("GSSAPI is not built in; use TLS")),
    // other outputs
    d("ActionOMProgBinary", Line, NextOf("omprog", "binary")),
    d("ActionMailSMTPServer", Word, LaterOf("ommail", "server")),
    d("ActionMailSMTPPort", Word, LaterOf("ommail", "port")),
    d("ActionMailFrom", Word, LaterOf("ommail", "mailfrom")),
    d("ActionMailTo", Word, LaterOf("ommail", "mailto")),
    d("ActionMailSubject", Word, LaterOf("ommail", "subject.template")),
    d("ActionMailEnableBody", Bool, LaterOf("ommail", "body.enable")),
    d("OMUxSockSocket", Word, NextOf("omuxsock", "socket")),
    d("OMUxSockDefaultTemplate", Word, LaterOf("omuxsock", "template")),
    d("ActionOmmysqlServerPort", Int, LaterOf("ommysql", "serverport")),
    d("ActionOmrulesetRulesetName", Word, Unsupported("omruleset is gone; write 'call name'")),
    d("ActionOMStdoutArrayInterface", Bool, Ignored("it was for rsyslog's own tests")),
    d("ActionOMStdoutEnsureLFEnding", Bool, LaterOf("omstdout", "ensureLFEnding")),
    d("MMNormalizeRuleBase", Word, LaterOf("mmnormalize", "ruleBase")),
    d("MMNormalizeUseRawMsg", Bool, LaterOf("mmnormalize", "useRawMsg")),
    // the main queue
    d("MainMsgQueueCheckpointInterval", Int, MainQueue("queue.checkpointInterval")),
    d("MainMsgQueueDequeueBatchSize", Int, MainQueue("queue.dequeueBatchSize")),
    d("MainMsgQueueDequeueSlowdown", Int, MainQueue("queue.dequeueSlowdown")),
    d("MainMsgQueueDequeueTimeBegin", Int, MainQueue("queue.dequeueTimeBegin")),
    d("MainMsgQueueDequeueTimeEnd", Int, MainQueue("queue.dequeueTimeEnd")),
    d("MainMsgQueueDiscardMark", Int, MainQueue("queue.discardMark")),
    d("MainMsgQueueDiscardSeverity", Word, MainQueue("queue.discardSeverity")),
    d("MainMsgQueueFileName", Word, MainQueue("queue.filename")),
    d("MainMsgQueueHighWaterMark", Int, MainQueue("queue.highWatermark")),
    d("MainMsgQueueImmediateShutdown", Bool, Ignored("a stop drains within its time limit")),
    d("MainMsgQueueLowWaterMark", Int, MainQueue("queue.lowWatermark")),
    d("MainMsgQueueMaxDiskSpace", Size, MainQueue("queue.maxDiskSpace")),
    d("MainMsgQueueMaxFileSize", Size, MainQueue("queue.maxFileSize")),
    d("MainMsgQueueSaveOnShutdown", Bool, MainQueue("queue.saveOnShutdown")),
    d("MainMsgQueueSize", Int, MainQueue("queue.size")),
    d("MainMsgQueueSyncQueueFiles", Bool, MainQueue("queue.syncQueueFiles")),
    d("MainMsgQueueTimeoutActionCompletion", Int, MainQueue("queue.timeoutActionCompletion")),
    d("MainMsgQueueTimeoutEnqueue", Int, MainQueue("queue.timeoutEnqueue")),
    d("MainMsgQueueTimeoutShutdown", Int, MainQueue("queue.timeoutShutdown")),
    d("MainMsgQueueType", Word, MainQueue("queue.type")),
    d(
        "MainMsgQueueWorkerThreadMinimumMessages",
        Int,
        MainQueue("queue.workerThreadMinimumMessages"),
    ),
    d("MainMsgQueueWorkerThreads", Int, MainQueue("queue.workerThreads")),
    d(
        "MainMsgQueueWorkerTimeoutThreadShutdown",
        Int,
        MainQueue("queue.timeoutWorkerthreadShutdown"),
    ),
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
    d("InputUnixListenSocketAnnotate", Bool, NextListener("imuxsock", "annotate")),
    d("InputUnixListenSocketCreatePath", Bool, NextListener("imuxsock", "createPath")),
    d("InputUnixListenSocketFlowControl", Bool, NextListener("imuxsock", "flowControl")),
    d("InputUnixListenSocketHostName", Word, NextListener("imuxsock", "hostName")),
    d("InputUnixListenSocketIgnoreMsgTimestamp", Bool, NextListener("imuxsock", "ignoreTimestamp")),
    d("InputUnixListenSocketUsePIDFromSystem", Bool, NextListener("imuxsock", "usePIDFromSystem")),
    d("InputUnixListenSocketUseSysTimeStamp", Bool, NextListener("imuxsock", "useSysTimeStamp")),
    d("OmitLocalLogging", Bool, ModuleNot("imuxsock", "sysSock.use")),
    d("SystemLogFlowControl", Bool, Module("imuxsock", "sysSock.flowControl")),
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
    d("DebugPrintKernelSymbols", Bool, Ignored(DEBUG_AID)),
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
    d("MarkMessageText", Word, Module("immark", "markMessageText")),
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
    // inputs that are not built in
    d("Input3195ListenPort", Word, Unsupported("RFC 3195 is not built in; use imrelp")),
    d("InputGSSListenPortFileName", Word, Unsupported("GSSAPI is not built in; use TLS")),
    d("InputGSSServerKeepAlive", Bool, Unsupported("GSSAPI is not built in; use TLS")),
    d("InputGSSServerMaxSessions", Int, Unsupported("GSSAPI is not built in; use TLS")),
    d("InputGSSServerPermitPlainTCP", Bool, Unsupported("GSSAPI is not built in; use TLS")),
    d("InputGSSServerRun", Word, Unsupported("GSSAPI is not built in; use TLS")),
    d("InputGSSServerServiceName", Word, Unsupported("GSSAPI is not built in; use TLS")),
    d("IMSolarisLogSocketName", Word, Unsupported("imsolaris is for Solaris; use imuxsock")),
];

/// The directive of this name, in any letter case.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> =
            DIRECTIVES.iter().map(|directive| directive.name.to_ascii_lowercase()).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
