//! Which messages of a chunk go to which dynamic name (`dynaFile`).

use crate::base::num::len32;

/// Consecutive messages for one name, up to the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    pub name: &'a [u8],
    /// Index of the first message.
    pub first: u32,
}

/// The runs of a chunk, in the order of their messages. Where names change with each message there
/// are as many runs: all names are in one buffer, so that none of them is an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    names: Vec<u8>,
    places: Vec<Place>,
}

/// One run: where its name ends in `names`, and its first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    end: u32,
    first: u32,
}

impl Runs {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<Run<'_>> {
        let place = self.places.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.places[before].end);
        Some(Run { name: &self.names[start as usize..place.end as usize], first: place.first })
    }

    pub fn iter(&self) -> impl Iterator<Item = Run<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Has the messages from `first` on go to the name that `write` appends to a buffer: a run of
    /// its own, unless that is the name of the last one.
    #[inline]
    pub fn go_on(&mut self, first: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.names.len();
        write(&mut self.names);
        match self.get(self.len().wrapping_sub(1)) {
            Some(last) if *last.name == self.names[start..] => self.names.truncate(start),
            _ => self.places.push(Place { end: len32(self.names.len()), first }),
        }
    }

    /// Begins a run, whatever the name of the last one.
    pub fn push(&mut self, run: Run<'_>) {
        self.names.extend_from_slice(run.name);
        self.places.push(Place { end: len32(self.names.len()), first: run.first });
    }

    /// Keeps the first so many messages, and nothing of a name that was not written to its end.
    pub fn truncate(&mut self, messages: usize) {
        let runs = self.places.partition_point(|place| (place.first as usize) < messages);
        self.places.truncate(runs);
        self.names.truncate(self.places.last().map_or(0, |last| last.end as usize));
    }

    /// The runs of so many messages from `first` on, as if they stood alone.
    #[must_use]
    pub fn part(&self, first: usize, messages: usize) -> Self {
        let begin = self.places.partition_point(|place| place.first as usize <= first);
        let end = self.places.partition_point(|place| (place.first as usize) < first + messages);
        let mut part = Self::default();
        for run in (begin.saturating_sub(1)..end).filter_map(|index| self.get(index)) {
            part.push(Run { first: run.first.saturating_sub(len32(first)), ..run });
        }
        part
    }

    pub fn clear(&mut self) {
        self.names.clear();
        self.places.clear();
    }

    /// Bytes of all names.
    #[must_use]
    pub const fn names_len(&self) -> usize {
        self.names.len()
    }

    /// Bytes of memory in use.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.names.len() + size_of_val(self.places.as_slice())
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.names.capacity() + self.places.capacity() * size_of::<Place>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::prop_assert_eq;
    use proptest::proptest;

    use super::*;

    /// Each message's name, as it would be kept without runs.
    fn each(runs: &Runs, messages: usize) -> Vec<&[u8]> {
        let name = |message| runs.iter().filter(|run| run.first as usize <= message).last();
        (0..messages).filter_map(|message| name(message).map(|run| run.name)).collect()
    }

    proptest! {
        #[test]
        fn each_message_has_its_name(
            names in vec("[ab]{0,2}", 0..20),
            broken in "[ab]{0,2}",
            first in 0_usize..20,
            messages in 0_usize..20,
        ) {
            let mut runs = Runs::default();
            for (message, name) in names.iter().enumerate() {
                runs.go_on(len32(message), |to| to.extend_from_slice(name.as_bytes()));
            }
            let plain: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            prop_assert_eq!(each(&runs, plain.len()), &plain[..]);
            let changes = names.windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert_eq!(runs.len(), changes + usize::from(!names.is_empty()));

            let first = first.min(names.len());
            let messages = messages.min(names.len() - first);
            let part = runs.part(first, messages);
            prop_assert_eq!(each(&part, messages), &plain[first..first + messages]);

            runs.names.extend_from_slice(broken.as_bytes());
            runs.truncate(messages);
            prop_assert_eq!(each(&runs, messages), &plain[..messages]);
            prop_assert_eq!(runs.names_len(), runs.iter().map(|run| run.name.len()).sum::<usize>());
        }
    }
}
