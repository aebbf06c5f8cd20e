//! Spans: positions in a buffer that may move, where a borrow could not follow.

use crate::base::num::len32;

/// A half-open range `start..end` of byte offsets into a batch's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub const EMPTY: Self = Self { start: 0, end: 0 };

    #[must_use]
    #[inline]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start: len32(start), end: len32(end) }
    }

    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes this span names.
    #[must_use]
    #[inline]
    pub fn of(self, data: &[u8]) -> &[u8] {
        &data[self.start as usize..self.end as usize]
    }
}
