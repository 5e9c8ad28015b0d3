//! Upload tokens: the server's state of an upload, carried by the client.
//!
//! `base64url(claims as JSON) . base64url(HMAC-SHA256)`, with a secret that all replicas share. Its holder can read
//! it, and nobody can change it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use partway_s3::hmac::hmac;
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_KEY_BYTES;
use partway_shared::plan::{Plan, Strategy};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// The prefix that separates these signatures from others with the same secret.
const CONTEXT: &[u8] = b"partway upload token v1\0";

/// The longest token in bytes, issued or accepted: enough for the longest key, a store's longest upload id, and what
/// an application adds.
pub const MAX_TOKEN_BYTES: usize = 8 * 1_024;

/// The bytes that are reserved for the store's upload id, which is added last. S3 gives no limit; known ids have 30
/// to 400 bytes.
const MAX_UPLOAD_ID_BYTES: usize = 1_024;

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
    /// The file's size in bytes.
    pub size: u64,
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
    /// When the token expires, in seconds since 1970.
    pub expires_at: u64,
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
        Plan::from_strategy(self.size, self.strategy)
            .ok_or_else(|| Problem::new(ErrorCode::TokenInvalid, "the token's plan exceeds S3's limits"))
    }

    /// Checks that a token can hold these claims, with room for an upload id.
    ///
    /// # Errors
    /// The name of the field to blame: the longest one of those that an application chooses.
    pub fn check_length(&self) -> Result<(), &'static str> {
        let room = if self.upload_id.is_none() { MAX_UPLOAD_ID_BYTES } else { 0 };
        if token_bytes(json(self).len() + room) <= MAX_TOKEN_BYTES {
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

/// Returns the length of a token whose claims have so many bytes.
const fn token_bytes(claims: usize) -> usize {
    // Four characters for three bytes, a dot, and the signature.
    (claims * 4).div_ceil(3) + 1 + 43
}

/// Issues and checks tokens.
#[derive(Clone)]
pub struct TokenMint {
    mac: Hmac<Sha256>,
}

impl TokenMint {
    /// Creates a mint with this secret.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        let mut mac = hmac(secret.expose_secret().as_bytes());
        mac.update(CONTEXT);
        Self { mac }
    }

    /// Derives bytes from these fields that only this server can compute, and that are no token's signature: a
    /// token's signed text does not begin with a zero byte. Each field is preceded by its length, so that different
    /// fields never give the same input.
    pub(crate) fn derive(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(b"\0");
        for field in [purpose.as_bytes()].iter().chain(fields) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }

    /// Issues a token with these claims.
    ///
    /// # Errors
    /// [`ErrorCode::StoreMisbehaved`] where the store's upload id is longer than the room that
    /// [`UploadClaims::check_length`] reserves: [`check`](Self::check) would refuse the token.
    pub fn issue(&self, claims: &UploadClaims) -> Result<String, Problem> {
        let claims = json(claims);
        if token_bytes(claims.len()) > MAX_TOKEN_BYTES {
            let why =
                format!("with the store's upload id, the token would have more than {MAX_TOKEN_BYTES} bytes");
            return Err(Problem::new(ErrorCode::StoreMisbehaved, why));
        }
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let mut mac = self.mac.clone();
        mac.update(claims.as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Ok(format!("{claims}.{tag}"))
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
        let (claims, tag) =
            token.split_once('.').ok_or_else(|| invalid("the token is not one of this server"))?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| invalid("the token's signature is not base64"))?;
        let mut mac = self.mac.clone();
        mac.update(claims.as_bytes());
        mac.verify_slice(&tag).map_err(|_| invalid("the token's signature is not this server's"))?;
        let claims =
            URL_SAFE_NO_PAD.decode(claims).map_err(|_| invalid("the token's claims are not base64"))?;
        let claims: UploadClaims = serde_json::from_slice(&claims)
            .map_err(|_| invalid("the token's claims are of another version"))?;
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
            size: 100,
            strategy: Strategy::Multipart { part_size: 10 },
            checksum: ChecksumKind::Crc64Nvme,
            content_type: "image/jpeg".to_owned(),
            content_disposition: None,
            metadata: BTreeMap::new(),
            tags: BTreeMap::new(),
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
        let with_id = UploadClaims { upload_id: Some("u".repeat(MAX_UPLOAD_ID_BYTES)), ..tagged(longest) };
        let token = mint("secret").issue(&with_id).unwrap();
        assert!(token.len() <= MAX_TOKEN_BYTES && token.len() > MAX_TOKEN_BYTES - 16, "{}", token.len());
        assert_eq!(mint("secret").check(&token, "ada", 1), Ok(with_id.clone()));
        let longer = UploadClaims { upload_id: Some("u".repeat(MAX_UPLOAD_ID_BYTES + 16)), ..with_id };
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
