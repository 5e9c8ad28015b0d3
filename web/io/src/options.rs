//! What JavaScript passes in, read and checked, as far as both engines take it.

use std::collections::BTreeMap;

use partway_shared::error::ErrorCode;
use partway_shared::limits::MAX_PART_SIZE;
use partway_shared::transfer::TransferError;
use serde::de::{Deserialize, Deserializer, Error};

/// The most connections that are of any use: six to each of a few host names.
const MAX_CONCURRENCY: u64 = 64;
/// Bytes per second. Below, a piece of the smallest size takes too long to be asked for or sent at once.
const MIN_RATE: u64 = 16 * 1024;
/// Seconds.
const MAX_STALL_TIMEOUT: u64 = 3_600;
const MAX_ATTEMPTS: u64 = 1_000;

/// How many requests are on their way at once.
pub type Concurrency = Within<1, MAX_CONCURRENCY>;
/// Bytes per second.
pub type Rate = Within<MIN_RATE, MAX_PART_SIZE>;
/// Seconds without progress.
pub type StallTimeout = Within<1, MAX_STALL_TIMEOUT>;
/// Tries in a row without success.
pub type Attempts = Within<1, MAX_ATTEMPTS>;

/// Header names and values.
pub type Headers = BTreeMap<String, String>;

/// Partway's server, and what goes along with each call to it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Its address, without a slash at its end.
    pub endpoint: String,
    /// The headers of each call, unless the page is asked for them.
    pub headers: Headers,
    /// Whether the page is asked for headers.
    pub asks_for_headers: bool,
    /// Whether cookies go along. None: where the server allows it.
    pub credentials: Option<Credentials>,
}

/// Whether cookies go along with a request, in the words of `fetch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(target_family = "wasm", derive(tsify::Tsify))]
pub enum Credentials {
    /// To any server.
    Include,
    /// To a server of the page's own origin.
    SameOrigin,
    /// Never.
    Omit,
}

/// A whole number within bounds.
#[derive(Clone, Copy, Debug)]
pub struct Within<const MIN: u64, const MAX: u64>(pub u64);

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer).ok().filter(|number| number.fract() == 0.0);
        let number = number.filter(|number| (MIN as f64..=MAX as f64).contains(number));
        number
            .map(|number| Self(number as u64))
            .ok_or_else(|| D::Error::custom(format_args!("it must be a whole number from {MIN} to {MAX}")))
    }
}

/// Reads headers.
///
/// # Errors
/// Fails unless they are an object of strings.
pub fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Headers>, D::Error> {
    let headers = Option::deserialize(deserializer);
    headers.map_err(|_| D::Error::custom("it must be an object of strings"))
}

/// Reads options.
///
/// # Errors
/// Fails where a field is not acceptable. The error names the field.
pub fn read<'de, T, D>(options: D, message: impl FnOnce(D::Error) -> String) -> Result<T, TransferError>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(options).map_err(|error| {
        let field = error.path().to_string();
        let why = message(error.into_inner());
        error_of(ErrorCode::InvalidOption, &format!("{field}: {why}"), Some(&field))
    })
}

/// Returns an error that an engine itself has found.
#[must_use]
pub fn error_of(code: ErrorCode, detail: &str, field: Option<&str>) -> TransferError {
    TransferError { code, detail: detail.to_owned(), status: None, field: field.map(str::to_owned) }
}
