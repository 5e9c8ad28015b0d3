//! Signatures after Standard Webhooks, for which every language has a library.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use partway_s3::hmac::hmac;
use sha2::Sha256;

/// The secret that signs hooks.
#[derive(Clone)]
pub struct SigningSecret(Hmac<Sha256>);

impl SigningSecret {
    /// Parses `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// When the text is something else. The error does not contain it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let key = text.strip_prefix("whsec_").ok_or("it begins with \"whsec_\"")?;
        let key = STANDARD.decode(key).map_err(|_| "after \"whsec_\" it is base64")?;
        if !(24..=64).contains(&key.len()) {
            return Err("it must be \"whsec_\" and 24 to 64 bytes in base64");
        }
        Ok(Self(hmac(&key)))
    }

    /// Returns the value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the reference implementations.
    #[test]
    fn the_vector_of_the_standard() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret() {
        for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!!"] {
            assert!(SigningSecret::parse(bad).is_err(), "{bad:?}");
        }
    }
}
