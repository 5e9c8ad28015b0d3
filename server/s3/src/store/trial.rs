//! Requests that try a store out: what one with a wrong checksum, a condition or a tag comes to.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use partway_shared::checksum::Checksum;
use partway_shared::part::ETag;

use super::{Optional, S3Store, StoreError, UploadRef};

/// A small object to be put, to see what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The bytes.
    pub body: &'static [u8],
    /// The checksum that is sent along, of these bytes or not.
    pub checksum: Option<Checksum>,
    /// Whether it is to be refused where an object is there already.
    pub keeps_existing: bool,
    /// Tags, as the header has them.
    pub tagging: Option<&'a str>,
}

impl Trial<'_> {
    /// Returns a trial with these bytes, and nothing beside them.
    #[must_use]
    pub const fn of(body: &'static [u8]) -> Self {
        Self { body, checksum: None, keeps_existing: false, tagging: None }
    }
}

/// Requests whose outcome tells what a store does.
#[async_trait]
pub trait Trials: Send + Sync {
    /// Returns the store's error if it has refused this header.
    fn refuses(&self, header: Optional) -> Option<&str>;

    /// Puts a small object.
    async fn put_trial(&self, key: &str, trial: Trial<'_>) -> Result<(), StoreError>;

    /// Puts a part with this checksum, right or wrong.
    async fn put_trial_part(
        &self,
        upload: UploadRef<'_>,
        number: i32,
        body: Bytes,
        checksum: Checksum,
    ) -> Result<ETag, StoreError>;
}

#[async_trait]
impl Trials for S3Store {
    fn refuses(&self, header: Optional) -> Option<&str> {
        self.avoided.words(header)
    }

    async fn put_trial(&self, key: &str, trial: Trial<'_>) -> Result<(), StoreError> {
        let (crc64_nvme, md5) = fields(trial.checksum);
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let request = request.set_checksum_crc64_nvme(crc64_nvme).set_content_md5(md5);
        let request = request.set_if_none_match(trial.keeps_existing.then(|| "*".to_owned()));
        let request = request.set_tagging(trial.tagging.map(str::to_owned));
        request.body(ByteStream::from_static(trial.body)).send().await?;
        Ok(())
    }

    async fn put_trial_part(
        &self,
        upload: UploadRef<'_>,
        number: i32,
        body: Bytes,
        checksum: Checksum,
    ) -> Result<ETag, StoreError> {
        let (crc64_nvme, md5) = fields(Some(checksum));
        let request = self.client.upload_part().bucket(&self.bucket).key(upload.key);
        let request = request.upload_id(upload.upload_id).part_number(number);
        let request = request.set_checksum_crc64_nvme(crc64_nvme).set_content_md5(md5);
        let sent = request.body(ByteStream::from(body)).send().await?;
        Ok(ETag::new(sent.e_tag.as_deref().unwrap_or_default()))
    }
}

fn fields(checksum: Option<Checksum>) -> (Option<String>, Option<String>) {
    match checksum {
        Some(Checksum::Crc64Nvme(checksum)) => (Some(checksum.into()), None),
        Some(checksum @ Checksum::Md5(_)) => (None, Some(checksum.into())),
        None => (None, None),
    }
}
