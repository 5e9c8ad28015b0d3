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
    /// A UUID of these random bytes and of the time at which it is made (version 7), in milliseconds since 1970; of the bytes
    /// alone (version 4) where nobody knows the time.
    #[must_use]
    pub fn new(mut bytes: [u8; 16], made_at: Option<u64>) -> Self {
        let version = match made_at {
            Some(made_at) => {
                bytes[..6].copy_from_slice(&made_at.to_be_bytes()[2..]);
                0x70
            }
            None => 0x40,
        };
        bytes[6] = bytes[6] & 0x0f | version;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// When it was made, by the clock of whoever made it, in milliseconds since 1970; `None` if it does not say.
    #[must_use]
    pub fn made_at(&self) -> Option<u64> {
        let high = self.0.iter().take(6).fold(0, |millis, byte| millis << 8 | u64::from(*byte));
        (self.0[6] >> 4 == 7).then_some(high)
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
        assert_eq!(CreationId::new([0xff; 16], None).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        // The example of RFC 9562.
        let example: CreationId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        assert_eq!(example.made_at(), Some(1_645_557_742_000));
        assert_eq!(CreationId::new(*example.as_bytes(), example.made_at()), example);
        assert_eq!(id.made_at(), None);
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
