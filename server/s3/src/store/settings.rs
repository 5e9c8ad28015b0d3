//! What a bucket is set to do by itself: its rules for other origins, its lifecycle rules, and whether it keeps versions.

use async_trait::async_trait;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, CorsConfiguration, CorsRule, LifecycleRule,
};

use super::{S3Store, StoreError};

/// A bucket's own settings.
#[async_trait]
pub trait BucketSettings: Send + Sync {
    /// Returns the CORS rules; none where there is no configuration.
    async fn cors_rules(&self) -> Result<Vec<CorsRule>, StoreError>;

    /// Replaces all CORS rules.
    async fn put_cors_rules(&self, rules: Vec<CorsRule>) -> Result<(), StoreError>;

    /// Returns the lifecycle rules; none where there is no configuration.
    async fn lifecycle_rules(&self) -> Result<Vec<LifecycleRule>, StoreError>;

    /// Replaces all lifecycle rules.
    async fn put_lifecycle_rules(&self, rules: Vec<LifecycleRule>) -> Result<(), StoreError>;

    /// Returns whether what is removed stays as a version. Stores without versions need not know the question.
    async fn is_versioned(&self) -> bool;
}

#[async_trait]
impl BucketSettings for S3Store {
    async fn cors_rules(&self) -> Result<Vec<CorsRule>, StoreError> {
        match self.client.get_bucket_cors().bucket(&self.bucket).send().await {
            Ok(found) => Ok(found.cors_rules.unwrap_or_default()),
            Err(error) if error.code() == Some("NoSuchCORSConfiguration") => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_cors_rules(&self, rules: Vec<CorsRule>) -> Result<(), StoreError> {
        let rules = CorsConfiguration::builder().set_cors_rules(Some(rules)).build();
        let rules = rules.map_err(|error| unbuildable(&error))?;
        self.client.put_bucket_cors().bucket(&self.bucket).cors_configuration(rules).send().await?;
        Ok(())
    }

    async fn lifecycle_rules(&self) -> Result<Vec<LifecycleRule>, StoreError> {
        match self.client.get_bucket_lifecycle_configuration().bucket(&self.bucket).send().await {
            Ok(found) => Ok(found.rules.unwrap_or_default()),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_lifecycle_rules(&self, rules: Vec<LifecycleRule>) -> Result<(), StoreError> {
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
        let rules = rules.map_err(|error| unbuildable(&error))?;
        let request = self.client.put_bucket_lifecycle_configuration().bucket(&self.bucket);
        request.lifecycle_configuration(rules).send().await?;
        Ok(())
    }

    async fn is_versioned(&self) -> bool {
        let asked = self.client.get_bucket_versioning().bucket(&self.bucket).send().await;
        asked.is_ok_and(|found| found.status == Some(BucketVersioningStatus::Enabled))
    }
}

fn unbuildable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Misbehaved(error.to_string())
}
