//! Floor 4: sockets. UDP rings, listeners with rsyslog's options, outgoing connections.

pub mod allowed;
pub mod dial;
pub mod listen;
mod options;
pub mod placed;
mod resolve;
pub mod reverse;
pub mod sys;
pub mod udp;
pub mod unix;

pub use options::FreeBind;
pub use options::KeepAlive;
pub use options::set_receive_buffer;
pub use options::set_send_buffer;
pub use resolve::Family;
