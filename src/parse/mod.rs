//! Floor 3: bytes to messages, without sockets and without a clock.
//!
//! [`frame`] cuts a stream into frames, [`sanitise`] makes a frame's text harmless, and [`message`]
//! finds PRI, the header and the class of what is left. All of them work on spans of one buffer;
//! nothing is copied unless a message has to be changed.
//!
//! The hot paths are written by hand. Beside each stands the same thing as one would write it for
//! people to read (a byte-at-a-time machine, a nom grammar); tests and fuzz targets compare the
//! two.

pub mod cee;
pub mod chain;
pub mod cri;
pub mod frame;
pub mod local;
pub mod relp;
pub mod rfc3164;
pub mod rfc5424;
pub mod sanitise;
pub mod timestamp;

mod header;
mod inflate;
#[cfg(any(test, fuzzing))]
pub mod reference;
mod scan;

pub use header::ParseSettings;
pub use header::explain;
pub use header::message;
pub use header::message_into;
pub use timestamp::zone_text;
