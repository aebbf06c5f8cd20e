//! `imtcp` and `imptcp`: plain TCP syslog. One engine, two names; their defaults differ.

mod accept;
mod inflate;
mod session;
mod spec;

pub use accept::Connection;
pub use accept::Listener;
pub use accept::TcpInput;
pub use accept::Ticket;
pub use session::serve;
pub use spec::Deadlines;
pub use spec::MODULE;
pub use spec::MODULE_PARAMS;
pub use spec::MODULE_PLAIN;
pub use spec::NAME;
pub use spec::NAME_PLAIN;
pub use spec::PARAMS;
pub use spec::TcpSpec;
