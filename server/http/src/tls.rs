//! TLS with a certificate that can change: it is read again when its files change, and on SIGHUP. If a file cannot be
//! used, the current certificate stays.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::task::JoinHandle;

/// The interval between two looks at the files. File events would miss volumes that are swapped by a link.
const INTERVAL: Duration = Duration::from_secs(5);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    #[error("{setting}: {path}: {error}")]
    Unreadable {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The parser's error.
        error: rustls::pki_types::pem::Error,
    },
    /// The file contains no certificate.
    #[error("tls.certificate: {0} holds no certificate")]
    NoCertificate(PathBuf),
    /// Certificate and key do not belong together, or the key's type is not supported.
    #[error("tls.certificate and tls.key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate, and its files.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn read(certificate: PathBuf, key: PathBuf) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(load(&certificate, &key)?));
        Ok(Arc::new(Self { certificate, key, current }))
    }

    /// Returns the configuration of a server that uses the certificate.
    ///
    /// # Errors
    /// Never with this provider.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }

    /// Reads the files again when they change, and on SIGHUP, until the task is aborted.
    #[must_use]
    pub fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        tokio::spawn(watch(Arc::clone(self)))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// When a file cannot be used; the current certificate stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = Arc::new(load(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unreadable = |setting, path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::Unreadable { setting, path, error }
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(unreadable("tls.certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("tls.key", key))?;
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}

async fn watch(certificate: Arc<Certificate>) {
    let mut hangup = match hangups() {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be listened to; a changed certificate is seen within seconds all the same");
            return;
        }
    };
    let mut seen = file_versions(&certificate);
    loop {
        let asked = tokio::select! {
            () = hangup.next() => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        let now = file_versions(&certificate);
        if !asked && now == seen {
            continue;
        }
        match certificate.reload() {
            Ok(()) => {
                seen = now;
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                // The other file may be about to follow; it is read again once it does.
                seen = now;
                tracing::warn!(%error, "the certificate could not be read again, and the old one stays in use");
            }
        }
    }
}

/// Returns each file's time of modification and its size, which tell one version from the next.
fn file_versions(certificate: &Certificate) -> [Option<(SystemTime, u64)>; 2] {
    [&certificate.certificate, &certificate.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

#[cfg(unix)]
struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(unix)]
fn hangups() -> io::Result<Hangups> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Hangups)
}

#[cfg(not(unix))]
struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(not(unix))]
fn hangups() -> io::Result<Hangups> {
    Ok(Hangups)
}
