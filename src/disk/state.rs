//! The state file: two slots that are written in turn, so that one of them is always whole.

use std::io;
use std::io::IoSlice;
use std::path::Path;

use crate::disk::Files;
use crate::disk::files::read_full;
use crate::disk::files::write_all;
use crate::disk::format::BLOCK;
use crate::disk::format::SECOND_COPY;
use crate::disk::format::Slot;

#[derive(Debug)]
pub(super) struct State<F: Files> {
    file: F::File,
    generation: u64,
}

/// What the state file said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Where delivery was is known.
    Whole,
    /// There is none, as when a queue is new.
    Missing,
    /// Neither slot is whole.
    Broken,
}

/// The newer whole slot of a state file.
pub(super) fn load<F: Files>(files: &F, path: &Path) -> io::Result<(Found, Option<Slot>)> {
    let file = match files.open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Found::Missing, None)),
        Err(error) => return Err(error),
    };
    let mut newest: Option<Slot> = None;
    for at in [0, SECOND_COPY] {
        let mut block = [0; BLOCK];
        let read = read_full(files, &file, &mut block, at)?;
        let slot = Slot::from_bytes(&block[..read]);
        if let Some(slot) = slot
            && newest.is_none_or(|newest| newest.generation < slot.generation)
        {
            newest = Some(slot);
        }
    }
    let found = if newest.is_some() { Found::Whole } else { Found::Broken };
    Ok((found, newest))
}

impl<F: Files> State<F> {
    /// Opens it for writing, makes it where there is none, and writes `slot` into both places:
    /// their room on the disk is taken then, so that a full disk does not stop them.
    pub(super) fn open(files: &F, path: &Path, slot: Slot) -> io::Result<Self> {
        let file = match files.open(path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => files.create(path)?,
            other => other?,
        };
        let mut state = Self { file, generation: slot.generation };
        for _ in 0..2 {
            state.write(files, slot)?;
            // One after the other: the older one is whole until the newer one is on the disk.
            state.sync(files)?;
        }
        Ok(state)
    }

    /// Writes the next slot. A process that is killed leaves it behind; for a loss of power it
    /// takes a [`State::sync`].
    pub(super) fn write(&mut self, files: &F, slot: Slot) -> io::Result<()> {
        let generation = self.generation + 1;
        let block = Slot { generation, ..slot }.to_bytes();
        let at = (generation % 2) * SECOND_COPY;
        write_all(files, &self.file, &mut [IoSlice::new(&block)], at)?;
        self.generation = generation;
        Ok(())
    }

    /// Whether `path` is its name still.
    pub(super) fn is_at(&self, files: &F, path: &Path) -> io::Result<bool> {
        files.is_at(&self.file, path)
    }

    pub(super) fn sync(&self, files: &F) -> io::Result<()> {
        files.sync_data(&self.file)
    }
}
