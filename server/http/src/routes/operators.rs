//! Routes for operators: for clients on the same machine, unless the configuration opens them to everybody.
//!
//! Behind a reverse proxy on the same machine every client has a loopback address. So the host name must be a
//! loopback one too, and the request must have no header that a proxy adds. A proxy that sets neither (nginx with its
//! defaults) hides its clients: it must not pass these routes on, or `operations.listen` must be set.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use partway_shared::error::{ErrorCode, Problem};

use crate::host;
use crate::problem::Refusal;

/// Who may use the operators' routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who reaches them.
    Everybody,
    /// Clients on the same machine.
    ThisMachine,
}

/// The headers that proxies add.
const PASSED_ON: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
];

/// Lets requests of this audience pass.
///
/// # Errors
/// Refuses others with [`ErrorCode::NotFound`](partway_shared::error::ErrorCode::NotFound).
pub(super) async fn admit(
    audience: Audience,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    if audience == Audience::Everybody || is_of_this_machine(&request) {
        return next.call(request).await;
    }
    let why = "only clients on the server's own machine may use it; operations.listen gives it a separate address, and \
               operations.public opens it to everybody";
    Err(Refusal::from(Problem::new(ErrorCode::NotFound, why)).into())
}

fn is_of_this_machine(request: &ServiceRequest) -> bool {
    // A Unix socket has no address: it is a proxy's, which other clients are behind.
    let is_near = request.peer_addr().is_some_and(|peer| is_loopback(peer.ip()));
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = request.uri().host().or(host).unwrap_or_default();
    is_near
        && host::is_loopback_name(name)
        && !PASSED_ON.iter().any(|name| request.headers().contains_key(*name))
}

/// Returns whether an address is loopback, also as an IPv4 address in IPv6 form.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_client_behind_a_proxy_is_not_on_this_machine() {
        let is_here = |peer: &str, headers: &[(&'static str, &str)]| {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            let request = headers
                .iter()
                .fold(request, |request, header| request.insert_header(*header))
                .to_srv_request();
            is_of_this_machine(&request)
        };
        for peer in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert!(is_here(peer, &[("host", "localhost:8080")]), "{peer}");
            assert!(is_here(peer, &[("host", "127.0.0.1")]), "{peer}");
            assert!(!is_here(peer, &[("host", "upload.example.com")]), "{peer}");
            assert!(!is_here(peer, &[]), "{peer}");
            for name in PASSED_ON {
                assert!(!is_here(peer, &[("host", "localhost"), (name, "192.0.2.1")]), "{name}");
            }
        }
        for peer in ["192.0.2.1:9", "[2001:db8::1]:9", "[::ffff:192.0.2.1]:9"] {
            assert!(!is_here(peer, &[("host", "localhost")]), "{peer}");
        }
        let socket = TestRequest::default().insert_header(("host", "localhost")).to_srv_request();
        assert!(!is_of_this_machine(&socket));
    }
}
