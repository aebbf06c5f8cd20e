//! Log files that are rotated, cut and deleted while they are read, and a reader that is killed.

use std::fs;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::logger::Logger;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::outfile::OutFile;
use crate::cli::bench::fault::relay::Relay;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::rows::GRACE;
use crate::cli::bench::fault::rows::IDLE;
use crate::cli::bench::fault::rows::RATE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::STUCK;
use crate::cli::bench::fault::rows::into_file;
use crate::cli::bench::time::pause;

/// What a tailer reads at once, and so may read again after a kill, bytes.
const BATCH: usize = 256 << 10;
/// How long a program goes on with the file that was renamed, before it is told.
const LATE: Duration = Duration::from_millis(20);
/// The longest that a kill comes behind what it waits for, microseconds.
const MOMENT: u64 = 50_000;

/// A program that logs to a file, a relay that reads it, and the file that it writes.
struct Tail<'a> {
    run: &'a Run<'a>,
    site: Site,
    log: PathBuf,
    out: OutFile,
    logger: Logger,
    /// Lines that were written at the fault before.
    before: u64,
}

impl<'a> Tail<'a> {
    fn begin(run: &'a Run<'a>) -> Result<Self, BenchError> {
        let site = Site::new(run.program)?;
        let (log, out) = (site.path("app.log"), site.path("out"));
        // State as often as rsyslogd can be made to keep it without a loss of its rate.
        let input = format!(
            "module(load=\"imfile\")\n\
             input(type=\"imfile\" file=\"{}\" tag=\"log:\" addMetadata=\"off\"\n  \
             reopenOnTruncate=\"on\" persistStateInterval=\"1000\")\n\
             template(name=\"line\" type=\"string\" string=\"%msg%\\n\")\n",
            log.display(),
        );
        let config = into_file(&site, &out, "line").replacen("action(", &(input + "action("), 1);
        site.configure(&config)?;
        let logger = Logger::start(&log, run.messages, run.rate(RATE))?;
        let out = OutFile::make(&out)?;
        Ok(Self { run, site, log, out, logger, before: 0 })
    }

    /// Waits until the share of the lines that comes before the fault number `time` is there, and
    /// the first one behind the fault before; the share behind it is being written then.
    fn until(&mut self, time: u64) -> Result<(), BenchError> {
        let share = |time| self.run.messages * time / (self.run.times + 1);
        self.logger.allow(share(time + 1));
        self.out.wait(share(time).max(self.before + 1), STUCK)?;
        self.before = self.logger.written();
        Ok(())
    }

    fn rename(&self, time: u64) -> Result<(), BenchError> {
        let to = self.site.path(&format!("app.log.{time}"));
        fs::rename(&self.log, &to).map_err(|error| BenchError::io(to.display(), error))
    }

    /// The number of the file that has the name; 0 for none.
    fn inode(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |file| file.ino())
    }

    fn delete(&self) -> Result<(), BenchError> {
        fs::remove_file(&self.log).map_err(|error| BenchError::io(self.log.display(), error))
    }

    /// Stops the relay, deletes the file, lets the program make it anew, and starts the relay.
    fn delete_while_down(&mut self, relay: Relay) -> Result<Relay, BenchError> {
        let mut file = self.logger.held();
        // What is deleted unread while nobody looks is lost to everybody.
        self.out.wait(self.logger.written(), STUCK)?;
        relay.stop(GRACE)?;
        self.delete()?;
        // Its number is free when nobody has it open.
        let none = File::open("/dev/null").map_err(|error| BenchError::io("/dev/null", error))?;
        drop(std::mem::replace(&mut *file, none));
        self.logger.reopen_held(&mut file)?;
        drop(file);
        pause(LATE);
        self.site.start()
    }

    /// Waits for what is written, ends the relay and makes up the books.
    fn end(mut self, relay: Relay, bounds: Bounds) -> Result<End, BenchError> {
        let sent = self.logger.finish(self.run.patience())?;
        self.out.wait(sent, IDLE)?;
        relay.stop(GRACE)?;
        Ok(self.run.judge_books(sent, &self.out.close()?, bounds))
    }
}

/// Renamed and made anew; the program that logs goes on with the old one for a moment.
pub(super) fn renamed(run: &Run<'_>) -> Result<End, BenchError> {
    let mut tail = Tail::begin(run)?;
    let relay = tail.site.start()?;
    for time in 1..=run.times {
        tail.until(time)?;
        tail.rename(time)?;
        pause(LATE);
        tail.logger.reopen()?;
    }
    let bounds = Bounds { note: format!("{} rotations", run.times), ..Bounds::exact() };
    tail.end(relay, bounds)
}

/// Copied and cut. What is not read by then is lost to everybody.
pub(super) fn cut(run: &Run<'_>) -> Result<End, BenchError> {
    let mut tail = Tail::begin(run)?;
    let relay = tail.site.start()?;
    let mut unread = 0;
    for time in 1..=run.times {
        tail.until(time)?;
        let file = tail.logger.held();
        let copy = tail.site.path(&format!("app.log.{time}"));
        fs::copy(&tail.log, &copy).map_err(|error| BenchError::io(copy.display(), error))?;
        file.set_len(0).map_err(|error| BenchError::io(tail.log.display(), error))?;
        tail.out.look()?;
        unread += tail.logger.written().saturating_sub(tail.out.received());
    }
    let bounds = Bounds {
        lost: unread,
        // The end of a line that was being read is gone: what there is of it comes.
        torn: run.times,
        note: format!("{} cuts, {unread} not yet out at them", run.times),
        ..Bounds::exact()
    };
    tail.end(relay, bounds)
}

/// Renamed and made anew while the relay is down.
pub(super) fn rotated_meanwhile(run: &Run<'_>) -> Result<End, BenchError> {
    let mut tail = Tail::begin(run)?;
    let mut relay = tail.site.start()?;
    for time in 1..=run.times {
        tail.until(time)?;
        relay.stop(GRACE)?;
        pause(LATE);
        tail.rename(time)?;
        tail.logger.reopen()?;
        pause(LATE);
        relay = tail.site.start()?;
    }
    let bounds = Bounds { note: format!("{} rotations", run.times), ..Bounds::exact() };
    tail.end(relay, bounds)
}

/// Deleted and made anew, by turns while the relay runs and while it is down, so that a new file
/// may have the number of the old one.
pub(super) fn deleted(run: &Run<'_>) -> Result<End, BenchError> {
    let mut tail = Tail::begin(run)?;
    let mut relay = tail.site.start()?;
    let mut again = 0;
    for time in 1..=run.times {
        tail.until(time)?;
        let before = tail.inode();
        if time % 2 == 0 {
            relay = tail.delete_while_down(relay)?;
        } else {
            let mut file = tail.logger.held();
            tail.delete()?;
            tail.logger.reopen_held(&mut file)?;
        }
        again += u64::from(tail.inode() == before);
    }
    let note = format!("{} times, {again} with the same number", run.times);
    tail.end(relay, Bounds { note, ..Bounds::exact() })
}

/// The relay is killed while it reads.
pub(super) fn killed(run: &Run<'_>) -> Result<End, BenchError> {
    let mut tail = Tail::begin(run)?;
    let mut unread = 0;
    for time in 1..=run.times {
        let relay = tail.site.start()?;
        tail.until(time)?;
        pause(Duration::from_micros(fastrand::u64(0..MOMENT)));
        relay.kill()?;
        tail.out.look()?;
        unread += u64::from(tail.out.received() < tail.logger.written());
    }
    let batch = tail.logger.lines_of(BATCH);
    let relay = tail.site.start()?;
    let mut bounds = Bounds { duplicated: Some(run.times * batch), ..Bounds::default() };
    bounds.note = format!(
        "{} kills, {unread} of them with lines unread; a batch has {batch} lines at most",
        run.times
    );
    bounds.require(unread > 0, || "nothing was unread at any kill".to_owned());
    tail.end(relay, bounds)
}
