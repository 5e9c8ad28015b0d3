//! Sweeping: removes multipart uploads and files whose tokens have expired. They cannot become objects any more, and cost money.
//!
//! The age is the store's own record, so the server keeps no state, a crash loses nothing, and any number of replicas
//! may sweep: removing twice does no harm.

use std::time::{Duration, SystemTime};

use crate::bucket::{Bucket, Sweeping};
use crate::store::{OpenUpload, OwnObject, StoreError, UploadRef};

/// How long an upload is left alone after its token expired: for clocks that differ, and requests under way.
pub const GRACE: Duration = Duration::from_secs(60 * 60);

/// What to do with expired uploads and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Counts, and removes nothing.
    DryRun,
    /// Removes.
    Remove,
}

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// A multipart upload.
    Upload(OpenUpload),
    /// A file that waits to be completed, or another of Partway's own objects.
    File(OwnObject),
}

/// An upload or a file whose token has expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The upload or file.
    pub left: Left,
    /// The time since it was created.
    pub age: Duration,
}

/// The result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The number of unfinished uploads and files.
    pub seen: usize,
    /// The number of these whose tokens have expired.
    pub expired: usize,
    /// The number of these that were removed, here or by another replica at the same time.
    pub removed: usize,
    /// The number of these that could not be removed.
    pub failed: usize,
}

impl Left {
    /// Returns the object's key.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Upload(upload) => &upload.key,
            Self::File(file) => &file.key,
        }
    }

    /// Returns the store's id of a multipart upload.
    #[must_use]
    pub fn upload_id(&self) -> Option<&str> {
        match self {
            Self::Upload(upload) => Some(&upload.upload_id),
            Self::File(_) => None,
        }
    }

    const fn begun(&self) -> Option<SystemTime> {
        match self {
            Self::Upload(upload) => upload.initiated,
            Self::File(file) => file.modified,
        }
    }

    async fn remove(&self, bucket: &Bucket) -> Result<(), StoreError> {
        match self {
            Self::Upload(OpenUpload { key, upload_id, .. }) => {
                match bucket.store.abort_upload(UploadRef { key, upload_id }).await {
                    // Another replica was quicker.
                    Err(StoreError::NoSuchUpload) => Ok(()),
                    aborted => aborted,
                }
            }
            Self::File(file) => bucket.store.delete(&file.key, file.version_id.as_deref()).await,
        }
    }
}

/// Sweeps one bucket, and calls `tell` for each upload or file that has expired.
///
/// # Errors
/// When the bucket cannot be listed. An upload that cannot be removed is counted, and does not end the sweep.
pub async fn sweep(
    bucket: &Bucket,
    what: Sweeping,
    mode: Mode,
    min_age: Duration,
    mut tell: impl FnMut(&Expired, Option<&StoreError>),
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    if what == Sweeping::Everything {
        let mut next = None;
        loop {
            let (page, after) = bucket.store.uploads_page(&bucket.key_prefix, next).await?;
            let page = page.into_iter().map(Left::Upload);
            sweep_page(bucket, page, mode, min_age, &mut swept, &mut tell).await;
            let Some(after) = after else { break };
            next = Some(after);
        }
    }
    if what != Sweeping::Nothing {
        let mut next = None;
        loop {
            let (page, after) = bucket.store.own_page(&bucket.key_prefix, next).await?;
            let page = page.into_iter().map(Left::File);
            sweep_page(bucket, page, mode, min_age, &mut swept, &mut tell).await;
            let Some(after) = after else { break };
            next = Some(after);
        }
    }
    Ok(swept)
}

async fn sweep_page(
    bucket: &Bucket,
    page: impl Iterator<Item = Left>,
    mode: Mode,
    min_age: Duration,
    swept: &mut Swept,
    tell: &mut impl FnMut(&Expired, Option<&StoreError>),
) {
    let now = SystemTime::now();
    for left in page {
        swept.seen += 1;
        let Some(expired) = expired(left, min_age, now) else { continue };
        swept.expired += 1;
        if mode == Mode::DryRun {
            tell(&expired, None);
            continue;
        }
        match expired.left.remove(bucket).await {
            Ok(()) => {
                swept.removed += 1;
                tell(&expired, None);
            }
            Err(error) => {
                swept.failed += 1;
                tell(&expired, Some(&error));
            }
        }
    }
}

/// Returns the age from which an upload cannot be completed any more: the lifetime of its token, and [`GRACE`].
#[must_use]
pub fn min_age(bucket: &Bucket) -> Duration {
    bucket.token_lifetime.saturating_add(GRACE)
}

/// Returns `left` with its age if it is at least `min_age` old. One of unknown age is left alone.
fn expired(left: Left, min_age: Duration, now: SystemTime) -> Option<Expired> {
    let age = now.duration_since(left.begun()?).ok()?;
    (age >= min_age).then_some(Expired { left, age })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_old_is_swept() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let upload = |initiated| OpenUpload { key: "a".to_owned(), upload_id: "u".to_owned(), initiated };
        let file = |modified| OwnObject { key: "a".to_owned(), version_id: None, modified };
        let hour = Duration::from_secs(3_600);
        let is_swept = |begun| {
            let are_swept = [Left::Upload(upload(begun)), Left::File(file(begun))]
                .map(|left| expired(left, hour, now).is_some());
            assert_eq!(are_swept[0], are_swept[1]);
            are_swept[0]
        };
        assert!(is_swept(Some(now - hour)));
        assert!(!is_swept(Some(now - hour + Duration::from_secs(1))));
        assert!(!is_swept(Some(now + hour)), "begun after now, by another clock");
        assert!(!is_swept(None));
    }
}
