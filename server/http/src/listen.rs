//! Where the server listens: a port, with TLS or without, or a Unix socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// Something that connections come in by.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener, SocketAddr),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

impl Listener {
    /// Takes a port.
    ///
    /// # Errors
    /// When it is taken, or may not be listened on.
    pub fn tcp(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok(Self::Tcp(listener, addr))
    }

    /// Makes a socket. One that a crash left behind is replaced, one that somebody answers at is not.
    ///
    /// # Errors
    /// When somebody else listens there, or the file cannot be made.
    #[cfg(unix)]
    pub fn unix(path: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt;
        use std::os::unix::net::{UnixListener, UnixStream};
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            if UnixStream::connect(&path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody else listens there"));
            }
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path)?;
        Ok(Self::Unix(listener, path))
    }

    /// Unix sockets are for Unix.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub fn unix(_: PathBuf) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
    }

    /// Where that is, as people write it.
    #[must_use]
    pub fn url(&self, tls: bool) -> String {
        match self {
            Self::Tcp(_, addr) => format!("{}://{addr}", if tls { "https" } else { "http" }),
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }
}
