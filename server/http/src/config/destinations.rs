//! `[destinations.NAME]`: what may be uploaded where, and the attributes of its objects.

use std::collections::BTreeMap;
use std::time::Duration;

use bytesize::ByteSize;
use partway_s3::attributes::{Attributes, Encryption, check_metadata, check_tags, check_value};
use partway_shared::limits::MAX_KEY_BYTES;
use serde::Deserialize;

use crate::policy::{KeyTemplate, MAX_KEY_PREFIX, Policy, is_extension, is_type_pattern};

use super::{ObjectsConfig, ServerConfig, Settings, SettingsError, UploadsConfig, choice, duration, list};
use crate::spelling::nearest;

/// The settings of one destination.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DestinationConfig {
    /// The name of the store, one of `[stores]`. Default: `[store]`.
    pub store: Option<String>,
    /// The bucket. Default: the store's.
    pub bucket: Option<String>,
    /// The template of keys, after `uploads.key_prefix`. Default `{uuid}/{filename}`.
    pub key: KeyTemplate,
    /// The largest file. Default: `uploads.max_file_size`.
    pub max_file_size: Option<ByteSize>,
    /// The media types that are accepted, such as `image/*`. Default: all.
    #[serde(deserialize_with = "list")]
    pub types: Vec<String>,
    /// The file name extensions that are accepted, such as `jpg`. Default: all.
    #[serde(deserialize_with = "list")]
    pub extensions: Vec<String>,
    /// The subjects for which the destination exists; `team-*` matches all with that prefix. Default: all.
    #[serde(deserialize_with = "list")]
    pub subjects: Vec<String>,
    /// Whether the destination exists only for callers whose ticket names it. Default: no.
    pub granted_only: bool,
    /// Metadata of every object, by name without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Tags of every object. Small files are then sent by PUT, not as forms.
    pub tags: BTreeMap<String, String>,
    /// The storage class, such as `STANDARD_IA`. Default: the bucket's.
    pub storage_class: Option<String>,
    /// The encryption, `AES256` or `aws:kms`. Default: the bucket's.
    #[serde(deserialize_with = "encryption")]
    pub encryption: Option<Encryption>,
    /// The KMS key, with `aws:kms`. Default: the bucket's, else AWS's own.
    pub kms_key_id: Option<String>,
    /// The canned ACL, such as `bucket-owner-full-control`. Default: none; most buckets accept none.
    pub acl: Option<String>,
    /// `Cache-Control` of every object.
    pub cache_control: Option<String>,
    /// Whether an upload may replace an object. Default: no. Keys with `{uuid}` are unique; for others the store is
    /// asked to refuse (`If-None-Match`), which not every store supports.
    pub overwrite: bool,
    /// How long an upload may take. Default: `server.token_lifetime`.
    #[serde(deserialize_with = "duration::optional")]
    pub token_lifetime: Option<Duration>,
    /// Whether types that browsers execute (HTML, SVG, XML, scripts) are shown instead of downloaded. Default: no.
    /// Such an object runs its uploader's script in the bucket's origin when somebody opens it.
    pub inline_active_types: bool,
    /// Whether a completed file's first bytes are compared with its media type. A file that does not match is refused
    /// and removed. Default: no.
    pub sniff: bool,
    /// What may be done with objects that are there.
    pub objects: ObjectsConfig,
}

fn encryption<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Encryption>, D::Error> {
    choice(deserializer).map(Some)
}

impl DestinationConfig {
    /// Returns the policy that these settings make.
    #[must_use]
    pub fn policy(&self, uploads: &UploadsConfig) -> Policy {
        Policy {
            key: self.key.clone(),
            max_file_size: self.max_file_size.unwrap_or(uploads.max_file_size).as_u64(),
            types: self.types.clone(),
            extensions: self.extensions.clone(),
            subjects: self.subjects.clone(),
            granted_only: self.granted_only,
            inline_active_types: self.inline_active_types,
            sniff: self.sniff,
            attributes: Attributes {
                cache_control: self.cache_control.clone(),
                metadata: self.metadata.clone(),
                tags: self.tags.clone(),
                storage_class: self.storage_class.clone(),
                encryption: self.encryption,
                kms_key_id: self.kms_key_id.clone(),
                acl: self.acl.clone(),
                keeps_existing: !self.overwrite,
                ..Attributes::default()
            },
            allow: self.objects.allow.clone(),
            // Settings without one have been refused where it is needed.
            scope: self.objects.scope(&self.key).unwrap_or_default(),
            ..uploads.policy()
        }
    }

    /// Returns how long an upload may take.
    #[must_use]
    pub fn token_lifetime(&self, server: &ServerConfig) -> Duration {
        self.token_lifetime.unwrap_or(server.token_lifetime)
    }

    pub(super) fn validate(&self, name: &str, settings: &Settings) -> Result<(), SettingsError> {
        let refuse = |field: &str, why: &str| {
            Err(SettingsError::unusable(format!("destinations.{name}.{field}"), why))
        };
        if let Some(store) = &self.store {
            let Some(config) = settings.stores.get(store) else {
                let names: Vec<_> = settings.stores.keys().map(String::as_str).collect();
                let why = match nearest(store, names.iter().copied()) {
                    Some(meant) => format!("there is no such store; did you mean {meant:?}?"),
                    None => format!("there is no such store among [stores]: {}", names.join(", ")),
                };
                return refuse("store", &why);
            };
            if self.bucket.is_none() && config.bucket.is_none() {
                return refuse("bucket", "neither the destination nor its store sets a bucket");
            }
        }
        if let Some(bucket) = &self.bucket {
            let (_, store) = settings.store_of(self.store.as_deref());
            store.check_bucket(bucket).or_else(|why| refuse("bucket", why))?;
        }
        if settings.uploads.key_prefix.len() + MAX_KEY_PREFIX + self.key.longest() > MAX_KEY_BYTES {
            return refuse(
                "key",
                "with uploads.key_prefix before it, keys could be longer than S3's 1,024 bytes",
            );
        }
        if let Some(index) = self.types.iter().position(|pattern| !is_type_pattern(pattern)) {
            return refuse(&format!("types[{index}]"), "it is not a media type such as image/png or image/*");
        }
        if let Some(index) = self.extensions.iter().position(|extension| !is_extension(extension)) {
            return refuse(&format!("extensions[{index}]"), "it is not an extension such as jpg");
        }
        check_metadata(&self.metadata).or_else(|why| refuse("metadata", &why))?;
        check_tags(&self.tags).or_else(|why| refuse("tags", &why))?;
        for (field, value) in [
            ("storage_class", &self.storage_class),
            ("kms_key_id", &self.kms_key_id),
            ("acl", &self.acl),
            ("cache_control", &self.cache_control),
        ] {
            value.as_deref().map_or(Ok(()), check_value).or_else(|why| refuse(field, &why))?;
        }
        if self.kms_key_id.is_some() && self.encryption != Some(Encryption::Kms) {
            return refuse("kms_key_id", "it needs encryption = \"aws:kms\"");
        }
        self.objects.check(&self.key).or_else(|(field, why)| refuse(field, why))?;
        if self.token_lifetime.is_some_and(|lifetime| lifetime < Duration::from_secs(60)) {
            return refuse("token_lifetime", "it must be at least 1m");
        }
        Ok(())
    }
}
