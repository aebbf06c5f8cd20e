//! Outputs, one module after the other.

use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form::Bool;
use crate::config::legacy::table::Form::Int;
use crate::config::legacy::table::Form::Mode;
use crate::config::legacy::table::Form::Size;
use crate::config::legacy::table::Form::Word;
use crate::config::legacy::table::Target::DefaultTemplate;
use crate::config::legacy::table::Target::Ignored;
use crate::config::legacy::table::Target::LaterOf;
use crate::config::legacy::table::Target::NextOf;
use crate::config::legacy::table::d;

pub(super) static DIRECTIVES: &[Directive] = &[
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
    d("ActionSendResendLastMsgOnReconnect", Bool, LaterOf("omfwd", "resendLastMsgOnReconnect")),
    d("ActionSendStreamDriver", Word, LaterOf("omfwd", "streamDriver")),
    d("ActionSendStreamDriverAuthMode", Word, LaterOf("omfwd", "streamDriverAuthMode")),
    d("ActionSendStreamDriverMode", Int, LaterOf("omfwd", "streamDriverMode")),
    d("ActionSendStreamDriverPermittedPeer", Word, LaterOf("omfwd", "streamDriverPermittedPeers")),
    d("ActionSendTCPKeepAlive", Bool, LaterOf("omfwd", "keepAlive")),
    d("ActionSendTCPKeepAlive_Intvl", Int, LaterOf("omfwd", "keepAlive.interval")),
    d("ActionSendTCPKeepAlive_Probes", Int, LaterOf("omfwd", "keepAlive.probes")),
    d("ActionSendTCPKeepAlive_Time", Int, LaterOf("omfwd", "keepAlive.time")),
    d("ActionSendTCPRebindInterval", Int, LaterOf("omfwd:tcp", "rebindInterval")),
    d("ActionSendUDPRebindInterval", Int, LaterOf("omfwd:udp", "rebindInterval")),
    // other outputs
    d("ActionOMProgBinary", Word, LaterOf("omprog", "binary")),
    d("ActionMailTo", Word, NextOf("ommail", "mailto")),
    d("ActionMailSubject", Word, LaterOf("ommail", "subject.template")),
    d("ActionMailSMTPServer", Word, LaterOf("ommail", "server")),
    d("ActionMailSMTPPort", Word, LaterOf("ommail", "port")),
    d("ActionMailFrom", Word, LaterOf("ommail", "mailfrom")),
    d("ActionMailEnableBody", Bool, LaterOf("ommail", "body.enable")),
    d("OMUxSockSocket", Word, NextOf("omuxsock", "socket")),
    d("OMUxSockDefaultTemplate", Word, LaterOf("omuxsock", "template")),
    d("ActionOMStdoutArrayInterface", Bool, Ignored("it was for rsyslog's own tests")),
    d("ActionOMStdoutEnsureLFEnding", Bool, LaterOf("omstdout", "ensureLFEnding")),
    d("MMNormalizeRuleBase", Word, LaterOf("mmnormalize", "ruleBase")),
    d("MMNormalizeUseRawMsg", Bool, LaterOf("mmnormalize", "useRawMsg")),
    d("MMNormalizeRule", Word, LaterOf("mmnormalize", "rule")),
];
