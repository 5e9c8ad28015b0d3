//! What JavaScript passes in, checked.

use std::time::Duration;

use partway_shared::download::Settings;
use partway_shared::transfer::TransferError;
use partway_web_io::options::{
    self, Access, Attempts, Concurrency, Credentials, Headers, Rate, StallTimeout, Within,
};
use serde::de::Deserializer;

/// The options of an engine.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub struct EngineOptions {
    /// The address of Partway's server.
    endpoint: String,
    /// The most requests on their way at once, over all downloads.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    concurrency: Option<Concurrency>,
    /// The most bytes that are asked for per second, over all downloads.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_bytes_per_second: Option<Rate>,
    /// Seconds without progress after which a request is made again.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    stall_timeout: Option<StallTimeout>,
    /// Tries in a row without success after which a download fails.
    #[cfg_attr(target_family = "wasm", tsify(optional, type = "number"))]
    max_attempts: Option<Attempts>,
    /// Whether downloads go on after a reload. Default true.
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

/// Where a download goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub enum Target {
    /// To the browser's own downloads.
    Browser,
    /// Into the file of a handle.
    File,
    /// To the page, in order.
    Stream,
    /// Into a `Blob`.
    Memory,
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

    /// Returns whether downloads go on after a reload.
    pub(crate) fn journal(&self) -> bool {
        self.journal.unwrap_or(true)
    }

    /// Returns how the machine behaves.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings {
            concurrency: self.concurrency.map(|Within(connections)| connections as u32),
            max_bytes_per_second: self.max_bytes_per_second.map(|Within(bytes)| bytes),
            ..Settings::default()
        };
        if let Some(Within(seconds)) = self.stall_timeout {
            settings.stall_timeout = Duration::from_secs(seconds);
        }
        if let Some(Within(attempts)) = self.max_attempts {
            settings.retry.max_attempts = attempts as u32;
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_given_is_obeyed_and_what_is_out_of_bounds_is_named() {
        let read = |options| EngineOptions::read::<serde_json::Value>(options, |error| error.to_string());
        let given = json!({ "endpoint": "https://partway.test/", "concurrency": 3, "stallTimeout": 9.0, "maxAttempts": 2,
            "maxBytesPerSecond": 1 << 20, "journal": false, "credentials": "omit", "headers": { "a": "b" } });
        let options = read(given).unwrap();
        let access = options.access();
        assert_eq!((access.endpoint.as_str(), access.asks_for_headers), ("https://partway.test", false));
        assert_eq!((access.credentials, access.headers.len()), (Some(Credentials::Omit), 1));
        let settings = options.settings();
        assert_eq!((settings.concurrency, settings.max_bytes_per_second), (Some(3), Some(1 << 20)));
        assert_eq!((settings.stall_timeout.as_secs(), settings.retry.max_attempts), (9, 2));
        assert!(!options.journal());
        assert!(read(json!({ "endpoint": "/" })).unwrap().journal(), "unless given, it is kept");
        let error = read(json!({ "endpoint": "/", "concurrency": 0 })).unwrap_err();
        assert_eq!(error.detail, "concurrency: it must be a whole number from 1 to 64");
        assert_eq!(error.field.as_deref(), Some("concurrency"));
    }
}
