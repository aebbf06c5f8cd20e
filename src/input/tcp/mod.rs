//! `imtcp` and `imptcp`: plain TCP syslog. One engine, two names; their defaults differ.

mod accept;
mod inflate;
pub(in crate::input) mod params;
mod peer;
mod place;
mod session;
mod spec;
mod stream;

pub use accept::Connection;
pub use accept::Listener;
pub use accept::TcpInput;
pub use accept::TcpSetup;
pub use accept::Ticket;
pub use params::MODULE;
pub use params::MODULE_PLAIN;
pub use params::NAME;
pub use params::NAME_PLAIN;
pub(in crate::input) use peer::Peer;
pub use place::UnixPlace;
pub(in crate::input) use session::SLICE_BYTES;
pub(in crate::input) use session::TAIL_KEPT;
pub use session::serve;
pub use spec::Deadlines;
pub use spec::Protocol;
pub use spec::TcpSpec;
pub use stream::Accepted;
pub use stream::ListenSocket;
pub use stream::Remote;
