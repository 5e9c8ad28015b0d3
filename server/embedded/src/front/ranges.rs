//! Owns requests for ranges that S3 ignores: several at once, and invalid ones. They get the whole object, where the
//! protocol layer would refuse them. Never reads objects.

use http::{Extensions, HeaderMap, Method, Request, Uri, header};
use s3s::dto::Range;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result};

/// The query parameters of a signature.
const SIGNATURE: [&str; 10] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
];

/// A route that answers such requests, after their signature was checked, with the whole object.
pub(crate) struct WholeInstead {
    /// The same store, without checking signatures.
    pub(crate) unsigned: S3Service,
}

#[async_trait::async_trait]
impl S3Route for WholeInstead {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        let reads = method == Method::GET || method == Method::HEAD;
        reads && uri.path().trim_start_matches('/').contains('/') && is_passed_over(headers)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut full = Request::new(Body::empty());
        *full.method_mut() = request.method;
        *full.uri_mut() = without_signature(&request.uri)?;
        *full.headers_mut() = request.headers;
        full.headers_mut().remove(header::RANGE);
        full.headers_mut().remove(header::AUTHORIZATION);
        let answer = self.unsigned.call(full).await;
        let answer = answer.map_err(|error| {
            tracing::error!(%error, "the protocol layer failed");
            s3s::s3_error!(InternalError)
        })?;
        let (head, body) = answer.into_parts();
        let mut response = S3Response::new(body);
        response.status = Some(head.status);
        response.headers = head.headers;
        response.extensions = head.extensions;
        Ok(response)
    }
}

fn is_passed_over(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all(header::RANGE).iter();
    match (ranges.next(), ranges.next()) {
        (None, _) => false,
        (Some(one), None) => one.to_str().map_or(true, |range| Range::parse(range.trim()).is_err()),
        (Some(_), Some(_)) => true,
    }
}

fn without_signature(uri: &Uri) -> Result<Uri, S3Error> {
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !SIGNATURE.contains(&name)
    });
    let query = kept.collect::<Vec<_>>().join("&");
    let target = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    target.parse().map_err(|error| s3s::s3_error!(error, InvalidURI))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_single_range_is_passed_over() {
        let headers = |range: &str| HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        for range in ["bytes=0-1", "bytes=5-", "bytes=-5", "bytes=100-200"] {
            assert!(!is_passed_over(&headers(range)), "{range}");
        }
        for range in ["bytes=0-1,3-4", "bytes=5-2", "lines=0-1", "bytes=", "bytes=a-b"] {
            assert!(is_passed_over(&headers(range)), "{range}");
        }
        assert!(!is_passed_over(&HeaderMap::new()));
    }

    #[test]
    fn what_signs_is_left_out_of_the_query() {
        let uri = "/b/a%20b?response-content-type=a%2Fb&X-Amz-Signature=1&X-Amz-Date=2&partNumber=3";
        let unsigned = without_signature(&uri.parse().unwrap()).unwrap();
        assert_eq!(unsigned, "/b/a%20b?response-content-type=a%2Fb&partNumber=3");
        assert_eq!(without_signature(&"/b/k?Signature=1&Expires=2".parse().unwrap()).unwrap(), "/b/k");
    }
}
