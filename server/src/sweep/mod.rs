//! Sweeping: uploads that have outlived their tokens are aborted, so that nobody pays for parts that cannot
//! become an object any more.
//!
//! An upload's age is the store's own record of its beginning, so that nothing has to be remembered, a crash
//! leaves nothing out, and any number of replicas may sweep: to abort twice does no harm.

mod timer;

use std::time::{Duration, SystemTime};

use crate::store::named::NamedStore;
use crate::store::{OpenUpload, Store, StoreError, UploadRef};

pub use timer::Timer;

/// How long an upload is left alone after its token's end: for clocks that differ, and requests under way.
pub const GRACE: Duration = Duration::from_secs(60 * 60);

/// What to do with what has outlived its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Look, and leave it.
    DryRun,
    /// Abort it.
    Abort,
}

/// An upload that has outlived its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlived {
    /// The upload.
    pub upload: OpenUpload,
    /// How long ago it was begun.
    pub age: Duration,
}

/// What a sweep has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Open uploads below the prefix.
    pub seen: usize,
    /// Of these, those that have outlived their tokens.
    pub outlived: usize,
    /// Of these, those that were aborted, here or by somebody else at the same time.
    pub aborted: usize,
    /// Of these, those that could not be.
    pub failed: usize,
}

/// Sweeps one store, telling of each upload that has outlived its token.
///
/// # Errors
/// When the uploads cannot be listed. One that cannot be aborted is counted, and stops nothing.
pub async fn sweep(
    named: &NamedStore,
    mode: Mode,
    min_age: Duration,
    mut tell: impl FnMut(&Outlived, Option<&StoreError>),
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let mut next = None;
    loop {
        let (page, after) = named.store.uploads_page(&named.key_prefix, next).await?;
        let now = SystemTime::now();
        for upload in page {
            swept.seen += 1;
            let Some(outlived) = outlived(upload, min_age, now) else { continue };
            swept.outlived += 1;
            if mode == Mode::DryRun {
                tell(&outlived, None);
                continue;
            }
            let OpenUpload { key, upload_id, .. } = &outlived.upload;
            match named.store.abort_upload(UploadRef { key, upload_id }).await {
                // Another replica was quicker.
                Ok(()) | Err(StoreError::NoSuchUpload) => {
                    swept.aborted += 1;
                    tell(&outlived, None);
                }
                Err(error) => {
                    swept.failed += 1;
                    tell(&outlived, Some(&error));
                }
            }
        }
        next = match after {
            Some(after) => Some(after),
            None => return Ok(swept),
        };
    }
}

/// How old uploads are that nobody can complete any more.
#[must_use]
pub fn min_age(named: &NamedStore) -> Duration {
    named.token_lifetime.saturating_add(GRACE)
}

/// The upload, if it is old enough. One whose age is not known is left alone.
fn outlived(upload: OpenUpload, min_age: Duration, now: SystemTime) -> Option<Outlived> {
    let age = now.duration_since(upload.initiated?).ok()?;
    (age >= min_age).then_some(Outlived { upload, age })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_old_is_swept() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let upload = |initiated| OpenUpload { key: "a".to_owned(), upload_id: "u".to_owned(), initiated };
        let hour = Duration::from_secs(3_600);
        let is_swept = |initiated| outlived(upload(initiated), hour, now).is_some();
        assert!(is_swept(Some(now - hour)));
        assert!(!is_swept(Some(now - hour + Duration::from_secs(1))));
        assert!(!is_swept(Some(now + hour)), "begun after now, by another clock");
        assert!(!is_swept(None));
    }
}
