//! Many texts in one buffer, and finding one of them again.

use std::hash::BuildHasher;
use std::hash::RandomState;

use hashbrown::HashTable;

use crate::base::num::len32;

/// Texts by number, from 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each ends in `bytes`, and the next one begins.
    ends: Vec<u32>,
}

impl Texts {
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(len32(self.bytes.len()));
        len32(self.ends.len() - 1)
    }

    /// The text of that number; an empty one if there is none.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.ends.get(number).map_or(b"", |end| &self.bytes[start..*end as usize])
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Finds texts among [`Texts`].
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    numbers: HashTable<u32>,
    /// Drawn anew for each: nobody can write a table of texts that all meet.
    hasher: RandomState,
}

impl Index {
    #[inline]
    pub(super) fn find(&self, text: &[u8], texts: &Texts) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.numbers.find(hash, |number| texts.get(*number) == text).copied()
    }

    /// Enters the text `number`, which is not there yet.
    pub(super) fn insert(&mut self, number: u32, texts: &Texts) {
        let hash = |number: &u32| self.hasher.hash_one(texts.get(*number));
        self.numbers.insert_unique(hash(&number), number, hash);
    }

    pub(super) fn shrink(&mut self, texts: &Texts) {
        self.numbers.shrink_to_fit(|number| self.hasher.hash_one(texts.get(*number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again() {
        let mut texts = Texts::default();
        let mut index = Index::default();
        for n in 0..1000 {
            let number = texts.push(format!("text {n}").as_bytes());
            index.insert(number, &texts);
        }
        index.shrink(&texts);
        assert_eq!(texts.len(), 1000);
        assert_eq!(texts.get(0), b"text 0");
        assert_eq!(index.find(b"text 777", &texts), Some(777));
        assert_eq!(index.find(b"text", &texts), None);
    }
}
