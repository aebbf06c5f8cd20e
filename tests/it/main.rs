//! The one integration binary.
#![cfg(test)]
