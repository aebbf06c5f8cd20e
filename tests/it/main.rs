//! The one integration binary.
#![cfg(test)]

mod alloc;
mod frame;
mod parse;
