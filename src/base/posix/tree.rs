//! What a POSIX expression says, as glibc reads it.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The bytes that `wanted` tells.
    pub(super) fn of(wanted: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::default();
        (0..=u8::MAX).filter(|byte| wanted(*byte)).for_each(|byte| set.insert(byte));
        set
    }

    pub(super) const fn insert(&mut self, byte: u8) {
        self.0[byte as usize / 64] |= 1 << (byte % 64);
    }

    pub(super) const fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize / 64] >> (byte % 64) & 1 == 1
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(mine, other)| mine & other != 0)
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, other)| *mine |= other);
    }

    /// First and last byte of each run of bytes that are in the set.
    pub(super) fn runs(&self) -> Vec<(u8, u8)> {
        let mut runs: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| self.contains(*byte)) {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
                _ => runs.push((byte, byte)),
            }
        }
        runs
    }
}

/// What must hold between two bytes. The text is one line whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// `^` and `` \` ``.
    Start,
    /// `$` and `\'`.
    End,
    /// `\b`
    WordEdge,
    /// `\B`
    NoWordEdge,
    /// `\<`
    WordStart,
    /// `\>`
    WordEnd,
}

impl Anchor {
    pub(super) fn holds(self, text: &[u8], at: usize) -> bool {
        let before = at > 0 && is_word(text[at - 1]);
        let behind = text.get(at).is_some_and(|byte| is_word(*byte));
        match self {
            Self::Start => at == 0,
            Self::End => at == text.len(),
            Self::WordEdge => before != behind,
            Self::NoWordEdge => before == behind,
            Self::WordStart => !before && behind,
            Self::WordEnd => before && !behind,
        }
    }
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// An expression or a part of one. Nothing at all is `None` wherever it may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Bytes(ByteSet),
    Anchor(Anchor),
    /// A group by its number, from 1.
    Group(usize, Option<Box<Self>>),
    /// A back reference to a group.
    Back(usize),
    Join(Vec<Self>),
    Or(Vec<Option<Self>>),
    /// At least, and at most, so many times.
    Repeat(Box<Self>, u16, Option<u16>),
}
