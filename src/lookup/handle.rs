//! Tables by name while the relay runs, and how they are replaced.

use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::base::epoch::Epoch;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::lookup::Flaw;
use crate::lookup::Table;

/// One `lookup_table()`. Any thread may ask for it to be read again.
#[derive(Debug)]
pub struct Handle {
    name: Box<str>,
    file: Box<str>,
    reload_on_hup: bool,
    table: RwLock<Arc<Table>>,
    /// Of all tables.
    epoch: Epoch,
    /// What was asked for and not done yet.
    wanted: Arc<Wanted>,
}

/// A wish that a table be read again; the text says what it shall be if it cannot.
type Wish = (Arc<Handle>, Option<Box<[u8]>>);

/// Reloads that were asked for, at most one a table: the last one counts.
#[derive(Debug, Default)]
struct Wanted {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wishes: Vec<Wish>,
    stopped: bool,
}

impl Handle {
    /// `name` and `file` as `lookup_table()` gives them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The table as it is now. Takes a lock.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for the file to be read again, by the thread in [`Tables::serve`]; if that fails, the
    /// table says `stub` to every key, or stays what it is. (rsyslog `reload_lookup_table()`.)
    pub fn request(self: &Arc<Self>, stub: Option<&[u8]>) {
        self.wanted.add(self, stub);
    }

    fn replace(&self, table: Table) {
        let table = Arc::new(table);
        let mut place = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, table);
        drop(place);
        self.epoch.advance();
        // Freeing a large table takes time, which nobody should wait for.
        drop(old);
    }

    /// Reads the file again, here and now. A file that is no table leaves the old one in place, or
    /// `stub`. What is said of it is what rsyslogd says.
    pub fn reload(&self, stub: Option<&[u8]>, reporter: &dyn Reporter) {
        let (name, file) = (&self.name, &self.file);
        match Table::load(Path::new(&**file)) {
            Ok(table) => {
                for (text, _) in table.remarks().words(name) {
                    reporter.say(Level::Warning, text);
                }
                self.replace(table);
                let text = format!("lookup table '{name}' reloaded from file '{file}'");
                reporter.say(Level::Info, text);
            }
            Err(flaw) => {
                reporter.say(Level::Error, flaw.words(name, file));
                let text =
                    format!("lookup table '{name}' could not be reloaded from file '{file}'");
                reporter.say(Level::Error, text);
                if let Some(stub) = stub {
                    self.stub(stub, reporter);
                }
            }
        }
    }

    /// Makes the table say `text` to every key.
    fn stub(&self, text: &[u8], reporter: &dyn Reporter) {
        let (name, shown) = (&self.name, String::from_utf8_lossy(text));
        if self.table().is_stub_of(text) {
            let text = format!("lookup table '{name}' is already stubbed with value '{shown}'");
            reporter.say(Level::Warning, text);
            return;
        }
        reporter
            .say(Level::Warning, format!("stubbing lookup table '{name}' with value '{shown}'"));
        self.replace(Table::stub(text));
        let text = format!("lookup table '{name}' stubbed with value '{shown}'");
        reporter.say(Level::Warning, text);
    }
}

impl Wanted {
    fn add(&self, table: &Arc<Handle>, stub: Option<&[u8]>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.wishes.retain(|(other, _)| !Arc::ptr_eq(other, table));
        state.wishes.push((table.clone(), stub.map(Box::from)));
        drop(state);
        self.bell.notify_one();
    }

    /// Waits for what is to be done next; `None` after the stop.
    fn next(&self) -> Option<Wish> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if !state.wishes.is_empty() {
                return Some(state.wishes.remove(0));
            }
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// All tables of a configuration.
#[derive(Debug, Default)]
pub struct Tables {
    handles: Vec<Arc<Handle>>,
    epoch: Epoch,
    wanted: Arc<Wanted>,
}

impl Tables {
    /// Reads a table's file and enters it. A table that cannot be read is entered all the same,
    /// says nothing (an empty text) to every key, and may be read later: rsyslogd does so.
    /// Of two of one name the first counts; the second is not read.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn add(&mut self, name: &str, file: &str, reload_on_hup: bool) -> Result<Arc<Table>, Flaw> {
        if let Some(known) = self.get(name) {
            return Ok(known.table());
        }
        let read = Table::load(Path::new(file));
        let (table, flaw) = match read {
            Ok(table) => (table, None),
            Err(flaw) => (Table::stub(b""), Some(flaw)),
        };
        let table = Arc::new(table);
        self.handles.push(Arc::new(Handle {
            name: name.into(),
            file: file.into(),
            reload_on_hup,
            table: RwLock::new(table.clone()),
            epoch: self.epoch.clone(),
            wanted: self.wanted.clone(),
        }));
        flaw.map_or(Ok(table), Err)
    }

    /// The table called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Handle>> {
        self.handles.iter().find(|handle| &*handle.name == name)
    }

    /// Changes whenever one of the tables was replaced.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// SIGHUP: asks for those that want it to be read again.
    pub fn hup(&self) {
        for handle in self.handles.iter().filter(|handle| handle.reload_on_hup) {
            handle.request(None);
        }
    }

    /// Reads tables again as it is asked for, until [`Self::stop`]. Wants a thread of its own: a
    /// large table takes a second, and what reads the file may hang.
    pub fn serve(&self, reporter: &dyn Reporter) {
        while let Some((handle, stub)) = self.wanted.next() {
            handle.reload(stub.as_deref(), reporter);
        }
    }

    /// Ends [`Self::serve`].
    pub fn stop(&self) {
        let mut state = self.wanted.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        // What waits holds on to the tables, and they to it.
        state.wishes.clear();
        drop(state);
        self.wanted.bell.notify_all();
    }
}
