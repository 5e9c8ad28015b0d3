//! Refuses requests that change something if a page of an unknown origin sends them.
//!
//! CORS keeps other pages from reading answers, but not from sending requests. So a request that a browser sends for
//! another page is refused before it is looked at, also where Partway is mounted in another application.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::Data;
use partway_shared::error::{ErrorCode, Problem};

use crate::excerpt::excerpt;
use crate::origins::AllowedOrigins;

/// The site of the page, which browsers set and no page can.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The host name before a proxy. A page that sets it needs a preflight, which fails for pages that are not allowed.
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Returns whether a request with these headers may change something.
///
/// A request without `Origin` and `Sec-Fetch-Site` is not a browser's. `Sec-Fetch-Site` wins: the browser knows the
/// server's name, behind any proxies.
fn is_allowed(allowed: &AllowedOrigins, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = text(&header::ORIGIN);
    if origin.is_some_and(|origin| allowed.allow(origin)) {
        return true;
    }
    if let Some(site) = text(&SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = origin else { return true };
    let Some((_, host)) = origin.split_once("://") else { return false };
    [header::HOST, X_FORWARDED_HOST].iter().filter_map(text).any(|own| own.eq_ignore_ascii_case(host))
}

/// Refuses a request that changes something if its page may not.
pub(crate) fn check(request: &HttpRequest) -> Result<(), Problem> {
    let allowed = request.app_data::<Data<AllowedOrigins>>();
    if request.method().is_safe() || allowed.is_some_and(|allowed| is_allowed(allowed, request.headers())) {
        return Ok(());
    }
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let why = format!(
        "the request comes from a page of {}, which is not in server.allowed_origins",
        origin.map_or("another site".into(), excerpt)
    );
    Err(Problem::new(ErrorCode::OriginNotAllowed, why))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_servers_own_pages_and_those_that_are_allowed() {
        let allowed = AllowedOrigins::parse(&["https://app.test".to_owned()]).unwrap();
        for (headers, is_allowed) in [
            (&[][..], true),
            (&[("origin", "https://app.test"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "https://up.test"), ("host", "up.test")], true),
            (&[("origin", "https://UP.test:8443"), ("host", "up.test:8443")], true),
            (
                &[("origin", "https://up.test"), ("host", "127.0.0.1:1"), ("x-forwarded-host", "up.test")],
                true,
            ),
            (
                &[("origin", "https://up.test"), ("host", "127.0.0.1:1"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (&[("host", "up.test"), ("sec-fetch-site", "none")], true),
            (&[("origin", "https://evil.test"), ("host", "up.test")], false),
            (
                &[("origin", "https://evil.up.test"), ("host", "up.test"), ("sec-fetch-site", "same-site")],
                false,
            ),
            (&[("origin", "https://up.test:8443"), ("host", "up.test")], false),
            (&[("origin", "https://app.test.evil"), ("host", "up.test")], false),
            (&[("origin", "http://app.test"), ("host", "up.test")], false),
            (&[("origin", "null"), ("host", "null")], false),
            (&[("origin", ""), ("host", "")], false),
            (&[("host", "up.test"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "up.test"), ("sec-fetch-site", "")], false),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(super::is_allowed(&allowed, &headers), is_allowed, "{headers:?}");
        }
    }
}
