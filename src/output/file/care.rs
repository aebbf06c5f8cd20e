//! What is done to open files besides writing: closing, opening anew, rotating, giving up.

use std::io;

use crate::base::clock;
use crate::base::num::count;
use crate::output::Task;
use crate::output::file::FileTarget;
use crate::output::file::beneath;
use crate::output::file::desk::Desk;
use crate::output::file::desk::shown;
use crate::output::file::files::Slot;

impl Desk {
    /// What was pending has been dropped; `torn`: in the middle of a message.
    pub(super) fn forget(&mut self, torn: bool) {
        self.unsendable = 0;
        self.counted = 0;
        self.run = 0;
        // The next message begins a line of its own.
        if torn && let Some(slot) = self.files.newest() {
            if let Some(open) = self.files.get_mut(slot) {
                open.buffer.push(b'\n');
            }
            self.files.mark(slot);
        }
    }

    /// Keeps what of the first chunk may still wait in a buffer apart from the messages behind it,
    /// which may be given up now, or go to another action. It is delivered once its files have it.
    pub(super) fn keep_unsettled(&mut self) {
        let offset = self.pending.offset;
        let Some(chunk) = self.pending.chunks.front().filter(|_| offset > 0) else { return };
        let whole = chunk.ends.partition_point(|end| *end as usize <= offset);
        let Some(start) = whole.checked_sub(1).map(|last| chunk.ends[last] as usize) else {
            return;
        };
        if self.files.dirty_at(0).is_none() {
            return;
        }
        if let Some(first) = self.pending.chunks.cut_first(whole) {
            self.held += first.bytes.len();
            self.written.push((first, std::mem::take(&mut self.unsendable)));
        }
        self.pending.offset -= start;
        self.counted = self.counted.saturating_sub(start);
        self.run = 0;
    }

    /// Whether a part of a message is in the file, and the rest is pending.
    pub(super) fn is_torn(&self) -> bool {
        self.pending.chunks.front().is_some_and(|chunk| {
            let offset = self.pending.offset;
            offset > 0 && chunk.ends.binary_search_by(|end| (*end as usize).cmp(&offset)).is_err()
        })
    }

    /// Retries have run out: what waits in buffers is dropped as well.
    pub(super) fn give_up(&mut self, task: &Task) {
        for (chunk, _) in self.written.drain(..) {
            task.give_up(chunk, 0);
        }
        self.held = 0;
        self.held_since = None;
        self.flush_at = None;
        for slot in self.files.slots() {
            if let Some(open) = self.files.get_mut(slot) {
                let torn = open.is_torn();
                open.buffer.clear();
                open.done = 0;
                open.buffer.extend(torn.then_some(b'\n'));
            }
        }
    }

    pub(super) fn close(&mut self, slot: Slot, complaints: &mut Vec<String>) {
        let finished = self.finish(slot);
        let Some(mut open) = self.files.remove(slot) else { return };
        if let Err(e) = finished.and_then(|()| open.sink.close()) {
            complaints.push(format!("could not close {} in order: {e}", shown(&open.name)));
        }
    }

    pub(super) fn close_all(&mut self, complaints: &mut Vec<String>) {
        for slot in self.files.slots() {
            self.close(slot, complaints);
        }
    }

    /// Closes what nothing was written to for `closeTimeout`.
    pub(super) fn close_idle(&mut self, complaints: &mut Vec<String>) {
        let Some(most) = self.spec.close_after else { return };
        let now = clock::monotonic();
        let before = self.files.len();
        for slot in self.files.slots() {
            let idle = |used_at| now.saturating_duration_since(used_at) >= most;
            if self.files.get(slot).is_some_and(|open| open.buffer.is_empty() && idle(open.used_at))
            {
                self.close(slot, complaints);
            }
        }
        self.stats.cache.timed_out.add(count(before - self.files.len()));
    }

    /// Closes files, so that they are opened anew: they may have been rotated away. A line that was
    /// begun ends in the file that it began in, if that takes the rest now, or is still there.
    pub(super) fn reopen(&mut self, complaints: &mut Vec<String>) {
        self.unusable.clear();
        if let FileTarget::Dynamic { cache, .. } = self.spec.target {
            self.most = cache;
        }
        let torn = self.finish_line();
        let mut lost = false;
        for slot in self.files.slots() {
            let finished = self.finish(slot);
            let Some(open) = self.files.get_mut(slot) else { continue };
            let begun = torn == Some(slot);
            if (begun || !open.buffer.is_empty()) && beneath::is_still(&open.sink.file, &open.name)
            {
                continue;
            }
            if begun {
                self.pending.rewind();
            } else if finished.is_err() && !open.buffer.is_empty() {
                open.stale = true;
                open.rewind();
                continue;
            }
            if finished.is_err() && open.sink.compresses() {
                if open.sink.has_name() {
                    open.leaving = true;
                    self.files.mark(slot);
                    self.failed = true;
                    continue;
                }
                lost = true;
            }
            self.close(slot, complaints);
        }
        if lost {
            self.write_again();
        }
    }

    /// A compressor was lost, and with it what its file did not take: all that may be in there goes
    /// to the files that are opened next, once more to those that have it.
    fn write_again(&mut self) {
        for (chunk, _) in self.written.drain(..).rev() {
            self.pending.chunks.push_front(chunk);
        }
        self.pending.offset = 0;
        self.forget(false);
        self.held = 0;
        self.held_since = None;
        self.flush_at = None;
    }

    /// Ends the lines that were begun: who comes next writes their messages whole.
    pub(super) fn end_lines(&mut self) {
        let begun = if self.is_torn() { self.files.newest() } else { None };
        for slot in self.files.slots() {
            if let Some(open) = self.files.get_mut(slot)
                && (begun == Some(slot) || open.is_torn())
            {
                // As far as the file takes it.
                open.sink.write(b"\n").ok();
            }
        }
    }

    /// Writes the rest of a message of which the file has a part. The file, if it does not take it.
    fn finish_line(&mut self) -> Option<Slot> {
        if !self.is_torn() {
            return None;
        }
        let slot = self.files.newest()?;
        let chunk = self.pending.chunks.front()?;
        let offset = &mut self.pending.offset;
        let through = chunk.ends.partition_point(|end| (*end as usize) <= *offset);
        let end = *chunk.ends.get(through)? as usize;
        let open = self.files.get_mut(slot)?;
        while *offset < end {
            match open.sink.write(&chunk.bytes[*offset..end]) {
                Ok(n) => *offset += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Some(slot),
            }
        }
        None
    }

    /// Notes that a compressed file has reached its limit; of others it is known as they are
    /// written.
    pub(super) fn note_growth(&mut self, slot: Slot) {
        let Some(rotation) = &self.spec.rotation else { return };
        let Some(open) = self.files.get_mut(slot) else { return };
        if open.sink.compresses() && open.sink.measure().is_ok_and(|size| size >= rotation.limit) {
            self.due.push(open.name.clone());
        }
    }

    /// Has those files rotated that have reached their limit.
    pub(super) fn rotate(&mut self) -> Result<(), String> {
        while let Some(name) = self.due.pop() {
            let rotated = self.rotate_one(&name);
            if let Err(why) = rotated {
                let why = format!("cannot rotate {}: {why}", shown(&name));
                self.due.push(name);
                return Err(why);
            }
        }
        Ok(())
    }

    fn rotate_one(&mut self, name: &[u8]) -> Result<(), String> {
        if let Some((slot, _)) = self.files.find(name) {
            self.finish(slot).map_err(|e| e.to_string())?;
            if let Some(open) = self.files.get_mut(slot) {
                open.sink.close().map_err(|e| e.to_string())?;
            }
            self.files.remove(slot);
        }
        self.spec.rotation.as_ref().map_or(Ok(()), |rotation| rotation.run(name))
    }
}
