//! Sealed texts: what the server gives to a client, and trusts when it comes back.
//!
//! `base64url(JSON) . base64url(HMAC-SHA256)`. Who holds one can read it, and nobody can change it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use partway_s3::hmac::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// A seal for one kind of text.
#[derive(Clone)]
pub(crate) struct Seal {
    mac: Hmac<Sha256>,
}

/// Why a text is not what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// It does not have the form of a sealed text.
    Foreign,
    /// It was changed, or sealed with another secret or for another purpose.
    Forged,
    /// It was sealed here, with fields that are not known.
    Unreadable,
}

impl Seal {
    /// Creates a seal. The context keeps texts of different kinds apart that are sealed with the same secret.
    pub(crate) fn new(secret: &SecretString, context: &[u8]) -> Self {
        let mut mac = hmac(secret.expose_secret().as_bytes());
        mac.update(context);
        Self { mac }
    }

    /// Derives bytes from these fields that only this server can compute, and that are no text's signature: what is
    /// signed does not begin with a zero byte. Each field is preceded by its length, so that different fields never
    /// give the same input.
    pub(crate) fn derive(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(b"\0");
        for field in [purpose.as_bytes()].iter().chain(fields) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }

    /// Seals the JSON of a value of strings and numbers, which always exists.
    pub(crate) fn close(&self, value: &impl Serialize) -> String {
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap_or_default());
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{text}.{tag}")
    }

    /// Returns what was sealed.
    pub(crate) fn open<T: DeserializeOwned>(&self, sealed: &str) -> Result<T, Unsealed> {
        let (text, tag) = sealed.split_once('.').ok_or(Unsealed::Foreign)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Unsealed::Foreign)?;
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac.verify_slice(&tag).map_err(|_| Unsealed::Forged)?;
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unsealed::Unreadable)?;
        serde_json::from_slice(&json).map_err(|_| Unsealed::Unreadable)
    }
}

/// Returns the length of a sealed text, for the length of its JSON.
pub(crate) const fn sealed_bytes(json: usize) -> usize {
    // Four characters for three bytes, a dot, and the signature.
    (json * 4).div_ceil(3) + 1 + 43
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_seal() {
        let seal = |secret: &str, context: &[u8]| Seal::new(&secret.into(), context);
        let sealed = seal("secret", b"one\0").close(&"text");
        assert_eq!(sealed.len(), sealed_bytes("\"text\"".len()));
        assert_eq!(seal("secret", b"one\0").open::<String>(&sealed), Ok("text".to_owned()));
        assert_eq!(seal("secret", b"one\0").open::<u32>(&sealed), Err(Unsealed::Unreadable));
        assert_eq!(seal("secret", b"two\0").open::<String>(&sealed), Err(Unsealed::Forged));
        assert_eq!(seal("other", b"one\0").open::<String>(&sealed), Err(Unsealed::Forged));
        assert_eq!(seal("secret", b"one\0").open::<String>("text"), Err(Unsealed::Foreign));
        assert_eq!(seal("secret", b"one\0").open::<String>("text.!"), Err(Unsealed::Foreign));
    }
}
