//! Outputs, by what they write to.

pub(super) mod brokers;
pub(super) mod databases;
pub(super) mod local;
pub(super) mod networks;
pub mod providers;
pub(super) mod replaced;
pub(super) mod web;
