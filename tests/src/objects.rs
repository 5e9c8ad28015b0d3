//! What is really in the store, over the AWS SDK.

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use sha2::{Digest, Sha256};

/// One bucket, seen with full rights.
#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    bucket: String,
}

/// An object's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl Objects {
    /// A client. Nothing is sent yet.
    #[must_use]
    pub fn new(endpoint: &str, bucket: &str, access_key: &str, secret_key: &str) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(access_key, secret_key, None, None, "tests"))
            .http_client(http_client())
            .build();
        Self { client: Client::from_conf(config), bucket: bucket.to_owned() }
    }

    /// Reads an object to its end.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn read(&self, key: &str) -> Result<Content> {
        let response = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let mut body = response.with_context(|| format!("getting {key}"))?.body;
        let mut sha256 = Sha256::new();
        let mut size = 0;
        while let Some(chunk) = body.try_next().await.with_context(|| format!("reading {key}"))? {
            sha256.update(&chunk);
            size += chunk.len() as u64;
        }
        Ok(Content { size, sha256: sha256.finalize().into() })
    }

    /// An object's size, without reading it.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn size(&self, key: &str) -> Result<u64> {
        let response = self.client.head_object().bucket(&self.bucket).key(key).send().await;
        let size = response.with_context(|| format!("looking at {key}"))?.content_length;
        u64::try_from(size.unwrap_or_default()).context("a size is not negative")
    }

    /// The keys of all objects.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let response = self.client.list_objects_v2().bucket(&self.bucket).send().await;
        let objects = response.context("listing the objects")?.contents.unwrap_or_default();
        Ok(objects.into_iter().filter_map(|object| object.key).collect())
    }

    /// Stores an object.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let response = request.body(bytes.into().into()).send().await;
        response.map(drop).with_context(|| format!("putting {key}"))
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let response = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        response.map(drop).with_context(|| format!("deleting {key}"))
    }

    /// Uploads that are neither completed nor aborted, as key and upload id.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn open_uploads(&self) -> Result<Vec<(String, String)>> {
        let response = self.client.list_multipart_uploads().bucket(&self.bucket).send().await;
        let uploads = response.context("listing the uploads")?.uploads.unwrap_or_default();
        Ok(uploads.into_iter().filter_map(|upload| upload.key.zip(upload.upload_id)).collect())
    }

    /// How many parts an open upload has.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn part_count(&self, key: &str, upload_id: &str) -> Result<usize> {
        let request = self.client.list_parts().bucket(&self.bucket).key(key).upload_id(upload_id);
        let response = request.send().await.context("listing the parts")?;
        Ok(response.parts.unwrap_or_default().len())
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}
