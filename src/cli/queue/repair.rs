//! `bongsu queue repair`

use std::fs;
use std::io;
use std::io::IoSlice;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::queue::Place;
use crate::cli::queue::described;
use crate::cli::queue::is_open;
use crate::cli::terminal;
use crate::disk::Files as _;
use crate::disk::Item;
use crate::disk::Log;
use crate::disk::Options;
use crate::disk::SEGMENT_BYTES_MAX;
use crate::disk::System;

/// Writes the records that are whole and not delivered into a new log, and puts that in the place
/// of the old one, whose files go into a folder. Nothing is deleted.
pub(super) fn repair(place: &Place) -> io::Result<ExitCode> {
    let name = place.name()?;
    let lock = place.directory.join(format!("{name}.lock"));
    let _lock = System.lock(&lock).map_err(|error| is_open(error, &name))?;
    let view = place.view(&name)?;
    let mut text = String::new();
    let new = free(&place.directory, &format!("{name}.repaired"))?;
    let largest = view.segments().iter().map(|segment| segment.bytes).max().unwrap_or(0);
    let options = Options {
        directory: new.clone(),
        name: name.clone(),
        segment_bytes: largest.clamp(16 << 20, SEGMENT_BYTES_MAX),
        bytes_max: None,
    };
    let (mut log, _) = Log::open(System, options)?;
    let (mut records, mut messages) = (0_u64, 0_u64);
    view.walk(&mut |item| {
        match item {
            Item::Record { messages: count, is_delivered: false, bytes, .. } => {
                log.append(&[IoSlice::new(bytes)], count)?;
                records += 1;
                messages += u64::from(count);
            }
            Item::Record { .. } => {}
            Item::Damage(damage) => text.push_str(&format!("{name}: {}\n", described(&damage))),
        }
        Ok(())
    })?;
    log.close()?;
    if text.is_empty() {
        fs::remove_dir_all(&new)?;
        terminal::write(&format!("{name}: no damage, nothing to repair\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let old = free(&place.directory, &format!("{name}.damaged"))?;
    move_files(&place.directory, &old, &name)?;
    move_files(&new, &place.directory, &name)?;
    fs::remove_dir_all(&new)?;
    System.sync_directory(&place.directory)?;
    text.push_str(&format!("{name}: kept {records} records with {messages} messages\n"));
    text.push_str(&format!("{name}: the old files are in {}\n", old.display()));
    terminal::write(&text);
    Ok(ExitCode::SUCCESS)
}

/// A new folder of this name, or of this name with a number.
fn free(directory: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = directory.join(name);
    for number in 2.. {
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
        path = directory.join(format!("{name}.{number}"));
    }
    Ok(path)
}

/// Moves a queue's segments, and then its state: without a state all of them are delivered.
fn move_files(from: &Path, to: &Path, name: &str) -> io::Result<()> {
    let state = format!("{name}.state");
    for file in System.list(from)? {
        let is_segment = file.to_str().is_some_and(|file| {
            let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            rest.and_then(|rest| rest.strip_suffix(".seg")).is_some_and(|number| {
                number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        });
        if is_segment || file.to_str() == Some(&state) {
            fs::rename(from.join(&file), to.join(&file))?;
        }
    }
    System.sync_directory(to)?;
    System.sync_directory(from)
}
