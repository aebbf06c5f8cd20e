//! What is listened on and read from: TCP, or unix sockets of streams.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UnixListener;
use tokio::net::UnixStream;

use crate::net::KeepAlive;
use crate::net::placed::Placed;

/// A socket that is bound, and listens.
#[derive(Debug)]
pub enum ListenSocket {
    Tcp(std::net::TcpListener),
    /// With its file.
    Unix(std::os::unix::net::UnixListener, Arc<Placed>),
}

/// One that accepts connections in a runtime.
pub(super) enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener, Arc<Placed>),
}

/// An accepted connection, of no runtime.
#[derive(Debug)]
pub enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// A connection that is read.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    At(SocketAddr),
    /// A program of this machine.
    Here,
}

impl ListenSocket {
    /// The same socket once more.
    ///
    /// # Errors
    /// If there is no descriptor for it.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            Self::Unix(socket, placed) => Self::Unix(socket.try_clone()?, placed.clone()),
        })
    }

    /// Its file, if it has one.
    #[must_use]
    pub fn placed(&self) -> Option<Arc<Placed>> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_, placed) => Some(placed.clone()),
        }
    }

    pub(super) fn accepting(self) -> io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                Accepting::Tcp(TcpListener::from_std(socket)?)
            }
            Self::Unix(socket, placed) => {
                socket.set_nonblocking(true)?;
                Accepting::Unix(UnixListener::from_std(socket)?, placed)
            }
        })
    }
}

impl Accepting {
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Remote)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Accepted::Tcp(stream.into_std()?), Remote::At(peer)))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Unix(stream.into_std()?), Remote::Here))
            }
        }
    }

    /// Lets nobody find it any more. Who is connected already is accepted yet.
    pub(super) fn withdraw(&self) {
        if let Self::Unix(_, placed) = self {
            placed.remove();
        }
    }
}

impl Accepted {
    pub(super) fn keep_alive(&self, options: &KeepAlive) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => options.apply(stream),
            // The kernel knows when a program ends.
            Self::Unix(_) => Ok(()),
        }
    }

    pub(super) fn reading(self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            Self::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        })
    }

    /// The connection, if it is one of TCP.
    pub(in crate::input) fn tcp(self) -> io::Result<std::net::TcpStream> {
        match self {
            Self::Tcp(stream) => Ok(stream),
            Self::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl Remote {
    /// Its address; programs of this machine have the one that stands for it.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::At(address) => address.ip().to_canonical(),
            Self::Here => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// 0 where there is none.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::At(address) => address.port(),
            Self::Here => 0,
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Here => f.write_str("a program of this machine"),
        }
    }
}
