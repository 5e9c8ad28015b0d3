//! The client's name for a creation, so that asking twice is asking once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A UUID that the client makes for each file that it wants to upload, and sends again with each further try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CreationId([u8; 16]);

/// A text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCreationId;

/// How many bytes each of a UUID's groups has.
const GROUPS: [usize; 5] = [4, 2, 2, 2, 6];

impl CreationId {
    /// A random UUID (version 4) of these random bytes.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<CreationId> for String {
    fn from(id: CreationId) -> Self {
        let mut text = Self::with_capacity(36);
        let mut bytes = id.0.iter();
        for (place, len) in GROUPS.into_iter().enumerate() {
            if place > 0 {
                text.push('-');
            }
            for byte in bytes.by_ref().take(len) {
                for digit in [byte >> 4, byte & 0x0f] {
                    text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
                }
            }
        }
        text
    }
}

impl fmt::Display for CreationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl FromStr for CreationId {
    type Err = NoCreationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        let mut places = bytes.iter_mut();
        let mut groups = text.split('-');
        for len in GROUPS {
            let group = groups.next().unwrap_or_default();
            if group.len() != 2 * len {
                return Err(NoCreationId);
            }
            let mut digits = group.chars().map(|digit| digit.to_digit(16).ok_or(NoCreationId));
            for place in places.by_ref().take(len) {
                let mut digit = || digits.next().unwrap_or(Err(NoCreationId));
                *place = (digit()? << 4 | digit()?) as u8;
            }
        }
        if groups.next().is_some() { Err(NoCreationId) } else { Ok(Self(bytes)) }
    }
}

impl TryFrom<String> for CreationId {
    type Error = NoCreationId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for NoCreationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is a UUID, such as 6fa459ea-ee8a-4ca4-894e-db77e160355e")
    }
}

impl std::error::Error for NoCreationId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        let text = "6fa459ea-ee8a-4ca4-894e-db77e160355e";
        let id: CreationId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(id), "it is the same in capitals");
        assert_eq!(CreationId::from_random([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        let text = "6fa459ea-ee8a-4ca4-894e-db77e160355e";
        for bad in
            ["", "1", &text[1..], &text.replace('-', ""), &text.replace('e', "g"), &text.replace('6', "ü")]
        {
            assert_eq!(bad.parse::<CreationId>(), Err(NoCreationId), "{bad}");
        }
        assert_eq!(format!("{text}-").parse::<CreationId>(), Err(NoCreationId));
    }
}
