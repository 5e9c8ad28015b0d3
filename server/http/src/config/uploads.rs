//! `[uploads]`: how files are split, signed and verified, for all destinations.

use std::time::Duration;

use bytesize::ByteSize;
use partway_shared::checksum::ChecksumKind;
use partway_shared::limits::{
    DEFAULT_PART_SIZE, DEFAULT_SINGLE_PUT_MAX, MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PRESIGN_SECONDS,
    MAX_SINGLE_PUT_SIZE, MIN_PART_SIZE,
};
use partway_shared::plan::PlanLimits;
use serde::Deserialize;

use crate::policy::Policy;

use super::{SettingsError, choice, duration};

/// The settings of uploads.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadsConfig {
    /// The prefix of every key, such as `incoming/`, at most 512 bytes. Default: empty.
    pub key_prefix: String,
    /// The largest file. Default: S3's limit, 48.8 TiB.
    pub max_file_size: ByteSize,
    /// Files up to this size are sent by one PUT. Default: `16 MiB`, at most `5 GiB`.
    ///
    /// A larger size saves requests; a smaller one loses less when a connection breaks.
    pub single_put_max: ByteSize,
    /// Files up to this size are sent as forms, if the store supports them. Default: `1 MiB`; with `0 B` only empty
    /// files are.
    ///
    /// A form saves a preflight, which is most of the cost of a small file; but browsers report no progress of it.
    pub form_max: ByteSize,
    /// The size of parts, unless a file needs larger ones. Default: `16 MiB`, from `5 MiB` to `5 GiB`.
    pub part_size: ByteSize,
    /// Objects up to this size are copied at once, by one call of this server. Default: `64 MiB`, at most `5 GiB`.
    ///
    /// A client has the store copy larger ones in parts, sees them move, and can go on later.
    pub copy_threshold: ByteSize,
    /// The size of parts that are copied, unless an object has more than 1,000 of them. Default: `64 MiB`, from `5 MiB` to
    /// `5 GiB`.
    pub copy_part_size: ByteSize,
    /// How uploads are verified. `auto` (the default) tries out at the start which of the following the store
    /// verifies, with small objects under `.partway/` below `key_prefix`, and takes the first.
    ///
    /// `crc64_nvme`: every part's checksum is signed, and the store verifies it and the whole object's.
    /// `md5`: each part's `Content-MD5` is signed and verified, and the object's ETag is compared with the parts'
    /// MD5s.
    /// `none`: only lengths and ETags are compared.
    #[serde(deserialize_with = "choice")]
    pub checksum: ChecksumSetting,
    /// How long a presigned URL is valid. Default: `15m`, at most `7d`. Clients renew URLs by themselves.
    #[serde(deserialize_with = "duration::required")]
    pub url_lifetime: Duration,
}

/// How uploads are verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksumSetting {
    /// By the strongest kind that the store verifies.
    #[default]
    Auto,
    /// By CRC-64/NVME.
    Crc64Nvme,
    /// By MD5.
    Md5,
    /// Not at all.
    None,
}

impl ChecksumSetting {
    /// Returns the kind, or `None` where the store is to be probed for it.
    #[must_use]
    pub const fn kind(self) -> Option<ChecksumKind> {
        match self {
            Self::Auto => None,
            Self::Crc64Nvme => Some(ChecksumKind::Crc64Nvme),
            Self::Md5 => Some(ChecksumKind::Md5),
            Self::None => Some(ChecksumKind::None),
        }
    }
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self {
            key_prefix: String::new(),
            max_file_size: ByteSize(MAX_OBJECT_SIZE),
            single_put_max: ByteSize(DEFAULT_SINGLE_PUT_MAX),
            form_max: ByteSize::mib(1),
            part_size: ByteSize(DEFAULT_PART_SIZE),
            copy_threshold: ByteSize::mib(64),
            copy_part_size: ByteSize::mib(64),
            checksum: ChecksumSetting::Auto,
            url_lifetime: Duration::from_secs(15 * 60),
        }
    }
}

impl UploadsConfig {
    /// Returns the policy of a destination that has no settings of its own.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            key_prefix: self.key_prefix.clone(),
            max_file_size: self.max_file_size.as_u64(),
            plan: PlanLimits {
                single_put_max: self.single_put_max.as_u64(),
                part_size: self.part_size.as_u64(),
                ..PlanLimits::default()
            },
            copy_plan: PlanLimits {
                single_put_max: self.copy_threshold.as_u64(),
                part_size: self.copy_part_size.as_u64(),
                ..PlanLimits::default()
            },
            ..Policy::default()
        }
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        for (field, part_size) in
            [("uploads.part_size", self.part_size), ("uploads.copy_part_size", self.copy_part_size)]
        {
            if !(MIN_PART_SIZE..=MAX_PART_SIZE).contains(&part_size.as_u64()) {
                return Err(SettingsError::unusable(field, "it must be from 5 MiB to 5 GiB"));
            }
        }
        if self.copy_threshold.as_u64() > MAX_SINGLE_PUT_SIZE {
            return Err(SettingsError::unusable(
                "uploads.copy_threshold",
                "S3 copies at most 5 GiB in one call",
            ));
        }
        if self.single_put_max.as_u64() > MAX_SINGLE_PUT_SIZE {
            return Err(SettingsError::unusable(
                "uploads.single_put_max",
                "S3 takes at most 5 GiB in one PUT",
            ));
        }
        if !(1..=MAX_PRESIGN_SECONDS).contains(&self.url_lifetime.as_secs()) {
            return Err(SettingsError::unusable(
                "uploads.url_lifetime",
                "a presigned URL lives from 1s to 7d",
            ));
        }
        let prefix = &self.key_prefix;
        if prefix.len() > 512 || prefix.starts_with('/') || prefix.chars().any(char::is_control) {
            let why = "it must have at most 512 bytes, no control characters, and no slash at its beginning";
            return Err(SettingsError::unusable("uploads.key_prefix", why));
        }
        Ok(())
    }
}
