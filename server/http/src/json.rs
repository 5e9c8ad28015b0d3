//! JSON bodies: read up to a limit, and refused with the field that is wrong. All bodies in memory have a common
//! limit too.

mod objects;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::BytesMut;
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use partway_shared::error::{ErrorCode, Problem};
use serde::de::DeserializeOwned;

use crate::excerpt::excerpt;

use self::objects::Objects;

/// The limits of request bodies.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The largest body, in bytes.
    pub max: usize,
    /// The timeout of reading a body.
    pub timeout: Duration,
    /// The most bytes of bodies in memory, over all connections.
    pub max_together: usize,
}

/// A reader of bodies, which counts the bytes in memory.
#[derive(Debug)]
pub(crate) struct Bodies {
    limits: BodyLimits,
    held: AtomicUsize,
}

/// Bytes of a body that count until this is dropped.
#[derive(Debug)]
struct Held {
    bodies: Arc<Bodies>,
    bytes: usize,
}

impl Bodies {
    pub(crate) const fn new(limits: BodyLimits) -> Self {
        Self { limits, held: AtomicUsize::new(0) }
    }

    /// Reads and parses a body. Its bytes count until the request is answered.
    pub(crate) async fn read<T: DeserializeOwned>(
        self: Arc<Self>,
        request: &HttpRequest,
        mut payload: Payload,
    ) -> Result<T, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            let why = "the request must have Content-Type: application/json";
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, why));
        }
        let BodyLimits { max, timeout, .. } = self.limits;
        let too_large =
            || Problem::new(ErrorCode::BodyTooLarge, format!("the body may have at most {max} bytes"));
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > max) {
            return Err(too_large());
        }
        let mut held = Held { bodies: self, bytes: 0 };
        let read = async {
            let mut body = BytesMut::new();
            while let Some(chunk) = payload.next().await {
                let chunk =
                    chunk.map_err(|_| Problem::new(ErrorCode::InvalidJson, "the body ended early"))?;
                if body.len() + chunk.len() > max {
                    return Err(too_large());
                }
                held.grow(chunk.len())?;
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let read = tokio::time::timeout(timeout, read).await;
        let body = read.map_err(|_| {
            let why = format!("the body did not arrive within {timeout:?}");
            Problem::new(ErrorCode::RequestTimeout, why)
        })??;
        let parsed = parse(&body);
        request.extensions_mut().insert(held);
        parsed
    }
}

impl Held {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let max = self.bodies.limits.max_together;
        let before = self.bodies.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes <= max {
            return Ok(());
        }
        let why = "the server is reading as many requests as fit in its memory; try again in 2 seconds";
        Err(Problem::new(ErrorCode::ServerBusy, why).with_retry_after(2))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(Objects(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let text = error.to_string();
        // Names of unknown fields and values of the wrong type stand in the path and in the text.
        let (path, text) = (excerpt(&path), excerpt(&text));
        if !error.is_data() {
            return Problem::new(ErrorCode::InvalidJson, text);
        }
        let code =
            if text.starts_with("unknown field") { ErrorCode::UnknownField } else { ErrorCode::InvalidField };
        let problem = Problem::new(code, text);
        if path == "." { problem } else { problem.with_field(path) }
    })?;
    json.end().map_err(|error| Problem::new(ErrorCode::InvalidJson, error.to_string()))?;
    Ok(parsed)
}
