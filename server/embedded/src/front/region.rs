//! Owns the answer to a request that was signed for another region: clients read the right one from it, and retry.
//! Never checks a signature.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use s3s::{S3Error, S3ErrorCode};

/// The header in which clients look for the region.
pub(crate) const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// Refuses a request whose credentials are scoped to another region.
pub(crate) fn check(request: &Parts, region: &str) -> Result<(), S3Error> {
    let (found, code, what) = match (in_header(&request.headers), in_query(request)) {
        (Some(found), _) => {
            (found, S3ErrorCode::AuthorizationHeaderMalformed, "The authorization header is malformed")
        }
        (None, Some(found)) => (
            found,
            S3ErrorCode::AuthorizationQueryParametersError,
            "Error parsing the X-Amz-Credential parameter",
        ),
        (None, None) => return Ok(()),
    };
    if found == region {
        return Ok(());
    }
    let message = format!("{what}; the region '{found}' is wrong; expecting '{region}'");
    let mut error = S3Error::with_message(code, message);
    error.set_headers(
        HeaderValue::from_str(region).map(|region| (BUCKET_REGION, region)).into_iter().collect(),
    );
    Err(error)
}

fn in_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256")?;
    let (_, credential) = value.split_once("Credential=")?;
    of_scope(credential.split(',').next()?)
}

fn in_query(request: &Parts) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.uri.query()?.as_bytes());
    of_scope(&pairs.find(|(name, _)| name == "X-Amz-Credential")?.1)
}

/// Returns the region of `KEY/20261125/us-east-1/s3/aws4_request`; a key may contain slashes.
fn of_scope(credential: &str) -> Option<String> {
    let mut from_end = credential.trim().rsplit('/');
    let scope = (from_end.next()?, from_end.next()?, from_end.next()?, from_end.next()?, from_end.next()?);
    Some(scope.2.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_third_from_the_end() {
        assert_eq!(of_scope("AK/20261125/eu-west-1/s3/aws4_request").as_deref(), Some("eu-west-1"));
        assert_eq!(of_scope("a/b/20261125/eu-west-1/s3/aws4_request").as_deref(), Some("eu-west-1"));
        assert_eq!(of_scope("20261125/eu-west-1/s3/aws4_request"), None);
    }
}
