//! Owns who may sign by version 2: URLs and forms for this machine, since boto3, the AWS command line and s3cmd still
//! use it by default. It covers no region, and its hash is SHA-1, so nobody else may. Never checks a signature.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{Uri, header};
use s3s::{S3Error, S3ErrorCode};

/// Returns whether a request comes from this machine, and is addressed to it: a proxy beside the store, or a page
/// that lets its name resolve to this machine, uses another host name.
pub(crate) fn is_local(peer: SocketAddr, request: &Parts) -> bool {
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri.authority().map(http::uri::Authority::as_str));
    peer.ip().to_canonical().is_loopback() && host.is_some_and(is_loopback)
}

/// Refuses requests that are signed by version 2 in their header, as newer regions of AWS do.
pub(crate) fn check_header(request: &Parts) -> Result<(), S3Error> {
    let value = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if value.is_some_and(|value| value.starts_with("AWS ")) {
        return Err(S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let Ok(uri) = format!("http://{host}/").parse::<Uri>() else {
        return false;
    };
    let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = name.parse::<IpAddr>().map(|address| address.to_canonical().is_loopback());
    address.unwrap_or_else(|_| name == "localhost" || name.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_asks_this_machine() {
        let is_local = |peer: &str, host: Option<&str>| {
            let mut request = http::Request::new(()).into_parts().0;
            request.headers.extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            super::is_local(SocketAddr::new(peer.parse().unwrap(), 50_000), &request)
        };
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_local(peer, Some("localhost:8081")), "{peer}");
            assert!(!is_local(peer, Some("store.example.com")), "{peer} for others");
            assert!(!is_local(peer, None), "{peer}");
        }
        for peer in ["192.168.0.7", "10.0.0.1", "203.0.113.9", "::2", "::ffff:192.168.0.7", "0.0.0.0"] {
            assert!(!is_local(peer, Some("localhost:8081")), "{peer}");
            assert!(!is_local(peer, Some("127.0.0.1")), "{peer}");
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        for host in ["localhost", "localhost:8081", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "files.localhost"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "192.168.0.1", "example.com", "localhost.example.com", "127.0.0.1.example.com", "[::2]"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
