//! Owns what every answer needs besides what the protocol layer writes: ids, the details of errors, and characters
//! that XML cannot contain. Never decides anything.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use s3s::Body;

use super::region::BUCKET_REGION;
use crate::contents::ContentId;
use crate::escapes::{self, Escaped};

/// The details of a request, for its errors.
pub(super) struct About {
    bucket: String,
    key: String,
    path: String,
}

impl About {
    pub(super) fn of(request: &Parts) -> Self {
        let path = request.uri.path();
        let (bucket, key) =
            path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self { bucket: decoded(bucket), key: decoded(key), path: path.to_owned() }
    }
}

/// Completes an answer.
pub(super) fn finish(response: &mut Response<Body>, about: &About, region: &str) {
    let (id, host_id) = ids();
    // The protocol layer has one status for HEAD.
    if response.status() == StatusCode::OK && response.headers().contains_key(header::CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if response.status().is_client_error() || response.status().is_server_error() {
        explain(response, about, region, (&id, &host_id));
    } else if response.extensions().get::<Escaped>().is_some()
        && let Some(xml) = response.body().bytes()
    {
        set_body(response, escapes::to_references(&xml));
    }
    for (name, value) in [("x-amz-request-id", id), ("x-amz-id-2", host_id)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Adds the details to an error's code and message.
fn explain(response: &mut Response<Body>, about: &About, region: &str, (id, host_id): (&str, &str)) {
    let Some(xml) = response.body().bytes() else {
        return;
    };
    let Some(error) = std::str::from_utf8(&xml).ok().and_then(|xml| xml.strip_suffix("</Error>")) else {
        return;
    };
    let code = error.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map(|(code, _)| code.to_owned()).unwrap_or_default();
    let mut error = error.to_owned();
    // A form that the policy does not allow is no mistake in the policy.
    if code == "InvalidPolicyDocument" && error.contains("<Message>Policy condition") {
        *response.status_mut() = StatusCode::FORBIDDEN;
        error = error.replacen("InvalidPolicyDocument", "AccessDenied", 1);
        error = error.replacen("<Message>", "<Message>Invalid according to Policy: ", 1);
    }
    let mut add = |name: &str, value: &str| {
        error += &format!("<{name}>{}</{name}>", escapes::xml(value));
    };
    match code.as_str() {
        "NoSuchBucket" | "BucketNotEmpty" | "BucketAlreadyOwnedByYou" => add("BucketName", &about.bucket),
        _ if !about.key.is_empty() => add("Key", &about.key),
        _ => {}
    }
    // A form's credentials are in its body, where only the protocol layer sees them.
    if code == "AuthorizationHeaderMalformed"
        && let Ok(region) = HeaderValue::from_str(region)
    {
        response.headers_mut().insert(BUCKET_REGION, region);
    }
    if response.headers().contains_key(BUCKET_REGION) {
        add("Region", region);
    }
    add("Resource", &about.path);
    add("RequestId", id);
    add("HostId", host_id);
    error += "</Error>";
    set_body(response, error.into());
}

fn set_body(response: &mut Response<Body>, bytes: Bytes) {
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(bytes);
}

fn ids() -> (String, String) {
    let id = ContentId::random().map(|id| format!("{:032X}", id.0)).unwrap_or_default();
    (id.get(..16).unwrap_or_default().to_owned(), id)
}
