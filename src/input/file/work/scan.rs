//! Which files there are: looks through directories, and has them watched.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::input::file::container::Container;
use crate::input::file::identity::HEAD_BYTES;
use crate::input::file::identity::Head;
use crate::input::file::identity::Identity;
use crate::input::file::identity::Look;
use crate::input::file::pattern::Name;
use crate::input::file::pattern::Paths;
use crate::input::file::split::Position;
use crate::input::file::store::Known;
use crate::input::file::tail;
use crate::input::file::tail::Leaving;
use crate::input::file::tail::Tail;
use crate::input::file::work::Work;
use crate::input::file::work::rotated::name_before;

/// Directories that one input watches at most.
const DIRECTORIES_MAX: usize = 65_536;
/// Files that one input reads at most.
const FILES_MAX: usize = 100_000;

/// A directory that is watched.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// For which of the input's paths, and how many of its names lead here.
    roles: Vec<(usize, usize)>,
    /// Links elsewhere that lead to a file in here.
    links: Vec<PathBuf>,
}

impl Work {
    /// Looks at everything.
    pub(super) fn look(&mut self) {
        let spec = self.job.spec.clone();
        let mut found = Vec::new();
        for (number, paths) in spec.paths.iter().enumerate() {
            self.descend(&paths.base, number, 0, &mut found);
        }
        if spec.is_cri() {
            // What was rotated away comes before what has its name now.
            found.sort_by_cached_key(|path| match name_before(path) {
                Some(before) => (before, false, path.clone()),
                None => (path.clone(), true, PathBuf::new()),
            });
        } else if spec.sorts {
            found.sort();
        }
        for path in &found {
            self.discover(path);
        }
        for index in 0..self.tails.len() {
            self.check_place(index);
        }
        if self.starting && spec.says_not_found {
            for path in spec.paths.iter().filter_map(Paths::fixed) {
                if !found.contains(&path) {
                    let text =
                        format!("imfile: no file {}: it is read when it is there", path.display());
                    self.job.reporter.say(Level::Error, text);
                }
            }
        }
    }

    /// Finds the files of a path in `directory`, to which its first `level` names lead.
    fn descend(&mut self, directory: &Path, number: usize, level: usize, out: &mut Vec<PathBuf>) {
        self.watch(directory, Some((number, level)));
        let spec = self.job.spec.clone();
        let Some(paths) = spec.paths.get(number) else { return };
        let Some(name) = paths.names.get(level) else { return };
        let last = level + 1 == paths.names.len();
        let mut visit = |work: &mut Self, path: PathBuf| {
            if !last {
                if path.is_dir() {
                    work.descend(&path, number, level + 1, out);
                }
            } else if out.len() < FILES_MAX && path.symlink_metadata().is_ok() {
                out.push(path);
            }
        };
        if let Name::Fixed(name) = name {
            return visit(self, directory.join(&**name));
        }
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.tell(directory, &format!("cannot be looked through: {error}"));
                }
                return;
            }
        };
        for entry in entries.flatten().filter(|entry| name.is(&entry.file_name())) {
            visit(self, entry.path());
        }
    }

    /// Has a directory watched; of one that is not there, the one that it will come to be in.
    /// Returns the number of the watch.
    fn watch(&mut self, directory: &Path, role: Option<(usize, usize)>) -> Option<i32> {
        let watches = self.watches.as_ref()?;
        let max = match self.job.spec.watches_max {
            0 => DIRECTORIES_MAX,
            max => max.min(DIRECTORIES_MAX),
        };
        let watch = match watches.add(directory) {
            Ok(watch) => watch,
            Err(error) if error.kind() == io::ErrorKind::NotFound && role.is_some() => {
                let above = directory.parent().filter(|above| !above.as_os_str().is_empty())?;
                return self.watch(above, role.map(|(number, _)| (number, usize::MAX)));
            }
            Err(error) => {
                self.unwatched = true;
                if error.kind() != io::ErrorKind::NotADirectory {
                    let text = format!("cannot be watched, and is looked at now and then: {error}");
                    self.tell(directory, &text);
                }
                return None;
            }
        };
        if self.directories.len() >= max && !self.directories.contains_key(&watch) {
            self.unwatched = true;
            return None;
        }
        let known = self.directories.entry(watch).or_insert_with(|| Directory {
            path: directory.to_owned(),
            roles: Vec::new(),
            links: Vec::new(),
        });
        if let Some(role) = role.filter(|role| !known.roles.contains(role)) {
            known.roles.push(role);
        }
        Some(watch)
    }

    /// Something is in a watched directory that was not known: is it one of our files? `came` if it
    /// was not there before.
    pub(super) fn appeared(&mut self, watch: i32, name: &OsStr, came: bool) {
        let Some(directory) = self.directories.get(&watch) else { return };
        let path = directory.path.join(name);
        let (mut wanted, mut leads_on) = (false, false);
        for (number, level) in &directory.roles {
            let Some(paths) = self.job.spec.paths.get(*number) else { continue };
            if paths.names.get(*level).is_some_and(|pattern| pattern.is(name)) {
                wanted |= *level + 1 == paths.names.len();
                leads_on |= *level + 1 < paths.names.len();
            }
        }
        let links = directory.links.iter();
        let links: Vec<_> = links
            .filter(|link| fs::canonicalize(link).is_ok_and(|to| to.file_name() == Some(name)))
            .cloned()
            .collect();
        if wanted {
            self.discover(&path);
        }
        for link in links {
            self.discover(&link);
        }
        // A link to a directory: real ones are told of as such.
        if leads_on && came && path.is_dir() {
            self.look();
        }
    }

    /// Reads the file at `path` from now on, if it is one, and was not read before.
    pub(super) fn discover(&mut self, path: &Path) {
        if self.job.spec.is_cri() && Container::is_packed(path) {
            return;
        }
        let (file, look) = match self.open_new(path) {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.tell(path, &format!("is not read: {error}"));
                }
                return;
            }
            None => return,
        };
        let head = Head::of(&file, HEAD_BYTES).unwrap_or_default();
        let identity = Identity::new(&look, head);
        let place = self.place_of(path);
        // Whatever was called so before is finished first.
        if let Some(before) = self.by_place.get(&place).copied() {
            self.by_place.remove(&place);
            let file = self.tails.get(before).and_then(|tail| tail.as_ref()?.file.as_ref());
            let gone =
                file.and_then(|file| Look::at(file).ok()).is_some_and(|look| look.links == 0);
            self.leave(before, if gone { Leaving::Deleted } else { Leaving::Moved });
        }
        let (number, position) = self.position(path, &place, &look, &file, identity);
        let tail = Tail::new(number, Arc::from(path), identity, file, position);
        self.enter(tail.placed(place), look.key());
    }

    /// Opens what is at `path`, unless it is being read.
    fn open_new(&mut self, path: &Path) -> Option<io::Result<(fs::File, Look)>> {
        let look = match Look::path(path, true) {
            Ok(look) => look,
            Err(error) => return Some(Err(error)),
        };
        if let Some(index) = self.by_inode.get(&look.key()).copied() {
            if self.is_still(index, &look) {
                self.found_again(index, path);
                return None;
            }
            self.retire(index, Leaving::Deleted);
        }
        let age = clock::wall().secs.saturating_sub(look.modified);
        let age = u64::try_from(age).unwrap_or(0);
        let old = self.job.spec.ignore_older_than;
        if old > 0 && age > old {
            return None;
        }
        if self.by_inode.len() >= FILES_MAX {
            return Some(Err(io::Error::other(format!("there are more than {FILES_MAX} files"))));
        }
        Some(tail::open(path))
    }

    /// Whether a file is the one that `look` is at: its number is given to others once it is gone,
    /// unless it is open.
    fn is_still(&self, index: usize, look: &Look) -> bool {
        let Some(Some(tail)) = self.tails.get(index) else { return false };
        tail.file.is_some() || tail.identity.resembles(look)
    }

    /// A file that is being read was found at `path`.
    fn found_again(&mut self, index: usize, path: &Path) {
        let place = self.place_of(path);
        let Some(Some(tail)) = self.tails.get_mut(index) else { return };
        if *tail.path == *path {
            tail.leaving = None;
        }
        let before = std::mem::replace(&mut tail.place, place.clone());
        if before != place && self.by_place.get(&before) == Some(&index) {
            self.by_place.remove(&before);
        }
        let known = self.by_place.insert(place, index);
        if let Some(replaced) = known.filter(|known| *known != index) {
            self.leave(replaced, Leaving::Deleted);
        }
        // Whoever comes by here may have come because of a change.
        self.make_ready(index);
    }

    /// Where `path` leads to, as events will name it.
    fn place_of(&mut self, path: &Path) -> PathBuf {
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        let place = if is_link { fs::canonicalize(path) } else { Ok(path.to_owned()) };
        let Ok(place) = place else { return path.to_owned() };
        let Some((above, name)) = place.parent().zip(place.file_name()) else { return place };
        let watch = self.watch(above, None);
        let Some(directory) = watch.and_then(|watch| self.directories.get_mut(&watch)) else {
            return place;
        };
        if is_link && !directory.links.iter().any(|link| link == path) {
            directory.links.push(path.to_owned());
        }
        // It may be known by another path than this one.
        directory.path.join(name)
    }

    /// Where to begin with a file.
    fn position(
        &mut self,
        path: &Path,
        place: &Path,
        look: &Look,
        file: &fs::File,
        identity: Identity,
    ) -> (u32, Position) {
        let (spec, store) = (&self.job.spec, &self.job.store);
        let [path_text, place_text] = [path, place].map(|path| path.display().to_string());
        let known = Known { input: spec.key.clone(), path: path_text, place: place_text, identity };
        if let Some((number, position)) = store.find(&known, look, file) {
            if position.at <= look.size {
                return (number, position);
            }
            store.forget(number);
        }
        let old = self.foreign.position(look.inode, path, spec);
        let position = match old.filter(|old| old.at <= look.size) {
            Some(old) => old,
            None if spec.fresh_start_tail && self.starting => {
                Position { at: look.size, ..Position::default() }
            }
            None => Position::default(),
        };
        (store.add(known, position), position)
    }

    /// Enters a file, to be read.
    fn enter(&mut self, mut tail: Tail, key: (u64, u64)) {
        if self.job.spec.is_cri() {
            tail.container = Some(Arc::new(Container::of(&tail.path, &tail.place)));
        }
        let place = tail.place.clone();
        let index = self.free.pop().unwrap_or(self.tails.len());
        if index == self.tails.len() {
            self.tails.push(None);
        }
        if let Some(empty) = self.tails.get_mut(index) {
            *empty = Some(tail);
        }
        self.by_inode.insert(key, index);
        if let Some(before) = name_before(&place) {
            self.rotated_away(&before, index);
        }
        self.by_place.insert(place, index);
        self.open += 1;
        self.make_ready(index);
        if self.open > self.open_max {
            self.close_idle();
        }
    }

    /// Whether a file is still where it was; asked where the kernel has not said so.
    fn check_place(&mut self, index: usize) {
        let polled = self.watches.is_none() || self.unwatched;
        let Some(Some(tail)) = self.tails.get(index) else { return };
        if tail.leaving.is_some() {
            return;
        }
        let key = (tail.identity.device, tail.identity.inode);
        match Look::path(&tail.place, true) {
            Ok(look) if look.key() == key => {
                if polled || look.size != tail.splitter.next() {
                    self.make_ready(index);
                }
            }
            Ok(_) => self.leave(index, Leaving::Moved),
            Err(_) => {
                let links = tail.file.as_ref().and_then(|file| Look::at(file).ok());
                let deleted = links.is_some_and(|look| look.links == 0);
                let place = tail.place.clone();
                if self.by_place.get(&place) == Some(&index) {
                    self.by_place.remove(&place);
                }
                self.leave(index, if deleted { Leaving::Deleted } else { Leaving::Moved });
            }
        }
    }

    /// Files that were moved within their directory while nobody looked are read to their end,
    /// before those that have their names now.
    pub(super) fn find_rotated(&mut self) {
        let mut listings: HashMap<PathBuf, HashMap<u64, PathBuf>> = HashMap::new();
        let mut rotated = Vec::new();
        for (number, known, position) in self.job.store.absent(&self.job.spec.key) {
            let Some(directory) = Path::new(&known.place).parent() else { continue };
            let listing =
                listings.entry(directory.to_owned()).or_insert_with(|| inodes_in(directory));
            let place = listing.get(&known.identity.inode).cloned();
            match place.and_then(|place| Some((same_file(&place, &known, position)?, place))) {
                Some(((file, look), place)) => {
                    let identity = Identity { device: look.device, ..known.identity };
                    let path = Arc::from(Path::new(&known.path));
                    let tail = Tail::new(number, path, identity, file, position);
                    rotated.push((tail.placed(place), look));
                }
                // Its name goes on with another file, and it is nowhere.
                None if Path::new(&known.place).exists() => self.job.store.forget(number),
                None => {}
            }
        }
        // The oldest first, and all of them before the files that are not old.
        rotated.sort_by_key(|(_, look)| look.modified);
        let others = std::mem::take(&mut self.ready);
        for (tail, look) in rotated {
            if self.by_inode.contains_key(&look.key()) || look.size == tail.splitter.next() {
                continue;
            }
            self.job.store.keep(tail.number);
            self.enter(tail, look.key());
            if let Some(index) = self.by_inode.get(&look.key()).copied() {
                self.leave(index, Leaving::Moved);
            }
        }
        self.ready.extend(others);
    }
}

/// The files of a directory by their numbers.
fn inodes_in(directory: &Path) -> HashMap<u64, PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return HashMap::new() };
    entries.flatten().map(|entry| (entry.ino(), entry.path())).collect()
}

/// Opens what is at `place` if it is the file that is known.
fn same_file(place: &Path, known: &Known, position: Position) -> Option<(fs::File, Look)> {
    let (file, look) = tail::open(place).ok()?;
    let same = known.identity.resembles(&look)
        && known.identity.head.fits(&file).unwrap_or(false)
        && position.at <= look.size;
    same.then_some((file, look))
}
