//! What JavaScript passes in, checked.

use std::collections::BTreeMap;
use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::limits::{MAX_PART_SIZE, MIN_PART_SIZE};
use partway_shared::upload::{Settings, UploadError};
use serde::de::{Deserialize, Deserializer, Error};

use crate::session::{self, error_of};

/// The most connections that are of any use: six to each of a few host names.
const MAX_CONCURRENCY: u64 = 64;
/// Bytes per second. Below, a part of the smallest size takes too long to be sent at once.
const MIN_RATE: u64 = 16 * 1024;
/// Seconds.
const MAX_STALL_TIMEOUT: u64 = 3_600;
const MAX_ATTEMPTS: u64 = 1_000;

/// The options of an engine.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub struct EngineOptions {
    /// The address of Partway's server.
    pub(crate) endpoint: String,
    /// The most parts on their way at once, over all files.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    concurrency: Option<Within<1, MAX_CONCURRENCY>>,
    /// The size of a part, in bytes.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    part_size: Option<Within<MIN_PART_SIZE, MAX_PART_SIZE>>,
    /// The most bytes that are sent per second, over all files.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_bytes_per_second: Option<Within<MIN_RATE, MAX_PART_SIZE>>,
    /// Seconds without progress after which a part is sent again.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    stall_timeout: Option<Within<1, MAX_STALL_TIMEOUT>>,
    /// Tries in a row without success after which an upload fails.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_attempts: Option<Within<1, MAX_ATTEMPTS>>,
    /// Whether uploads go on after a reload. Default true.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    journal: Option<bool>,
    /// Whether cookies go to the server. Default: where the server allows it.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    pub(crate) credentials: Option<Credentials>,
    /// The headers of each call to the server.
    #[serde(default, deserialize_with = "headers")]
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "Record<string, string>"))]
    pub(crate) headers: Option<Headers>,
    /// Whether the page is asked for headers, by an event.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    pub(crate) asks_for_headers: Option<bool>,
}

/// Whether cookies go along with a request, in the words of `fetch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub(crate) enum Credentials {
    Include,
    SameOrigin,
    Omit,
}

/// Header names and values.
pub(crate) type Headers = BTreeMap<String, String>;

/// A whole number within bounds.
#[derive(Clone, Copy, Debug)]
struct Within<const MIN: u64, const MAX: u64>(u64);

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer).ok().filter(|number| number.fract() == 0.0);
        let number = number.filter(|number| (MIN as f64..=MAX as f64).contains(number));
        number
            .map(|number| Self(number as u64))
            .ok_or_else(|| D::Error::custom(format_args!("it must be a whole number from {MIN} to {MAX}")))
    }
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Headers>, D::Error> {
    let headers = Option::deserialize(deserializer);
    headers.map_err(|_| D::Error::custom("it must be an object of strings"))
}

impl EngineOptions {
    /// Reads options. The error names the field.
    pub(crate) fn read<'de, D>(
        options: D,
        message: impl FnOnce(D::Error) -> String,
    ) -> Result<Self, UploadError>
    where
        D: Deserializer<'de>,
    {
        serde_path_to_error::deserialize(options).map_err(|error| {
            let field = error.path().to_string();
            invalid(&field, &message(error.into_inner()))
        })
    }

    /// Returns how a session with these options behaves.
    pub(crate) fn session(&self, epoch: u64) -> session::Options {
        let mut settings = Settings {
            concurrency: self.concurrency.map(|Within(connections)| connections as u32),
            part_size: self.part_size.map(|Within(bytes)| bytes),
            max_bytes_per_second: self.max_bytes_per_second.map(|Within(bytes)| bytes),
            ..Settings::default()
        };
        if let Some(Within(seconds)) = self.stall_timeout {
            settings.stall_timeout = Duration::from_secs(seconds);
        }
        if let Some(Within(attempts)) = self.max_attempts {
            settings.retry.max_attempts = attempts as u32;
        }
        session::Options {
            endpoint: self.endpoint.trim_end_matches('/').to_owned(),
            settings,
            journal: self.journal.unwrap_or(true),
            epoch,
        }
    }
}

/// Returns the error that a field is not acceptable.
fn invalid(field: &str, why: &str) -> UploadError {
    error_of(ErrorCode::InvalidOption, &format!("{field}: {why}"), Some(field))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(options: Value) -> Result<EngineOptions, UploadError> {
        EngineOptions::read(options, |error| error.to_string())
    }

    fn with(field: &str, value: Value) -> Value {
        let mut options = json!({ "endpoint": "https://partway.test/" });
        options[field] = value;
        options
    }

    #[test]
    fn what_is_given_is_obeyed() {
        let given = json!({ "endpoint": "https://partway.test/", "concurrency": 3, "partSize": 5 << 20, "stallTimeout": 9.0,
            "maxAttempts": 2, "maxBytesPerSecond": 1 << 20, "journal": false, "credentials": "same-origin", "headers": { "a": "b" } });
        let options = read(given).unwrap();
        assert_eq!(options.credentials, Some(Credentials::SameOrigin));
        let session = options.session(7);
        let settings = session.settings;
        assert_eq!(
            (session.endpoint.as_str(), session.journal, session.epoch),
            ("https://partway.test", false, 7)
        );
        assert_eq!((settings.concurrency, settings.part_size), (Some(3), Some(5 << 20)));
        assert_eq!((settings.stall_timeout.as_secs(), settings.retry.max_attempts), (9, 2));
        assert_eq!(settings.max_bytes_per_second, Some(1 << 20));
        assert!(
            read(with("concurrency", json!(null))).unwrap().session(0).journal,
            "unless given, it is kept"
        );
    }

    #[test]
    fn what_is_out_of_bounds_is_told_by_its_name() {
        for (field, value) in [
            ("concurrency", json!(0)),
            ("concurrency", json!(65)),
            ("concurrency", json!("6")),
            ("partSize", json!((5 << 20) - 1)),
            ("partSize", json!(6_000_000.5)),
            ("maxBytesPerSecond", json!(1)),
            ("stallTimeout", json!(-1)),
            ("maxAttempts", json!(1_001)),
            ("credentials", json!("always")),
            ("headers", json!("x")),
            ("headers", json!({ "a": 1 })),
            ("journal", json!("yes")),
            ("endpoint", json!(null)),
        ] {
            let error = read(with(field, value.clone())).expect_err(field);
            assert_eq!(error.code, ErrorCode::InvalidOption, "{value}");
            assert!(error.field.is_some_and(|named| named.split('.').next() == Some(field)), "{value}");
            assert!(error.detail.starts_with(field), "{}", error.detail);
        }
        let error = read(with("concurrency", json!(0))).unwrap_err();
        assert_eq!(error.detail, "concurrency: it must be a whole number from 1 to 64");
    }
}
