//! The secrets of a server that has no bucket configured: the embedded store's credentials, and the secret that signs
//! tokens. They are generated once and kept beside the data, so that tokens stay valid after a restart.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The access key of every embedded store.
pub const ACCESS_KEY_ID: &str = "partway";

/// The secrets of this installation.
#[derive(Clone, Debug)]
pub struct EmbeddedSecrets {
    /// The secret that belongs to [`ACCESS_KEY_ID`].
    pub secret_access_key: SecretString,
    /// The secret that signs upload tokens, unless `server.token_secret` is set.
    pub token_secret: SecretString,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretsFile {
    access_key_id: String,
    secret_access_key: String,
    token_secret: String,
}

/// Why the secrets could be neither read nor generated.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedSecretsError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not valid JSON, or lacks a field.
    #[error(
        "{path} is not a valid secrets file: {error}; if you move it away, a new one is generated, and open uploads cannot be resumed"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// The system provides no random bytes.
    #[error("the system provides no random bytes: {0}")]
    Random(getrandom::Error),
}

impl EmbeddedSecrets {
    /// Reads `secrets.json` in the data folder, or generates it.
    ///
    /// # Errors
    /// When the file is unreadable or damaged, or the folder cannot be written to.
    pub fn load_or_make(data: &Path) -> Result<Self, EmbeddedSecretsError> {
        let path = data.join("secrets.json");
        let io_error = |error| EmbeddedSecretsError::Io { path: path.clone(), error };
        let file = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| EmbeddedSecretsError::Unreadable { path: path.clone(), error })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = SecretsFile {
                    access_key_id: ACCESS_KEY_ID.to_owned(),
                    secret_access_key: random()?,
                    token_secret: random()?,
                };
                fs::create_dir_all(data).map_err(io_error)?;
                write_private(&path, &made).map_err(io_error)?;
                made
            }
            Err(error) => return Err(io_error(error)),
        };
        Ok(Self { secret_access_key: file.secret_access_key.into(), token_secret: file.token_secret.into() })
    }
}

/// Writes the file by renaming a draft, readable by its owner alone.
fn write_private(path: &Path, secrets: &SecretsFile) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(secrets)?)?;
    file.sync_all()?;
    fs::rename(draft, path)
}

fn random() -> Result<String, EmbeddedSecretsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(EmbeddedSecretsError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn made_once_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let made = EmbeddedSecrets::load_or_make(data.path()).unwrap();
        let kept = EmbeddedSecrets::load_or_make(data.path()).unwrap();
        assert_eq!(made.token_secret.expose_secret(), kept.token_secret.expose_secret());
        assert_ne!(made.token_secret.expose_secret(), made.secret_access_key.expose_secret());
        assert!(made.token_secret.expose_secret().len() >= 32);
    }

    #[test]
    fn a_damaged_file_is_named_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("secrets.json");
        fs::write(&path, "{").unwrap();
        let error = EmbeddedSecrets::load_or_make(data.path()).unwrap_err().to_string();
        assert!(error.contains("secrets.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}
