//! Durations in settings: `30s`, `15m`, `7d`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, de};

/// Parses a duration. A day has 24 hours, and a week seven days; months and years have no fixed length.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|_| "it is not a length of time such as 15m or 7d".to_owned())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let length = length.map_err(|_| "it has no certain length; say it in days".to_owned())?;
    Duration::try_from(length).map_err(|_| "it must not be negative".to_owned())
}

pub(super) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    required(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("1h 30m", 5_400),
            ("7d", 604_800),
            ("2 days", 172_800),
            ("1w", 604_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "7", "soon", "1 month", "-1h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
