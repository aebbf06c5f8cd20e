//! The one integration binary.
#![cfg(test)]

mod frame;
mod parse;
