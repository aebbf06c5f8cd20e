//! The parts of a chunk, each for one file.

use crate::base::num::count;
use crate::base::num::len32;
use crate::output::file::Rotation;
use crate::queue::Chunk;

/// A part of a chunk that goes to one file.
pub(super) struct Segment<'a> {
    pub(super) name: &'a [u8],
    /// Where it ends, in bytes.
    pub(super) end: usize,
    pub(super) messages: u64,
}

/// The part of `chunk` from `offset` on that goes to one file: to `fixed`, or to the name of the
/// run that `offset` is in, which is `run` or behind it.
pub(super) fn segment<'a>(
    chunk: &'a Chunk,
    offset: usize,
    run: &mut usize,
    fixed: Option<&'a [u8]>,
) -> Segment<'a> {
    let through = |offset: usize| chunk.ends.partition_point(|end| *end as usize <= offset);
    if let Some(name) = fixed {
        let messages = count(chunk.len() - through(offset));
        return Segment { name, end: chunk.bytes.len(), messages };
    }
    let start = |message: u32| {
        (message as usize).checked_sub(1).map_or(0, |before| chunk.ends[before] as usize)
    };
    let (behind, end) = loop {
        let Some(next) = chunk.runs.get(*run + 1) else {
            break (len32(chunk.len()), chunk.bytes.len());
        };
        let end = start(next.first);
        if end > offset {
            break (next.first, end);
        }
        *run += 1;
    };
    let current = chunk.runs.get(*run);
    let first = match current {
        Some(current) if start(current.first) == offset => current.first,
        _ => len32(through(offset)),
    };
    Segment {
        name: current.map_or(&[], |current| current.name),
        end,
        messages: u64::from(behind - first),
    }
}

/// Ends `segment` where a file of `size` bytes has to be rotated: behind the message after the one
/// that brought it to its limit, as rsyslogd does. True if the file is full then.
pub(super) fn shorten(
    segment: &mut Segment<'_>,
    chunk: &Chunk,
    offset: usize,
    size: u64,
    rotation: &Rotation,
) -> bool {
    let room = usize::try_from(rotation.limit.saturating_sub(size)).unwrap_or(usize::MAX);
    // The message that reaches the limit, or the one behind it.
    let last = chunk.ends.partition_point(|end| {
        let end = *end as usize;
        end <= offset || end - offset < room
    });
    if let Some(end) = chunk.ends.get(last)
        && (*end as usize) <= segment.end
    {
        let end = *end as usize;
        let first = chunk.ends.partition_point(|end| *end as usize <= offset);
        segment.end = end;
        segment.messages = count(last + 1 - first);
    }
    room == 0
}
