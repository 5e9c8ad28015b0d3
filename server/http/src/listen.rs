//! Listeners: a port, with or without TLS, or a Unix socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener, SocketAddr),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

impl Listener {
    /// Binds a port.
    ///
    /// # Errors
    /// When it is in use, or not permitted.
    pub fn tcp(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok(Self::Tcp(listener, addr))
    }

    /// Creates a Unix socket. One that a crash left behind is replaced; one that a process listens on is not.
    ///
    /// # Errors
    /// When another process listens on it, or the file cannot be created.
    #[cfg(unix)]
    pub fn unix(path: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt;
        use std::os::unix::net::{UnixListener, UnixStream};
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            if UnixStream::connect(&path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there"));
            }
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path)?;
        Ok(Self::Unix(listener, path))
    }

    /// Fails, since this system has no Unix sockets.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub fn unix(_: PathBuf) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
    }

    /// Returns the URL, or `unix:` and the path.
    #[must_use]
    pub fn url(&self, tls: bool) -> String {
        match self {
            Self::Tcp(_, addr) => format!("{}://{addr}", if tls { "https" } else { "http" }),
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }
}
