//! The signing key of one day, and signatures with it.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::hmac::hmac;

/// A key that signs for one region on one day.
#[derive(Clone)]
pub(super) struct SigningKey {
    /// The HMAC, before the string to sign.
    mac: Hmac<Sha256>,
    /// `20260401/eu-west-1/s3/aws4_request`.
    scope: String,
}

/// A time in the two formats that a signature needs.
#[derive(Clone, Debug)]
pub(super) struct SigningTime {
    /// `20260401`.
    pub(super) date: String,
    /// `20260401T120000Z`.
    pub(super) date_time: String,
}

impl SigningTime {
    pub(super) fn at(now: Timestamp) -> Self {
        let now = now.to_zoned(TimeZone::UTC);
        Self {
            date: now.strftime("%Y%m%d").to_string(),
            date_time: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

impl SigningKey {
    pub(super) fn new(secret: &str, date: &str, region: &str) -> Self {
        let mut key = mac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
        for step in [region, "s3", "aws4_request"] {
            key = mac(&key, step.as_bytes());
        }
        Self { mac: hmac(&key), scope: format!("{date}/{region}/s3/aws4_request") }
    }

    /// Returns the signature, in hex, of a form's policy in base64.
    pub(super) fn sign_policy(&self, policy: &str) -> [u8; 64] {
        let mut mac = self.mac.clone();
        mac.update(policy.as_bytes());
        hex(&mac.finalize().into_bytes().into())
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    /// Returns an HMAC of the string to sign, up to the hash of the request.
    pub(super) fn prepare(&self, time: &SigningTime) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        for piece in ["AWS4-HMAC-SHA256\n", &time.date_time, "\n", &self.scope, "\n"] {
            mac.update(piece.as_bytes());
        }
        mac
    }
}

/// Returns the signature, in hex, of a request whose canonical form was hashed.
pub(super) fn sign(mut prepared: Hmac<Sha256>, request: Sha256) -> [u8; 64] {
    prepared.update(&hex(&request.finalize().into()));
    hex(&prepared.finalize().into_bytes().into())
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    text
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = hmac(key);
    mac.update(text);
    mac.finalize().into_bytes().into()
}
