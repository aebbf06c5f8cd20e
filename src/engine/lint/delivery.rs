//! Retries and queues: where a target that is down costs messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::base::diag::Loc;
use crate::base::diag::Severity::Note;
use crate::base::diag::Severity::Warning;
use crate::config::ast::Object;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;
use crate::engine::lint::survey::Action;
use crate::engine::lint::survey::is;
use crate::engine::lint::survey::on;

pub(super) static LINTS: &[&Lint] = &[
    &RETRY_LIMIT,
    &RETRY_UNSET,
    &NO_QUEUE,
    &ENQUEUE_TIMEOUT,
    &QUEUE_DISCARD,
    &QUEUE_NOT_SAVED,
    &QUEUE_NO_DIRECTORY,
    &QUEUE_NO_DISK_LIMIT,
    &QUEUE_FILE_TWICE,
];

static RETRY_LIMIT: Lint = Lint {
    id: "retry-limit",
    severity: Warning,
    what: "`action.resumeRetryCount` is 0 or more.",
    why: "After so many failed attempts the action's messages are dropped.",
    help: "action.resumeRetryCount=\"-1\" tries for as long as it takes",
};
static RETRY_UNSET: Lint = Lint {
    id: "retry-unset",
    severity: Note,
    what: "An action over the network has a queue, and no `action.resumeRetryCount`.",
    why: "rsyslog's default is 0: it empties the queue into nothing while the target is down. \
          Bongsu's is to try for ever.",
    help: "write action.resumeRetryCount=\"-1\" if rsyslog reads this, too",
};
static NO_QUEUE: Lint = Lint {
    id: "no-queue",
    severity: Note,
    what: "An action over the network has no queue.",
    why: "In rsyslog its messages are dropped, or all other actions wait, while the target is \
          down. Bongsu gives every action a queue in memory.",
    help: "if rsyslog reads this, too, add queue.type=\"LinkedList\" \
           action.resumeRetryCount=\"-1\", or before a line $ActionQueueType LinkedList and \
           $ActionResumeRetryCount -1",
};
static ENQUEUE_TIMEOUT: Lint = Lint {
    id: "enqueue-timeout",
    severity: Warning,
    what: "`queue.timeoutEnqueue` is 0.",
    why: "What does not fit into a full queue is dropped at once, where its input could wait.",
    help: "leave it out",
};
static QUEUE_DISCARD: Lint = Lint {
    id: "queue-discard",
    severity: Warning,
    what: "`queue.discardMark` or `queue.discardSeverity` is given.",
    why: "A queue that fills throws messages away, the less severe ones first.",
    help: "leave it out, and give the queue more room or a file",
};
static QUEUE_NOT_SAVED: Lint = Lint {
    id: "queue-not-saved",
    severity: Warning,
    what: "A queue has a file, and no `queue.saveOnShutdown`.",
    why: "What is still in its memory at a stop is lost, although there is a disk to keep it on.",
    help: "add queue.saveOnShutdown=\"on\"",
};
static QUEUE_NO_DIRECTORY: Lint = Lint {
    id: "queue-no-directory",
    severity: Warning,
    what: "A queue has a file, and there is no `workDirectory`.",
    why: "Its files go where the process happens to be: the root directory, or nowhere.",
    help: "add global(workDirectory=\"/var/spool/rsyslog\") or queue.spoolDirectory",
};
static QUEUE_NO_DISK_LIMIT: Lint = Lint {
    id: "queue-no-disk-limit",
    severity: Warning,
    what: "A queue has a file, and no `queue.maxDiskSpace`.",
    why: "While a target is down the queue takes all of the disk, and others fail with it.",
    help: "add queue.maxDiskSpace=\"1g\", or what the disk can spare",
};
static QUEUE_FILE_TWICE: Lint = Lint {
    id: "queue-file-twice",
    severity: Warning,
    what: "Two queues have the same `queue.filename`.",
    why: "They would write each other's files.",
    help: "give each queue a name of its own",
};

/// Outputs with a peer that may be down, besides omfwd.
const PEERS: &[&str] = &[
    "omamqp1",
    "omazureeventhubs",
    "omclickhouse",
    "omelasticsearch",
    "omgssapi",
    "omhdfs",
    "omhiredis",
    "omhttp",
    "omhttpfs",
    "omkafka",
    "omlibdbi",
    "ommail",
    "ommongodb",
    "ommysql",
    "ompgsql",
    "omrabbitmq",
    "omrelp",
];

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    for action in &survey.actions {
        retries(action, found);
    }
    let directory = survey.global("workDirectory").is_some();
    let mut files: HashMap<(String, String), Loc> = HashMap::new();
    for object in survey.queues() {
        limits(object, found);
        disk(object, directory, &mut files, found);
    }
}

/// Whether an action talks to somebody who may not answer.
fn has_peer(action: &Action<'_>) -> bool {
    match action.kind.as_str() {
        "omfwd" => action.object.text("protocol").is_some_and(|(protocol, _)| is(&protocol, "tcp")),
        kind => PEERS.contains(&kind),
    }
}

fn retries(action: &Action<'_>, found: &mut Findings<'_>) {
    let object = action.object;
    let retry = object.text("action.resumeRetryCount");
    if let Some((count, loc)) = &retry
        && let Ok(count) = count.trim().parse::<u32>()
    {
        let text = match count {
            0 => "a message that cannot be written at once is dropped".to_owned(),
            n => format!("after {n} failed attempts messages are dropped"),
        };
        found.add_in(&RETRY_LIMIT, object, *loc, text);
    }
    if !has_peer(action) {
        return;
    }
    let queue = object.text("queue.type").filter(|(kind, _)| !is(kind, "Direct"));
    let loc = object.text("type").map_or(object.loc, |(_, loc)| loc);
    match (queue, retry) {
        (None, None) if !action.queued => {
            let text = "without a queue and retries rsyslog drops this action's messages while \
                        its target is down";
            found.add_in(&NO_QUEUE, object, loc, text);
        }
        (None, Some(_)) if !action.queued => {
            let text = "without a queue all of rsyslog waits while this action's target is down";
            found.add_in(&NO_QUEUE, object, loc, text);
        }
        (queue, None) => {
            let loc = queue.map_or(loc, |(_, loc)| loc);
            let text = "without action.resumeRetryCount rsyslog drops what is queued while the \
                        target is down";
            found.add_in(&RETRY_UNSET, object, loc, text);
        }
        _ => {}
    }
}

fn limits(object: &Object, found: &mut Findings<'_>) {
    if let Some((value, loc)) = object.text("queue.timeoutEnqueue")
        && value.trim() == "0"
    {
        let text = "what finds this queue full is dropped at once";
        found.add_in(&ENQUEUE_TIMEOUT, object, loc, text);
    }
    let severity = object.text("queue.discardSeverity").filter(|(value, _)| value.trim() != "8");
    if let Some((_, loc)) = object.text("queue.discardMark").or(severity) {
        let text = "this queue discards messages before it is full";
        found.add_in(&QUEUE_DISCARD, object, loc, text);
    }
}

/// What a queue with a file needs.
fn disk(
    object: &Object,
    directory: bool,
    files: &mut HashMap<(String, String), Loc>,
    found: &mut Findings<'_>,
) {
    let Some((name, loc)) = object.text("queue.filename") else { return };
    let spool = object.text("queue.spoolDirectory").map(|(spool, _)| spool);
    let kind = object.text("queue.type").map(|(kind, _)| kind).unwrap_or_default();
    let saved = object.text("queue.saveOnShutdown").is_some_and(|(value, _)| on(&value));
    if !saved && !is(&kind, "Disk") {
        let text = "a stop loses what this queue has in memory";
        found.add_in(&QUEUE_NOT_SAVED, object, loc, text);
    }
    if spool.is_none() && !directory {
        let text = "there is no directory for the files of this queue";
        found.add_in(&QUEUE_NO_DIRECTORY, object, loc, text);
    }
    if object.param("queue.maxDiskSpace").is_none() {
        let text = "this queue may fill the disk";
        found.add_in(&QUEUE_NO_DISK_LIMIT, object, loc, text);
    }
    match files.entry((spool.unwrap_or_default(), name)) {
        Entry::Vacant(free) => _ = free.insert(loc),
        Entry::Occupied(taken) => {
            let line = found.line(&QUEUE_FILE_TWICE, loc, *taken.get());
            let text = format!("the queue of {line} has the same file name");
            found.add_in(&QUEUE_FILE_TWICE, object, loc, text);
        }
    }
}
