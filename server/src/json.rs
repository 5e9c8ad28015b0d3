//! JSON bodies: read up to the limit, and refused with the field that is wrong.

mod objects;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use partway_shared::error::{ErrorCode, Problem};
use serde::de::DeserializeOwned;

use crate::excerpt::excerpt;
use crate::problem::Refusal;

use self::objects::Objects;

/// The body of a request, as `T`.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The largest that is read, in bytes.
    pub max: usize,
    /// How long it may take to come.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max: 64 * 1_024, timeout: Duration::from_secs(30) }
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            let problem =
                Problem::new(ErrorCode::UnsupportedMediaType, "send it with Content-Type: application/json");
            return Box::pin(async { Err(problem.into()) });
        }
        let limits = request.app_data::<Data<BodyLimits>>().map(|limits| ***limits);
        let BodyLimits { max, timeout } = limits.unwrap_or_default();
        // actix's own reader looks for its limit among the request's data.
        let bytes = actix_web::web::Payload::from_request(request, payload);
        Box::pin(async move {
            let payload = bytes.await.map_err(|_| too_large(max))?;
            let Ok(body) = tokio::time::timeout(timeout, payload.to_bytes_limited(max)).await else {
                let why = format!("the body was not there after {timeout:?}");
                return Err(Problem::new(ErrorCode::RequestTimeout, why).into());
            };
            let body = match body {
                Ok(Ok(body)) => body,
                Ok(Err(_)) => return Err(Problem::new(ErrorCode::InvalidJson, "the body ended early").into()),
                Err(_) => return Err(too_large(max)),
            };
            parse(&body).map(Json)
        })
    }
}

fn too_large(max: usize) -> Refusal {
    Problem::new(ErrorCode::BodyTooLarge, format!("at most {max} bytes are read")).into()
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
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
