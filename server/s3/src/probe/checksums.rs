//! Probes which checksums a store verifies: of a PUT, of a part, and of the whole object.

use std::fmt;

use bytes::Bytes;
use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use partway_shared::part::PartNumber;
use partway_shared::wire::CompletedPart;

use super::{
    BODY, BucketStore, CompleteParams, OTHER_BODY, StoreError, Trial, UploadRef, abort, begin, key, remove,
};

/// What a store does with a checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It refuses bytes that do not match, and reports the checksum that it verified.
    Verified,
    /// It refuses bytes that do not match, but does not report the checksum of those that it accepted.
    Unreported,
    /// It accepts any bytes.
    Ignored,
    /// It refuses the right checksum too; the store's error.
    Unsupported(String),
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified => f.write_str("it is verified"),
            Self::Unreported => f.write_str("it is verified and not reported"),
            Self::Ignored => f.write_str("a wrong one is accepted"),
            Self::Unsupported(why) => write!(f, "a right one is refused ({why})"),
        }
    }
}

/// Puts, looks at and removes an object.
///
/// # Errors
/// When one of these fails.
pub async fn access(store: &dyn BucketStore, prefix: &str) -> Result<(), StoreError> {
    let key = key(prefix);
    let tried = async {
        put_with_any_checksum(store, &key).await?;
        store.head(&key).await
    };
    let tried = tried.await;
    let removed = store.delete(&key, None).await;
    if tried?.is_none() {
        return Err(StoreError::Misbehaved("an object that was put does not exist".to_owned()));
    }
    removed
}

/// Puts an object with a CRC-64/NVME, since a bucket with object lock requires a checksum.
pub(super) async fn put_with_any_checksum(store: &dyn BucketStore, key: &str) -> Result<(), StoreError> {
    if Attempt(store.put_trial(key, Trial::of(BODY)).await).taken()?.is_err() {
        store.put_trial(key, with(Md5::of(BODY).into())).await?;
    }
    Ok(())
}

/// Probes whether a PUT's CRC-64/NVME is verified.
///
/// # Errors
/// When the store is away, or refuses for another reason.
pub async fn put_crc64nvme(store: &dyn BucketStore, prefix: &str) -> Result<Check, StoreError> {
    put(store, prefix, Crc64Nvme::of(BODY).into(), Crc64Nvme::of(OTHER_BODY).into()).await
}

/// Probes whether a PUT's MD5 is verified. The store need not report it, since an ETag may be something else.
///
/// # Errors
/// When the store is away, or refuses for another reason.
pub async fn put_md5(store: &dyn BucketStore, prefix: &str) -> Result<Check, StoreError> {
    put(store, prefix, Md5::of(BODY).into(), Md5::of(OTHER_BODY).into()).await
}

/// Probes whether a part's CRC-64/NVME is verified.
///
/// # Errors
/// When the store is away, or refuses for another reason.
pub async fn part_crc64nvme(store: &dyn BucketStore, prefix: &str) -> Result<Check, StoreError> {
    part(store, prefix, Crc64Nvme::of(BODY).into(), Crc64Nvme::of(OTHER_BODY).into()).await
}

/// Probes whether a part's MD5 is verified.
///
/// # Errors
/// When the store is away, or refuses for another reason.
pub async fn part_md5(store: &dyn BucketStore, prefix: &str) -> Result<Check, StoreError> {
    part(store, prefix, Md5::of(BODY).into(), Md5::of(OTHER_BODY).into()).await
}

/// Probes whether the whole object's CRC-64/NVME is verified when a multipart upload is completed.
///
/// # Errors
/// When the store is away, or refuses for another reason.
pub async fn object_crc64nvme(store: &dyn BucketStore, prefix: &str) -> Result<Check, StoreError> {
    let right = Crc64Nvme::of(BODY);
    let key = key(prefix);
    let tried = async {
        if let Answer::Refused(why) = complete(store, &key, right).await?.of_right()? {
            return Ok(Check::Unsupported(why));
        }
        let is_reported = is_reported(store, &key, right).await?;
        Ok(match complete(store, &key, Crc64Nvme::of(OTHER_BODY)).await?.of_wrong()? {
            Answer::Accepted => Check::Ignored,
            Answer::Refused(_) if is_reported => Check::Verified,
            Answer::Refused(_) => Check::Unreported,
        })
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// PUTs with the right checksum, then with a wrong one.
async fn put(
    store: &dyn BucketStore,
    prefix: &str,
    right: Checksum,
    wrong: Checksum,
) -> Result<Check, StoreError> {
    let key = key(prefix);
    let tried = async {
        if let Answer::Refused(why) = Attempt(store.put_trial(&key, with(right)).await).of_right()? {
            return Ok(Check::Unsupported(why));
        }
        let is_reported = match right {
            Checksum::Crc64Nvme(right) => is_reported(store, &key, right).await?,
            Checksum::Md5(_) => true,
        };
        Ok(match Attempt(store.put_trial(&key, with(wrong)).await).of_wrong()? {
            Answer::Accepted => Check::Ignored,
            Answer::Refused(_) if is_reported => Check::Verified,
            Answer::Refused(_) => Check::Unreported,
        })
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// Sends part 1 with the right checksum, then part 2 with a wrong one.
async fn part(
    store: &dyn BucketStore,
    prefix: &str,
    right: Checksum,
    wrong: Checksum,
) -> Result<Check, StoreError> {
    let key = key(prefix);
    let upload_id = match Attempt(begin(store, &key, right.kind()).await).taken()? {
        Ok(upload_id) => upload_id,
        Err(why) => return Ok(Check::Unsupported(why)),
    };
    let upload = UploadRef { key: &key, upload_id: &upload_id };
    let tried = async {
        if let Err(why) =
            Attempt(store.put_trial_part(upload, 1, Bytes::from_static(BODY), right).await).taken()?
        {
            return Ok(Check::Unsupported(why));
        }
        let is_reported = match right {
            Checksum::Crc64Nvme(_) => {
                store.list_parts(upload).await?.first().and_then(|part| part.checksum) == Some(right)
            }
            Checksum::Md5(_) => true,
        };
        Ok(
            match Attempt(store.put_trial_part(upload, 2, Bytes::from_static(BODY), wrong).await.map(drop))
                .of_wrong()?
            {
                Answer::Accepted => Check::Ignored,
                Answer::Refused(_) if is_reported => Check::Verified,
                Answer::Refused(_) => Check::Unreported,
            },
        )
    };
    let tried = tried.await;
    abort(store, upload).await;
    tried
}

/// Uploads one part, and completes with this checksum of the whole object. The result is that of the completion, or
/// of the step before it that failed.
async fn complete(
    store: &dyn BucketStore,
    key: &str,
    checksum: Crc64Nvme,
) -> Result<Attempt<()>, StoreError> {
    let upload_id = match Attempt(begin(store, key, ChecksumKind::Crc64Nvme).await).taken()? {
        Ok(upload_id) => upload_id,
        Err(why) => return Ok(Attempt(Err(StoreError::Misbehaved(why)))),
    };
    let upload = UploadRef { key, upload_id: &upload_id };
    let size = BODY.len() as u64;
    let completed =
        match store.put_trial_part(upload, 1, Bytes::from_static(BODY), Crc64Nvme::of(BODY).into()).await {
            Ok(etag) => {
                let part = CompletedPart { part_number: PartNumber::FIRST, etag };
                let params =
                    CompleteParams { parts: &[part], size, checksum: Some(checksum), keeps_existing: false };
                store.complete_upload(upload, params).await
            }
            Err(error) => Err(error),
        };
    if completed.is_err() {
        abort(store, upload).await;
    }
    Ok(Attempt(completed))
}

/// Returns whether the store reports this checksum for an object.
async fn is_reported(store: &dyn BucketStore, key: &str, right: Crc64Nvme) -> Result<bool, StoreError> {
    Ok(store.head(key).await?.and_then(|object| object.checksum) == Some(right))
}

const fn with(checksum: Checksum) -> Trial<'static> {
    Trial { checksum: Some(checksum), ..Trial::of(BODY) }
}

/// The result of a request with a checksum.
pub(super) struct Attempt<T>(pub(super) Result<T, StoreError>);

/// What the result says of the store.
enum Answer {
    Accepted,
    Refused(String),
}

impl<T> Attempt<T> {
    /// Interprets a request with a right checksum, or without one. Missing permissions say nothing of checksums.
    pub(super) fn taken(self) -> Result<Result<T, String>, StoreError> {
        match self.0 {
            Ok(taken) => Ok(Ok(taken)),
            Err(
                error @ (StoreError::Misbehaved(_)
                | StoreError::ChecksumMismatch(_)
                | StoreError::InvalidPart(_)),
            ) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

impl Attempt<()> {
    fn of_right(self) -> Result<Answer, StoreError> {
        Ok(match self.taken()? {
            Ok(()) => Answer::Accepted,
            Err(why) => Answer::Refused(why),
        })
    }

    /// Interprets a request with a wrong checksum after a right one was accepted: any refusal counts as one of the
    /// checksum, since stores give it different statuses.
    fn of_wrong(self) -> Result<Answer, StoreError> {
        match self.0 {
            Err(StoreError::Denied(why)) => Ok(Answer::Refused(why)),
            answer => Self(answer).of_right(),
        }
    }
}
