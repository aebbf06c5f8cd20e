//! Any action: when it runs, and its queue; the main queue.

use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form::Bool;
use crate::config::legacy::table::Form::Int;
use crate::config::legacy::table::Form::Size;
use crate::config::legacy::table::Form::Word;
use crate::config::legacy::table::Target::Global;
use crate::config::legacy::table::Target::Later;
use crate::config::legacy::table::Target::MainQueue;
use crate::config::legacy::table::Target::Next;
use crate::config::legacy::table::d;

pub(super) static DIRECTIVES: &[Directive] = &[
    d("ActionExecOnlyEveryNthTime", Int, Next("action.execOnlyEveryNthTime")),
    d("ActionExecOnlyEveryNthTimeTimeout", Int, Next("action.execOnlyEveryNthTimeTimeout")),
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
    d("RepeatedMsgReduction", Bool, Global("repeatedMsgReduction")),
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
];
