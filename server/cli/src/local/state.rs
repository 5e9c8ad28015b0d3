//! What this user's commands keep: folders by the XDG specification, and the secret that seals upload tokens.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use etcetera::{BaseStrategy as _, choose_base_strategy};
use secrecy::SecretString;

const SECRET_FILE: &str = "token-secret";
/// The shortest secret that seals anything, in bytes.
const MIN_SECRET: usize = 32;

/// Returns the folder of what should survive: `$XDG_STATE_HOME/partway`.
pub(super) fn state_folder() -> Option<PathBuf> {
    let strategy = choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("partway"))
}

/// Returns the folder of what can be found out again: `$XDG_CACHE_HOME/partway`.
pub(super) fn cache_folder() -> Option<PathBuf> {
    Some(choose_base_strategy().ok()?.cache_dir().join("partway"))
}

/// Returns the secret that seals upload tokens, and makes it where there is none: an upload that is interrupted goes on in another
/// process.
///
/// # Errors
/// A sentence.
pub(super) fn token_secret(folder: Option<&Path>) -> Result<SecretString, String> {
    let folder = folder.ok_or("there is no home folder to keep the secret of upload tokens in; set HOME")?;
    secret_in(folder)
}

fn secret_in(folder: &Path) -> Result<SecretString, String> {
    let path = folder.join(SECRET_FILE);
    let failed = |error: io::Error| {
        format!("the secret of upload tokens cannot be kept in {}: {error}", path.display())
    };
    match read(&path)? {
        Some(secret) => Ok(secret),
        None => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)
                .map_err(|error| format!("the system gives no random bytes: {error}"))?;
            let draft = draft_beside(&path, URL_SAFE_NO_PAD.encode(bytes).as_bytes()).map_err(failed)?;
            // Of two commands that start together, the first one's secret stays.
            let linked = fs::hard_link(&draft, &path);
            let _ = fs::remove_file(&draft);
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
                _ => {}
            }
            read(&path)?.ok_or_else(|| failed(io::Error::from(io::ErrorKind::NotFound)))
        }
    }
}

fn read(path: &Path) -> Result<Option<SecretString>, String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= MIN_SECRET => Ok(Some(text.trim().to_owned().into())),
        Ok(_) => Err(format!(
            "{} is damaged; remove it, and a new one is made: uploads that were interrupted before cannot go on then",
            path.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes a file that its owner alone can read, by renaming a draft.
pub(super) fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    fs::rename(draft_beside(path, text)?, path)
}

fn draft_beside(path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("state");
        let (first, second) = (secret_in(&below).unwrap(), secret_in(&below).unwrap());
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert!(first.expose_secret().len() >= MIN_SECRET);
        assert_eq!(fs::read_dir(&below).unwrap().count(), 1, "no draft stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(below.join(SECRET_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(below.join(SECRET_FILE), "short").unwrap();
        assert!(secret_in(&below).unwrap_err().contains("damaged"));
    }
}
