//! What JavaScript passes in, checked.

use std::time::Duration;

use partway_shared::limits::{MAX_PART_SIZE, MIN_PART_SIZE};
use partway_shared::transfer::TransferError;
use partway_shared::upload::Settings;
use partway_web_io::options::{
    self, Access, Attempts, Concurrency, Credentials, Headers, Rate, StallTimeout, Within,
};
use serde::de::Deserializer;

use crate::session;

/// The options of an engine.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub struct EngineOptions {
    /// The address of Partway's server.
    endpoint: String,
    /// The most parts on their way at once, over all files.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    concurrency: Option<Concurrency>,
    /// The size of a part, in bytes.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    part_size: Option<Within<MIN_PART_SIZE, MAX_PART_SIZE>>,
    /// The most bytes that are sent per second, over all files.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_bytes_per_second: Option<Rate>,
    /// Seconds without progress after which a part is sent again.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    stall_timeout: Option<StallTimeout>,
    /// Tries in a row without success after which an upload fails.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_attempts: Option<Attempts>,
    /// Whether uploads go on after a reload. Default true.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    journal: Option<bool>,
    /// Whether cookies go to the server. Default: where the server allows it.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    credentials: Option<Credentials>,
    /// The headers of each call to the server.
    #[serde(default, deserialize_with = "options::headers")]
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "Record<string, string>"))]
    headers: Option<Headers>,
    /// Whether the page is asked for headers, by an event.
    #[cfg_attr(target_family = "wasm", tsify(optional))]
    asks_for_headers: Option<bool>,
}

impl EngineOptions {
    /// Reads options. The error names the field.
    pub(crate) fn read<'de, D>(
        options: D,
        message: impl FnOnce(D::Error) -> String,
    ) -> Result<Self, TransferError>
    where
        D: Deserializer<'de>,
    {
        options::read(options, message)
    }

    /// Returns what goes along with each call to the server.
    pub(crate) fn access(&self) -> Access {
        Access {
            endpoint: self.endpoint.trim_end_matches('/').to_owned(),
            headers: self.headers.clone().unwrap_or_default(),
            asks_for_headers: self.asks_for_headers == Some(true),
            credentials: self.credentials,
        }
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

#[cfg(test)]
mod tests {
    use partway_shared::error::ErrorCode;
    use serde_json::{Value, json};

    use super::*;

    fn read(options: Value) -> Result<EngineOptions, TransferError> {
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
