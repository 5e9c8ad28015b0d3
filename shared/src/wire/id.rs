//! The client's name for a creation, so that asking twice is asking once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::fmt::Hyphenated;
use uuid::{Builder, Uuid, Version};

/// A UUID that the client makes for each file that it wants to upload, and sends again with each further try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CreationId(Uuid);

/// A text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCreationId;

impl CreationId {
    /// Creates a UUID from these random bytes and the time at which it is made (version 7), in milliseconds since 1970; from
    /// the bytes alone (version 4) where the time is not known.
    #[must_use]
    pub const fn new(random: [u8; 16], made_at: Option<u64>) -> Self {
        Self(match made_at {
            Some(millis) => {
                let [_, _, _, _, _, _, rest @ ..] = random;
                Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
            }
            None => Builder::from_random_bytes(random).into_uuid(),
        })
    }

    /// Returns when it was made, by the clock of its maker, in milliseconds since 1970; `None` if it does not say.
    #[must_use]
    pub fn made_at(&self) -> Option<u64> {
        let made_at = self.0.get_timestamp().filter(|_| self.0.get_version() == Some(Version::SortRand))?;
        let (seconds, nanos) = made_at.to_unix();
        Some(seconds * 1_000 + u64::from(nanos / 1_000_000))
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<CreationId> for String {
    fn from(id: CreationId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CreationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for CreationId {
    type Err = NoCreationId;

    /// Parses the form with hyphens and no other, so that one id has one text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Hyphenated>().map(|id| Self(id.into_uuid())).map_err(|_| NoCreationId)
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
        // Versions 1 and 6 hold a time as well, which says nothing of when a file was first asked for.
        let gregorian: CreationId = "c232ab00-9414-11ec-b3c8-9f6bdeced846".parse().unwrap();
        assert_eq!(gregorian.made_at(), None);
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        let text = "6fa459ea-ee8a-4ca4-894e-db77e160355e";
        for bad in
            ["", "1", &text[1..], &text.replace('-', ""), &text.replace('e', "g"), &text.replace('6', "ü")]
        {
            assert_eq!(bad.parse::<CreationId>(), Err(NoCreationId), "{bad}");
        }
        for bad in [format!("{text}-"), format!("{{{text}}}"), format!("urn:uuid:{text}")] {
            assert_eq!(bad.parse::<CreationId>(), Err(NoCreationId), "{bad}");
        }
    }
}
