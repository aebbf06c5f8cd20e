//! `imrelp`: syslog over RELP. Listening and accepting, and what becomes of a frame, are those of
//! [`tcp`](crate::input::tcp). A message is answered once it is safe: when every action that it
//! went to has delivered it, or made it durable.

mod answers;
mod params;
mod session;
mod spec;

pub use params::MODULE;
pub use params::NAME;
pub(super) use session::serve;
pub use spec::RelpSpec;
pub use spec::compile;
