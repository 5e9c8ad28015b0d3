//! Upload tokens: the server's state of an upload, carried by the client.
//!
//! They are sealed with a secret that all replicas share. A token's holder can read it, and nobody can change it.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_KEY_BYTES;
use partway_shared::part::ETag;
use partway_shared::plan::{MAX_STEPS, Plan, Strategy};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::seal::{self, Seal, Unsealed};

/// The prefix that separates these signatures from others with the same secret.
const CONTEXT: &[u8] = b"partway upload token v1\0";

/// The longest token in bytes, issued or accepted: enough for the longest key, a store's longest upload id, and what
/// an application adds.
pub const MAX_TOKEN_BYTES: usize = 8 * 1_024;

/// The bytes that are reserved for the store's upload id, which is added last. S3 gives no limit; known ids have 30
/// to 400 bytes.
const MAX_UPLOAD_ID_BYTES: usize = 1_024;

/// The bytes of one step of a plan, as JSON. As many are reserved as a plan can have, since parts can grow later.
const STEP_BYTES: usize = r#"{"from":10000,"part_size":5368709120},"#.len();

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadClaims {
    /// The upload's id: in hooks, in the log, and on the object where two uploads can have the same key.
    pub id: Uuid,
    /// The subject that owns the upload.
    pub subject: String,
    /// The destination's name.
    pub destination: String,
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Whether another upload can have the same key, so that an object under it need not belong to this one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shared: bool,
    /// Whether the file is sent to a key below `.partway/`, from which its completion moves it. Only for single PUTs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub staged: bool,
    /// The store's id of the multipart upload; `None` for a single PUT.
    pub upload_id: Option<String>,
    /// The file's size in bytes; none for a stream, whose size its completion shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The most bytes that a stream may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// How the file is split.
    pub strategy: Strategy,
    /// How it is verified.
    pub checksum: ChecksumKind,
    /// The object's media type, which a single PUT's URL signs.
    pub content_type: String,
    /// The object's `Content-Disposition`, which a single PUT's URL signs.
    pub content_disposition: Option<String>,
    /// The object's metadata, besides the destination's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The object's tags, besides the destination's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The object that is copied, if the upload is a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceClaims>,
    /// When the token expires, in seconds since 1970.
    pub expires_at: u64,
}

/// The object that an upload is a copy of, as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceClaims {
    /// The destination by which the caller reaches it.
    pub destination: String,
    /// Its bucket's name.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if the caller has named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its ETag.
    pub etag: ETag,
    /// The checksum of all its bytes, where the store has verified one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Crc64Nvme>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl UploadClaims {
    /// Returns the plan by which the file is split.
    ///
    /// # Errors
    /// [`ErrorCode::TokenInvalid`] for a plan beyond S3's limits, which this server never issues.
    pub fn plan(&self) -> Result<Plan, Problem> {
        Plan::from_strategy(self.size, self.strategy.clone())
            .ok_or_else(|| Problem::new(ErrorCode::TokenInvalid, "the token's plan exceeds S3's limits"))
    }

    /// Returns the file's size in bytes, which all but a stream have before they are complete.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.size.unwrap_or_default()
    }

    /// Returns the claims of a stream that has turned out to have so many bytes.
    #[must_use]
    pub fn ended(&self, size: u64) -> Self {
        Self { size: Some(size), ..self.clone() }
    }

    /// Checks that a stream may have so many bytes.
    ///
    /// # Errors
    /// [`ErrorCode::FileTooLarge`] where it may not.
    pub fn check_size(&self, size: u64) -> Result<(), Problem> {
        match self.max_size.filter(|max| size > *max) {
            None => Ok(()),
            Some(max) => {
                let why =
                    format!("the stream has {size} bytes, and at most {} may be uploaded", ByteSize(max));
                Err(Problem::new(ErrorCode::FileTooLarge, why))
            }
        }
    }

    /// Returns which checksum each part's URL wants: none where the store has the bytes already.
    #[must_use]
    pub fn part_checksum(&self) -> ChecksumKind {
        if self.source.is_some() { ChecksumKind::None } else { self.checksum }
    }

    /// Checks that a token can hold these claims, with room for an upload id.
    ///
    /// # Errors
    /// The name of the field to blame: the longest one of those that an application chooses.
    pub fn check_length(&self) -> Result<(), &'static str> {
        let room = if self.upload_id.is_none() { MAX_UPLOAD_ID_BYTES + MAX_STEPS * STEP_BYTES } else { 0 };
        if seal::sealed_bytes(json(self).len() + room) <= MAX_TOKEN_BYTES {
            return Ok(());
        }
        let chosen = [
            ("key", json(&self.key).len()),
            ("metadata", json(&self.metadata).len()),
            ("tags", json(&self.tags).len()),
        ];
        Err(chosen.iter().max_by_key(|(_, bytes)| *bytes).map_or("key", |(name, _)| name))
    }
}

/// Returns the JSON of strings and numbers, which always exists.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Issues and checks tokens.
#[derive(Clone)]
pub struct TokenMint {
    seal: Seal,
}

impl TokenMint {
    /// Creates a mint with this secret.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        Self { seal: Seal::new(secret, CONTEXT) }
    }

    /// Derives bytes from these fields that only this server can compute.
    pub(crate) fn derive(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
        self.seal.derive(purpose, fields)
    }

    /// Issues a token with these claims.
    ///
    /// # Errors
    /// [`ErrorCode::StoreMisbehaved`] where the store's upload id is longer than the room that
    /// [`UploadClaims::check_length`] reserves: [`check`](Self::check) would refuse the token.
    pub fn issue(&self, claims: &UploadClaims) -> Result<String, Problem> {
        let token = self.seal.close(claims);
        if token.len() > MAX_TOKEN_BYTES {
            let why =
                format!("with the store's upload id, the token would have more than {MAX_TOKEN_BYTES} bytes");
            return Err(Problem::new(ErrorCode::StoreMisbehaved, why));
        }
        Ok(token)
    }

    /// Returns the claims of a token of this server that has not expired at `now` (seconds since 1970) and belongs to
    /// this subject.
    ///
    /// # Errors
    /// [`ErrorCode::TokenInvalid`], [`ErrorCode::TokenExpired`] or [`ErrorCode::TokenForeign`].
    pub fn check(&self, token: &str, subject: &str, now: u64) -> Result<UploadClaims, Problem> {
        let invalid = |why| Problem::new(ErrorCode::TokenInvalid, why);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(invalid("the token is longer than any token of this server"));
        }
        let claims: UploadClaims = self.seal.open(token).map_err(|why| {
            invalid(match why {
                Unsealed::Foreign => "the token is not one of this server",
                Unsealed::Forged => "the token's signature is not this server's",
                Unsealed::Unreadable => "the token's claims are of another version",
            })
        })?;
        if claims.expires_at <= now {
            return Err(Problem::new(ErrorCode::TokenExpired, "create the upload again"));
        }
        if claims.subject != subject {
            return Err(Problem::new(ErrorCode::TokenForeign, "the upload was created by another subject"));
        }
        debug_assert!(claims.key.len() <= MAX_KEY_BYTES);
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use partway_shared::limits::GIB;
    use partway_shared::part::PartNumber;
    use partway_shared::plan::Step;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn claims() -> UploadClaims {
        UploadClaims {
            id: Uuid::nil(),
            subject: "ada".to_owned(),
            destination: "default".to_owned(),
            bucket: "photos".to_owned(),
            key: "a/ü.jpg".to_owned(),
            shared: false,
            staged: false,
            upload_id: Some("u1".to_owned()),
            size: Some(100),
            max_size: None,
            strategy: Strategy::equal(10),
            checksum: ChecksumKind::Crc64Nvme,
            content_type: "image/jpeg".to_owned(),
            content_disposition: None,
            metadata: BTreeMap::new(),
            tags: BTreeMap::new(),
            source: None,
            expires_at: 1_000,
        }
    }

    fn mint(secret: &str) -> TokenMint {
        TokenMint::new(&secret.into())
    }

    fn code(result: Result<UploadClaims, Problem>) -> ErrorCode {
        result.unwrap_err().code
    }

    #[test]
    fn a_token_reads_back() {
        let token = mint("secret").issue(&claims()).unwrap();
        assert_eq!(mint("secret").check(&token, "ada", 999), Ok(claims()));
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "fits anywhere");
    }

    #[test]
    fn others_are_refused_each_for_its_reason() {
        let token = mint("secret").issue(&claims()).unwrap();
        let check = |token: &str, subject, now| code(mint("secret").check(token, subject, now));
        assert_eq!(check(&token, "ada", 1_000), ErrorCode::TokenExpired);
        assert_eq!(check(&token, "eve", 1), ErrorCode::TokenForeign);
        assert_eq!(code(mint("other").check(&token, "ada", 1)), ErrorCode::TokenInvalid);
        for bad in ["", ".", "a.b", &token[1..], &token[..token.len() - 1], &"x".repeat(9_000)] {
            assert_eq!(check(bad, "ada", 1), ErrorCode::TokenInvalid, "{bad}");
        }
    }

    #[test]
    fn what_is_issued_can_be_read() {
        let tagged = |bytes: usize| {
            let tags = BTreeMap::from([("t".to_owned(), "x".repeat(bytes))]);
            UploadClaims { upload_id: None, tags, ..claims() }
        };
        let fits = |bytes: usize| tagged(bytes).check_length().is_ok();
        let longest = (0..MAX_TOKEN_BYTES).rev().find(|bytes| fits(*bytes)).unwrap();
        assert_eq!(tagged(longest + 1).check_length(), Err("tags"));
        let steps = (0..MAX_STEPS).map(|n| Step {
            from: PartNumber::new(if n == 0 { 1 } else { 9_000 + n as u32 }).unwrap(),
            part_size: 5 * GIB - n as u64,
        });
        let strategy = Strategy::Multipart { steps: steps.collect::<Vec<_>>().try_into().unwrap() };
        let with_id =
            UploadClaims { upload_id: Some("u".repeat(MAX_UPLOAD_ID_BYTES)), strategy, ..tagged(longest) };
        let token = mint("secret").issue(&with_id).unwrap();
        assert!(token.len() <= MAX_TOKEN_BYTES && token.len() > MAX_TOKEN_BYTES - 128, "{}", token.len());
        assert_eq!(mint("secret").check(&token, "ada", 1), Ok(with_id.clone()));
        let longer = UploadClaims { upload_id: Some("u".repeat(MAX_UPLOAD_ID_BYTES + 128)), ..with_id };
        assert_eq!(mint("secret").issue(&longer).unwrap_err().code, ErrorCode::StoreMisbehaved);
    }

    proptest! {
        /// No byte of a token can be changed.
        #[test]
        fn a_changed_token_is_refused(at in any::<proptest::sample::Index>(), to in "[A-Za-z0-9_.-]") {
            let token = mint("secret").issue(&claims()).unwrap();
            let at = at.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            // The last character of each half has bits that no byte uses, which base64 refuses to be set.
            let expected = changed == token;
            prop_assert_eq!(mint("secret").check(&changed, "ada", 1).is_ok(), expected);
        }
    }
}
