//! Probes which sizes the parts of one object can have.

use bytes::Bytes;
use partway_shared::checksum::{ChecksumKind, Md5};
use partway_shared::limits::MIN_PART_SIZE;
use partway_shared::part::PartNumber;
use partway_shared::wire::CompletedPart;

use super::checksums::Attempt;
use super::{Rule, abort, begin, key, remove};
use crate::store::{BucketStore, CompleteParams, StoreError, UploadRef};

/// Probes whether the parts of one object can differ in size, as S3 has it; some stores want all but the last to be equal. It takes
/// 10 MiB of traffic, since a part that is not the last has 5 MiB at least.
///
/// # Errors
/// When the store is away.
pub async fn unequal_parts(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let upload_id = begin(store, &key, ChecksumKind::None).await?;
    let upload = UploadRef { key: &key, upload_id: &upload_id };
    let tried = async {
        let (mut parts, mut size) = (Vec::new(), 0);
        for (number, len) in (1_u32..).zip([MIN_PART_SIZE, MIN_PART_SIZE + 1, 1]) {
            let body = Bytes::from(vec![0; usize::try_from(len).unwrap_or_default()]);
            let md5 = Md5::of(&body).into();
            let Ok(part_number) = PartNumber::new(number) else { continue };
            let etag = store.put_trial_part(upload, number.cast_signed(), body, md5).await?;
            parts.push(CompletedPart { part_number, etag });
            size += len;
        }
        let params = CompleteParams { parts: &parts, size, checksum: None, keeps_existing: false };
        Ok(match Attempt(store.complete_upload(upload, params).await).taken()? {
            Ok(()) => Rule::Kept,
            Err(why) => Rule::Unsupported(why),
        })
    };
    let tried = tried.await;
    abort(store, upload).await;
    remove(store, &key).await;
    tried
}
