//! Which queue each action has: its own, or what the ruleset's or the main queue means for it.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits::ACTION_QUEUE_BYTES_DEFAULT;
use crate::base::limits::DISK_SEGMENT_BYTES_DEFAULT;
use crate::base::reporter::Reporter;
use crate::config::ast::Object;
use crate::output::OutputSpec;
use crate::queue::Bounds;
use crate::queue::DiskSettings;
use crate::queue::Marks;
use crate::queue::Sender;
use crate::queue::Settings;
use crate::queue::Spool;
use crate::queue::SpoolSpec;
use crate::queue::SpoolStats;
use crate::rules::RulesetId;

/// An action's queue, ready to be opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct QueuePlan {
    pub(super) settings: Settings,
    /// Where its files are, and what their names begin with.
    pub(super) place: Option<(PathBuf, String)>,
    /// Room for what the output [gathers](OutputSpec::gathers), in bytes.
    pub(super) gathers: usize,
}

/// The queues of a configuration that are no action's.
#[derive(Debug, Default)]
pub(super) struct QueuePlans {
    pub(super) main: Option<Settings>,
    pub(super) rulesets: HashMap<RulesetId, Settings>,
    /// The ruleset that is being compiled.
    pub(super) here: RulesetId,
    /// Names of files that were made up.
    made: HashSet<String>,
}

impl QueuePlans {
    /// The queue of an action that stands in the ruleset at hand.
    pub(super) fn of(
        &mut self,
        spec: &OutputSpec,
        work_directory: Option<&str>,
        object: &Object,
        diags: &mut Diagnostics,
    ) -> QueuePlan {
        let own = &spec.common().queue;
        let asked = |settings: &&Settings| settings.wanted || settings.disk.is_some();
        let inherited = || {
            let ruleset = self.rulesets.get(&self.here).filter(asked);
            ruleset.or_else(|| self.main.as_ref().filter(asked))
        };
        let (settings, is_own) = match (asked(&own), inherited()) {
            (false, Some(inherited)) => (inherited.clone(), false),
            _ => (own.clone(), true),
        };
        let gathers = spec.gathers();
        let in_memory = |settings| QueuePlan { settings, place: None, gathers };
        let Some(disk) = &settings.disk else { return in_memory(settings) };
        let Some(folder) = disk.directory.as_deref().or(work_directory) else {
            let text = "the queue has a 'queue.filename' and no folder: it is kept in memory";
            let loc = object.param("queue.filename").map_or(object.loc, |param| param.value_loc);
            let complaint = Diagnostic::warning(loc, text);
            diags.push(complaint.help("add global(workDirectory=\"/var/spool/rsyslog\")"));
            return in_memory(settings);
        };
        let folder = PathBuf::from(folder);
        let name = if is_own { disk.name.clone() } else { self.name(&settings, spec) };
        QueuePlan { settings, place: Some((folder, name)), gathers }
    }

    /// The files of an action that shares a main or ruleset queue's settings. What they are called
    /// must not depend on how many actions stand before it: another run may find messages there,
    /// and must not send them elsewhere.
    fn name(&mut self, settings: &Settings, spec: &OutputSpec) -> String {
        let queue = settings.disk.as_ref().map_or("queue", |disk| &disk.name);
        let action = match &spec.common().name {
            Some(name) => name.clone(),
            None => {
                let file_name = spec.dyna_file().unwrap_or_default();
                let target =
                    format!("{}\0{}", spec.target(file_name), spec.template().unwrap_or(""));
                format!("{}-{:08x}", spec.module(), hash(target.as_bytes()))
            }
        };
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let base = format!("{queue}-{}", action.chars().map(safe).collect::<String>());
        let mut name = base.clone();
        let mut number = 1;
        while !self.made.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        name
    }
}

/// FNV-1a, which is the same in every version and on every machine.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl QueuePlan {
    /// The queue in memory. One that goes to disk is bounded by its marks.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            bytes: ACTION_QUEUE_BYTES_DEFAULT + self.gathers,
            messages: self.settings.size.unwrap_or(u64::MAX),
            pace: self.settings.pace.clone(),
        }
    }

    /// Puts the disk behind `queue`, where there is to be one: at once, or when `before`, which
    /// has the same files, has let go of them. That they cannot be had is said.
    pub(super) fn spool(
        &self,
        name: &Arc<str>,
        queue: &Sender,
        stats: &Arc<SpoolStats>,
        reporter: &Arc<dyn Reporter>,
        before: Option<Spool>,
    ) -> Option<Spool> {
        let (Some(disk), Some((directory, file))) = (&self.settings.disk, &self.place) else {
            return None;
        };
        let spec = SpoolSpec {
            name: name.clone(),
            directory: directory.clone(),
            file: file.clone(),
            segment_bytes: disk.segment.unwrap_or(DISK_SEGMENT_BYTES_DEFAULT),
            bytes_max: disk.space,
            marks: self.marks(disk),
            sync: disk.sync,
            save: disk.save,
            reporter: reporter.clone(),
            stats: stats.clone(),
        };
        match before {
            Some(before) => Spool::start_after(before, queue, spec).ok(),
            None => Spool::start(queue, spec).ok(),
        }
    }

    /// When the queue goes to disk: as it says, in messages, or before memory is full. What only
    /// waits in an output that works is no reason.
    fn marks(&self, disk: &DiskSettings) -> Marks {
        Marks {
            always: disk.always,
            high_bytes: ACTION_QUEUE_BYTES_DEFAULT / 10 * 9 + self.gathers,
            high_messages: disk.high.unwrap_or(u64::MAX),
            low_bytes: ACTION_QUEUE_BYTES_DEFAULT / 2 + self.gathers,
            low_messages: disk.low.unwrap_or(u64::MAX).max(1),
            waiting_bytes: ACTION_QUEUE_BYTES_DEFAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config;
    use crate::engine::build::Options;
    use crate::engine::build::compile;

    /// What files of a dynaFile gather is in memory whatever there is on disk: it leaves as much
    /// room for what comes as any other output has.
    #[test]
    fn what_is_gathered_takes_no_room_from_a_queue() {
        let queue = r#"queue.type="LinkedList" queue.filename="q""#;
        let text = format!(
            r#"global(workDirectory="/")
template(name="n" type="string" string="/x/%hostname%")
action(type="omfile" file="/x/one" {queue})
action(type="omfile" dynaFile="n" dynaFileCacheSize="400" {queue})
"#
        );
        let mut config = config::parse_sealed("t.conf", text.as_bytes());
        let hostname = "host".to_owned();
        let options = Options { hostname, no_dns: true, ipv4: false, ipv6: false };
        let plan = compile(&mut config, &options);
        let [one, many] = [0, 1].map(|n| {
            let action = &plan.actions[n];
            let marks = action.queue.marks(action.queue.settings.disk.as_ref().unwrap());
            let memory = [action.queue.bounds().bytes, marks.high_bytes, marks.low_bytes];
            memory.map(|bytes| bytes - action.spec.gathers())
        });
        assert!(plan.actions[1].spec.gathers() > one[2]);
        assert_eq!(many, one);
    }
}
