//! Bongsu: a syslog relay that runs rsyslog's configuration.
//!
//! Data flows one way, and a module names only what stands on a floor below it
//! (`tests/it/floors.rs` holds the table):
//!
//! 1. [`base`]: limits, clock, spans, diagnostics, back-off, drain signal
//! 2. [`message`], [`telemetry`]: the message model with its acknowledgement token; the counter
//! 3. [`parse`], [`config`]: bytes to messages; text to a syntax tree
//! 4. [`template`], [`modifier`], [`lookup`], [`net`], [`disk`], [`catalog`]: messages to bytes;
//!    what changes messages; lookup tables; sockets; the log that queues spill to; rsyslog's other
//!    modules
//! 5. [`rules`], [`queue`]: RainerScript programs; bounded queues of rendered, framed bytes
//! 6. [`shard`]: one core's pipeline from parsed batches to the queues
//! 7. [`input`], [`output`]: `imudp`, `imtcp`, `imfile`, `imuxsock` …; `omfwd`, `omfile` …
//! 8. [`engine`]: builds the graph from a config, runs, drains, gives account
//! 9. [`cli`]: the command line and its subcommands

pub mod base;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod disk;
pub mod engine;
pub mod input;
pub mod lookup;
pub mod message;
pub mod modifier;
pub mod net;
pub mod output;
pub mod parse;
pub mod queue;
pub mod rules;
pub mod shard;
pub mod telemetry;
pub mod template;
