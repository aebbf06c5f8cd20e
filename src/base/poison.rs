//! Messages that make a part of the program panic, which is a bug: they are kept as they were
//! received, in a file beside the queues, and the relay goes on with the next one.

use std::any::Any;
use std::fs::OpenOptions;
use std::future::poll_fn;
use std::io;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::limits::QUARANTINE_BYTES_MAX;
use crate::base::num::count;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;

/// What the file is called, in the work directory.
pub const FILE: &str = "bongsu-quarantine";
/// Messages that may wait to be written.
const WAITING: usize = 64;
/// It is said once in this time, with how many there were meanwhile.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes of a message that are shown when it is said.
const EXCERPT_BYTES: usize = 200;

/// Does `work`; if that panics, what the panic said. What `work` changes must be put right then,
/// or be right at every moment.
///
/// # Errors
/// If it panicked.
pub fn caught(work: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(&*panic))
}

/// Does `work`, which may wait; if that panics, what the panic said. All that it holds is dropped.
///
/// # Errors
/// If it panicked.
pub async fn survived(work: impl Future<Output = ()>) -> Result<(), String> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let mut polled = Poll::Pending;
        match caught(|| polled = work.as_mut().poll(cx)) {
            Ok(()) => polled.map(Ok),
            Err(why) => Poll::Ready(Err(why)),
        }
    })
    .await
}

/// What a panic said.
#[must_use]
pub fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// Where such messages are kept.
#[derive(Debug)]
pub struct Quarantine {
    /// `None`: there is no work directory, and they are counted and shown alone.
    path: Option<PathBuf>,
    reporter: Arc<dyn Reporter>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// To the thread that writes, once there is one.
    writer: Option<mpsc::SyncSender<Vec<u8>>>,
    said: Option<Instant>,
    unsaid: u64,
}

impl Quarantine {
    /// Keeps messages in a file of `folder`.
    #[must_use]
    pub fn new(folder: Option<&Path>, reporter: Arc<dyn Reporter>) -> Self {
        let path = folder.map(|folder| folder.join(FILE));
        Self { path, reporter, state: Mutex::default() }
    }

    /// Takes a message, as it was received, that made `stage` panic with the words `why`. Waits for
    /// nothing: it is written by a thread of its own.
    pub fn keep(&self, stage: &str, raw: &[u8], why: &str) {
        let mut state = self.lock();
        let kept = match &self.path {
            None => "there is no work directory to keep it in".to_owned(),
            Some(path) => match self.write(&mut state, path, record(stage, raw, why)) {
                Ok(()) => format!("it is kept in '{}'", path.display()),
                Err(error) => format!("it cannot be kept in '{}': {error}", path.display()),
            },
        };
        let now = clock::monotonic();
        if state.said.is_some_and(|at| now.duration_since(at) < PAUSE) {
            state.unsaid += 1;
            return;
        }
        state.said = Some(now);
        let more = std::mem::take(&mut state.unsaid);
        drop(state);
        let more = if more > 0 { format!(", and {more} more before") } else { String::new() };
        let excerpt = raw.get(..raw.len().min(EXCERPT_BYTES)).unwrap_or_default().escape_ascii();
        let text = format!(
            "a message was set aside that made {stage} panic{more}: {why}; {kept}; this is a bug: \
             {excerpt}"
        );
        self.reporter.say(Level::Error, text);
    }

    fn write(&self, state: &mut State, path: &Path, record: Vec<u8>) -> io::Result<()> {
        let writer = match &state.writer {
            Some(writer) => writer,
            None => state.writer.insert(self.start(path.to_owned())?),
        };
        writer.try_send(record).map_err(|_| io::Error::other("the file is too slow, or full"))
    }

    fn start(&self, path: PathBuf) -> io::Result<mpsc::SyncSender<Vec<u8>>> {
        let (writer, records) = mpsc::sync_channel::<Vec<u8>>(WAITING);
        let reporter = self.reporter.clone();
        thread::Builder::new().name("quarantine".to_owned()).spawn(move || {
            for record in records {
                if let Err(error) = append(&path, &record) {
                    let text = format!("quarantine: '{}': {error}", path.display());
                    reporter.say(Level::Error, text);
                    // Whoever sends more is told by the closed channel.
                    return;
                }
            }
        })?;
        Ok(writer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line that says what it is and how long, the message as it was received, and a line feed.
fn record(stage: &str, raw: &[u8], why: &str) -> Vec<u8> {
    let seconds = clock::wall().secs;
    let why = why.replace(['\n', '\r'], " ");
    let mut record =
        format!("# {seconds} bytes={} stage={stage} panic={why}\n", raw.len()).into_bytes();
    record.extend_from_slice(raw);
    record.push(b'\n');
    record
}

fn append(path: &Path, record: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.len() + count(record.len()) > QUARANTINE_BYTES_MAX {
        let text = format!("it has {QUARANTINE_BYTES_MAX} bytes: no more is kept until a restart");
        return Err(io::Error::other(text));
    }
    file.write_all(record)
}

/// Panics if this is a debug build, `BONGSU_TEST_PANIC` is `STAGE:TEXT` for this stage, and TEXT is
/// in the message: so that tests can see what a panic in the middle of the work does. There is no
/// such thing in what is released.
#[inline]
#[cfg_attr(not(debug_assertions), expect(clippy::missing_const_for_fn, reason = "does nothing"))]
pub fn test_panic(stage: &str, message: &[u8]) {
    #[cfg(debug_assertions)]
    assert!(!is_asked(stage, message), "as {stage} was asked to");
    #[cfg(not(debug_assertions))]
    let _ = (stage, message);
}

/// The same the first time alone: what is made anew comes through.
#[inline]
#[cfg_attr(not(debug_assertions), expect(clippy::missing_const_for_fn, reason = "does nothing"))]
pub fn test_panic_once(stage: &str, message: &[u8]) {
    #[cfg(debug_assertions)]
    {
        use std::sync::atomic::AtomicBool;
        use std::sync::atomic::Ordering;
        static DONE: AtomicBool = AtomicBool::new(false);
        let due = is_asked(stage, message) && !DONE.swap(true, Ordering::Relaxed);
        assert!(!due, "as {stage} was asked to");
    }
    #[cfg(not(debug_assertions))]
    let _ = (stage, message);
}

#[cfg(debug_assertions)]
fn is_asked(stage: &str, message: &[u8]) -> bool {
    use std::sync::LazyLock;
    static ASKED: LazyLock<Option<(String, String)>> = LazyLock::new(|| {
        let asked = std::env::var("BONGSU_TEST_PANIC").ok()?;
        asked.split_once(':').map(|(stage, text)| (stage.to_owned(), text.to_owned()))
    });
    ASKED.as_ref().is_some_and(|(of, text)| {
        of == stage && memchr::memmem::find(message, text.as_bytes()).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::reporter::Said;

    #[test]
    fn a_panic_has_words() {
        let n = 7;
        assert_eq!(caught(|| panic!("seven")), Err("seven".to_owned()));
        assert_eq!(caught(|| panic!("{n}")), Err("7".to_owned()));
        assert_eq!(caught(|| std::panic::panic_any(n)), Err("a panic without words".to_owned()));
        assert_eq!(caught(|| ()), Ok(()));
    }

    #[test]
    fn it_keeps_what_came_and_speaks_once() {
        let dir = tempfile::tempdir().unwrap();
        let said = Arc::new(Said::default());
        let quarantine = Quarantine::new(Some(dir.path()), said.clone());
        for raw in [b"<13>a\x00b".as_slice(), b"", b"# not a line of ours\n"] {
            quarantine.keep("parse", raw, "of\nno use");
        }
        let path = dir.path().join(FILE);
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        let deadline = clock::monotonic() + Duration::from_secs(20);
        while text().matches("panic=of no use\n").count() < 3 {
            assert!(clock::monotonic() < deadline, "{}", text());
            thread::yield_now();
        }
        assert!(text().contains(" bytes=7 stage=parse panic=of no use\n<13>a\x00b\n# "));
        let said = said.0.lock().unwrap();
        assert!(said.len() == 1 && said[0].contains("<13>a\\x00b"), "{said:?}");
    }

    #[test]
    fn the_file_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        append(&path, b"some").unwrap();
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(QUARANTINE_BYTES_MAX - 2)
            .unwrap();
        append(&path, b"ab").unwrap();
        assert!(append(&path, b"c").unwrap_err().to_string().contains("no more is kept"));
    }
}
