//! Locks, atomics and wake-ups of what threads share: the queue, tokens, reloads. They are those of
//! `std` and tokio; with `--cfg model` they are loom's, which tries every order in which threads
//! can use them (CONTRIBUTING.md, "Models"). The models are the tests in modules named `model`.

#[cfg(model)]
pub mod model;

#[cfg(model)]
pub use loom::sync::Arc;
#[cfg(model)]
pub use loom::sync::Condvar;
#[cfg(model)]
pub use loom::sync::Mutex;
#[cfg(model)]
pub use loom::sync::MutexGuard;
#[cfg(model)]
pub use loom::sync::atomic;
#[cfg(model)]
pub use model::Notify;
#[cfg(not(model))]
pub use std::sync::Arc;
#[cfg(not(model))]
pub use std::sync::Condvar;
#[cfg(not(model))]
pub use std::sync::Mutex;
#[cfg(not(model))]
pub use std::sync::MutexGuard;
#[cfg(not(model))]
pub use std::sync::atomic;
#[cfg(not(model))]
pub use tokio::sync::Notify;
