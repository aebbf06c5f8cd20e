//! What holds for the whole relay, and for what stands behind.

use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form::Bool;
use crate::config::legacy::table::Form::Int;
use crate::config::legacy::table::Form::Line;
use crate::config::legacy::table::Form::Mode;
use crate::config::legacy::table::Form::Size;
use crate::config::legacy::table::Form::Word;
use crate::config::legacy::table::Target;
use crate::config::legacy::table::Target::Global;
use crate::config::legacy::table::Target::Ignored;
use crate::config::legacy::table::d;

const DEBUG_AID: &str = "the debug output of rsyslog's configuration parser does not exist here";

pub(super) static DIRECTIVES: &[Directive] = &[
    d("ModLoad", Word, Target::ModLoad),
    d("Template", Line, Target::Template),
    d("IncludeConfig", Word, Target::IncludeConfig),
    d("RuleSet", Word, Target::RuleSet),
    d("RulesetCreateMainQueue", Bool, Target::RulesetCreateMainQueue),
    d("RulesetParser", Word, Target::RulesetParser),
    d("ResetConfigVariables", Line, Target::ResetConfigVariables),
    d("OutChannel", Line, Target::OutChannel),
    d("ModDir", Word, Ignored("all modules are built in")),
    d("AllowedSender", Line, Target::AllowedSender),
    d("AbortOnUncleanConfig", Bool, Global("abortOnUncleanConfig")),
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
    d("Sleep", Int, Ignored("the start does not wait")),
    d("Umask", Mode, Global("umask")),
    d("WorkDirectory", Word, Global("workDirectory")),
];
