//! Which host names the server answers to.
//!
//! Whoever reaches a server on loopback may upload, and any page that somebody opens on that machine can
//! reach it: under a name of its own which it lets point to 127.0.0.1 after it was loaded (DNS rebinding), so
//! that the browser takes the server for the page's own. The name still stands in `Host`.

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

/// The names that requests may come under.
#[derive(Clone, Debug)]
pub struct HostNames {
    /// Whether any will do: the server is not on loopback, where names tell nothing of who may call.
    any: bool,
    allowed: Vec<String>,
}

impl HostNames {
    /// Those of a server that is configured so.
    #[must_use]
    pub fn new(config: &ServerConfig) -> Self {
        Self { any: !config.listen.ip().is_loopback(), allowed: config.allowed_hosts.clone() }
    }

    /// Whether a request for this `host[:port]` is answered.
    #[must_use]
    pub fn allow(&self, host: &str) -> bool {
        let name = name(host);
        self.any || is_loopback(name) || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }
}

/// Lets requests through that come under one of the [`HostNames`] among the app's data.
///
/// # Errors
/// Refuses the others.
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

/// The host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Without brackets around it, a colon is not the port's but of an address that is no host.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether this `host[:port]` is this machine's name for itself.
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
