//! Checks the host name of requests.
//!
//! Everybody who reaches a server on loopback may upload, and so may any page that is open on that machine: its own
//! name can resolve to 127.0.0.1 after it was loaded (DNS rebinding), so that the browser takes the server for the
//! page's origin. `Host` still has the page's name.

use std::net::{Ipv4Addr, Ipv6Addr};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use partway_shared::error::{ErrorCode, Problem};

use crate::config::ServerConfig;
use crate::excerpt::excerpt;
use crate::problem::Refusal;

/// The host names that the server answers to.
#[derive(Clone, Debug)]
pub struct HostNames {
    /// Whether every name is accepted: the server is not on loopback, where a name says nothing about the caller.
    any: bool,
    allowed: Vec<String>,
}

impl HostNames {
    /// Creates the set of names for a server with these settings.
    #[must_use]
    pub fn new(config: &ServerConfig) -> Self {
        Self { any: !config.listen.ip().is_loopback(), allowed: config.allowed_hosts.clone() }
    }

    /// Returns whether a request for this `host[:port]` is answered.
    #[must_use]
    pub fn allow(&self, host: &str) -> bool {
        let name = name(host);
        self.any || is_loopback(name) || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }
}

/// Lets requests pass whose host is one of the [`HostNames`] in the app's data.
///
/// # Errors
/// Refuses all others with [`ErrorCode::HostNotAllowed`].
pub async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    // The one of an absolute target wins over the header (RFC 9112, section 3.2.2).
    let target = request.uri().host();
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = target.or(header).unwrap_or_default();
    if request.app_data::<Data<HostNames>>().is_some_and(|names| names.allow(host)) {
        return next.call(request).await;
    }
    let why = format!(
        "the request is for {:?}; a server on loopback answers to localhost, to loopback addresses, and to the names \
         in server.allowed_hosts",
        excerpt(host)
    );
    Err(Refusal::from(Problem::new(ErrorCode::HostNotAllowed, why)).into())
}

/// Returns the host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Without brackets around it, a colon is not the port's but of an address that is no host.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Returns whether this `host[:port]` is a loopback name or address.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    is_loopback(name(host))
}

fn is_loopback(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || address
            .and_then(|address| address.parse::<Ipv6Addr>().ok())
            .is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_what_is_configured() {
        let config =
            ServerConfig { allowed_hosts: vec!["Upload.example.com".to_owned()], ..Default::default() };
        let names = HostNames::new(&config);
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.1.2.3:80",
            "localhost",
            "LocalHost:9",
            "[::1]",
            "[::1]:8080",
            "upload.example.com",
            "upload.example.com:443",
        ] {
            assert!(names.allow(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:80:80",
            "upload.example.com.evil.example",
            "x.upload.example.com",
            "0.0.0.0:8080",
            "[::]",
            "::1",
            "192.0.2.1",
            "localhost:80@evil.example",
        ] {
            assert!(!names.allow(host), "{host}");
        }
    }
}
