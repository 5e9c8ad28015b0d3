//! The demo page at `/`, and the widget's files below `/widget/`, for pages without a build step. All are embedded in
//! the binary (`partway-widget`); this module serves them.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, Encoding, EntityTag, Header, HeaderName, IfNoneMatch, Preference, Quality,
    REFERRER_POLICY, TryIntoHeaderPair, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use partway_widget::File;

/// The settings of the demo page. Register them as app data.
#[derive(Clone, Debug, Default)]
pub struct PageSettings {
    /// Origins of the stores that the browser uploads to, such as `https://bucket.s3.eu-central-1.amazonaws.com`.
    /// The page's Content-Security-Policy allows requests to these and to the server itself.
    pub connect_origins: Vec<String>,
}

/// Adds `/widget/{file}`, which may be in a folder.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/widget/{file:.+}").route(web::get().to(file)).route(web::head().to(file)));
}

/// Adds the demo page at `/`.
pub fn configure_page(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/").route(web::get().to(page)).route(web::head().to(page)));
}

async fn page(request: HttpRequest, settings: web::Data<PageSettings>) -> HttpResponse {
    let mut response = send("index.html", &request);
    add(&mut response, (CONTENT_SECURITY_POLICY, content_security_policy(&settings)));
    add(&mut response, (REFERRER_POLICY, "same-origin"));
    response
}

async fn file(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let mut response = send(&name, &request);
    // A page of any other origin may use the widget. What it may upload is
    // decided elsewhere.
    add(&mut response, (ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    add(&mut response, (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"));
    // A page that is isolated from other origins runs no worker that is not.
    add(&mut response, (CROSS_ORIGIN_EMBEDDER_POLICY, "require-corp"));
    response
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");

fn add(response: &mut HttpResponse, header: impl TryIntoHeaderPair) {
    // A value that is no header value can only be a store's origin, which the
    // configuration has parsed as a URL.
    if let Ok((name, value)) = header.try_into_pair() {
        response.headers_mut().insert(name, value);
    }
}

/// Returns a policy that allows scripts, styles and requests of this server, and requests to the stores; the page
/// cannot be framed.
fn content_security_policy(settings: &PageSettings) -> String {
    let stores: String = settings.connect_origins.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src 'self'{stores}; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The caching of a file whose name contains a hash of its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// The caching of a file whose name stays the same while its content changes. A request gets a 304 until the server
/// changes.
const ASK_EACH_TIME: &str = "no-cache";

fn send(name: &str, request: &HttpRequest) -> HttpResponse {
    let Some(file) = partway_widget::file(name) else {
        return HttpResponse::NotFound().finish();
    };
    let (coding, content) = choose_form(file, request);
    let tag = entity_tag(file, coding);
    let known = IfNoneMatch::parse(request).is_ok_and(|condition| matches(&condition, &tag));

    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, if file.is_hashed { FOR_GOOD } else { ASK_EACH_TIME }))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, file.content_type));
    if let Some(coding) = coding {
        response.insert_header((CONTENT_ENCODING, coding));
    }
    // For HEAD, actix sends the length of this body but not the body.
    response.body(content)
}

/// Returns the smallest encoding of a file that the client accepts, and the encoding's name.
fn choose_form(file: &File, request: &HttpRequest) -> (Option<&'static str>, &'static [u8]) {
    let accepted = AcceptEncoding::parse(request).unwrap_or(AcceptEncoding(Vec::new()));
    let brotli = file.brotli.map(|content| ("br", content, quality(&accepted, &Encoding::brotli())));
    let gzip = file.gzip.map(|content| ("gzip", content, quality(&accepted, &Encoding::gzip())));
    [brotli, gzip]
        .into_iter()
        .flatten()
        .filter(|(_, _, quality)| *quality > Quality::ZERO)
        // Of two that the client likes equally, the earlier in the list.
        .rev()
        .max_by_key(|(_, _, quality)| *quality)
        .map_or((None, file.identity), |(coding, content, _)| (Some(coding), content))
}

/// Returns the client's preference for an encoding: zero when it names neither the encoding nor `*`.
fn quality(accepted: &AcceptEncoding, coding: &Encoding) -> Quality {
    let named = accepted.iter().find(|item| item.item.item() == Some(coding));
    let any = || accepted.iter().find(|item| matches!(item.item, Preference::Any));
    named.or_else(any).map_or(Quality::ZERO, |item| item.quality)
}

/// Returns a strong entity tag, which differs between the encodings of a file.
fn entity_tag(file: &File, coding: Option<&str>) -> EntityTag {
    EntityTag::new_strong(match coding {
        Some(coding) => format!("{}-{coding}", file.digest),
        None => file.digest.to_owned(),
    })
}

fn matches(condition: &IfNoneMatch, tag: &EntityTag) -> bool {
    match condition {
        IfNoneMatch::Any => true,
        // If-None-Match compares weakly (RFC 9110, 13.1.2): a proxy may have
        // weakened the tag.
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(tag)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::body::{BodySize, MessageBody, to_bytes};
    use actix_web::http::{Method, StatusCode};
    use actix_web::test::{TestRequest, call_service, init_service};
    use partway_widget::FILES;

    use super::*;

    async fn get(path: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        request(Method::GET, path, headers).await
    }

    async fn request(method: Method, path: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        let settings = PageSettings {
            connect_origins: vec!["http://127.0.0.1:9000".into(), "https://files.example".into()],
        };
        let app = init_service(
            App::new().app_data(web::Data::new(settings)).configure(configure).configure(configure_page),
        )
        .await;
        let mut request = TestRequest::with_uri(path).method(method);
        for header in headers {
            request = request.insert_header(*header);
        }
        let (_, response) = call_service(&app, request.to_request()).await.into_parts();
        response.map_into_boxed_body()
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: HttpResponse) -> Vec<u8> {
        to_bytes(response.into_body()).await.ok().unwrap().to_vec()
    }

    #[actix_web::test]
    async fn the_page_may_reach_the_server_and_the_stores_only() {
        let response = get("/", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        let policy = header(&response, "content-security-policy");
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self' blob: data:; connect-src 'self' http://127.0.0.1:9000 https://files.example; \
             worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(header(&response, "access-control-allow-origin"), "");
        assert!(body(response).await.starts_with(b"<!doctype html>"));
    }

    #[actix_web::test]
    async fn the_page_obeys_its_own_policy() {
        let page = String::from_utf8(body(get("/", &[]).await).await).unwrap();
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "<base", "<form"] {
            assert!(!page.contains(forbidden), "the policy blocks {forbidden}");
        }
        let inline =
            page.split("<script").skip(1).filter(|tag| !tag.split('>').next().unwrap().contains("src="));
        assert_eq!(inline.count(), 0, "the policy blocks inline scripts");
    }

    #[actix_web::test]
    async fn every_file_that_the_page_names_is_served() {
        let page = String::from_utf8(body(get("/", &[]).await).await).unwrap();
        let named: Vec<&str> =
            page.split('"').filter(|word| word.trim_start_matches("./").starts_with("widget/")).collect();
        assert!(named.len() >= 2, "only {named:?}");
        for name in named {
            let path = format!("/{}", name.trim_start_matches("./"));
            assert_eq!(get(&path, &[]).await.status(), StatusCode::OK, "{path}");
        }
    }

    /// The one file whose name begins and ends so.
    fn only(start: &str, end: &str) -> &'static File {
        let mut found = FILES.iter().filter(|file| file.name.starts_with(start) && file.name.ends_with(end));
        let first = found.next().unwrap();
        assert!(found.next().is_none(), "several {start}…{end}");
        first
    }

    #[actix_web::test]
    async fn a_page_of_another_origin_may_load_the_widget() {
        for (name, content_type) in [
            ("index.js", "text/javascript; charset=utf-8"),
            ("element.js", "text/javascript; charset=utf-8"),
            ("languages/de.js", "text/javascript; charset=utf-8"),
            (only("worker-", ".js").name, "text/javascript; charset=utf-8"),
            ("page.css", "text/css; charset=utf-8"),
            (only("partway_web_bg-", ".wasm").name, "application/wasm"),
        ] {
            let response = get(&format!("/widget/{name}"), &[]).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_eq!(header(&response, "content-type"), content_type);
            assert_eq!(header(&response, "access-control-allow-origin"), "*");
            assert_eq!(header(&response, "cross-origin-resource-policy"), "cross-origin");
            assert_eq!(header(&response, "cross-origin-embedder-policy"), "require-corp");
            assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        }
    }

    #[actix_web::test]
    async fn what_has_a_hash_in_its_name_is_kept_for_good_and_all_else_is_asked_for_each_time() {
        let mut hashed = 0;
        for file in FILES {
            let response = get(&format!("/widget/{}", file.name), &[]).await;
            let expected = if file.is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
            assert_eq!(header(&response, "cache-control"), expected, "{}", file.name);
            assert_eq!(header(&response, "etag"), format!("\"{}\"", file.digest), "{}", file.name);
            hashed += usize::from(file.is_hashed);
        }
        assert!(hashed >= 10, "only {hashed}");
        assert_eq!(header(&get("/", &[]).await, "cache-control"), "no-cache");
        // Another hash was another build's file, which nobody may keep this for.
        let response = get("/widget/worker-0123456789abcdef.js", &[]).await;
        assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::NOT_FOUND, ""));
    }

    #[actix_web::test]
    async fn what_is_not_embedded_is_not_found() {
        for path in ["/widget/", "/widget/none.js", "/widget/..%2fCargo.toml", "/widget/widget_files.rs"] {
            assert_eq!(get(path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[actix_web::test]
    async fn other_methods_are_refused() {
        let response = request(Method::POST, "/widget/index.js", &[]).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[actix_web::test]
    async fn the_client_chooses_among_the_codings() {
        for (accepted, coding) in [
            ("", ""),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0, gzip;q=0", ""),
            ("br;q=0, *", "gzip"),
            ("*", "br"),
            ("identity", ""),
            ("not a header;;;", ""),
        ] {
            let response = get("/widget/element.js", &[("accept-encoding", accepted)]).await;
            assert_eq!(header(&response, "content-encoding"), coding, "for {accepted:?}");
            assert_eq!(header(&response, "vary"), "accept-encoding");
            assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
        }
    }

    #[actix_web::test]
    async fn a_coded_form_is_smaller_and_has_a_tag_of_its_own() {
        let identity = get("/widget/element.js", &[]).await;
        let gzip = get("/widget/element.js", &[("accept-encoding", "gzip")]).await;
        let brotli = get("/widget/element.js", &[("accept-encoding", "br")]).await;
        let tags = [&identity, &gzip, &brotli].map(|response| header(response, "etag").to_owned());
        assert!(tags.iter().all(|tag| tag.starts_with('"')), "{tags:?} should be strong");
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        let (identity, gzip, brotli) = (body(identity).await, body(gzip).await, body(brotli).await);
        assert!(brotli.len() < gzip.len() && gzip.len() < identity.len());
        assert!(gzip.starts_with(&[0x1f, 0x8b]));
    }

    #[actix_web::test]
    async fn a_file_that_the_browser_has_is_not_sent_again() {
        let path = "/widget/element.js";
        let first = get(path, &[("accept-encoding", "br")]).await;
        let tag = header(&first, "etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = get(path, &[("accept-encoding", "br"), ("if-none-match", &known)]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(header(&again, "etag"), tag);
            assert_eq!(header(&again, "access-control-allow-origin"), "*");
            assert!(body(again).await.is_empty());
        }
        let other_form = get(path, &[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await;
        assert_eq!(other_form.status(), StatusCode::OK);
        let other_file = get("/widget/index.js", &[("accept-encoding", "br"), ("if-none-match", &tag)]).await;
        assert_eq!(other_file.status(), StatusCode::OK);
    }

    #[actix_web::test]
    async fn head_says_what_get_would_send() {
        let headers = [("accept-encoding", "br")];
        let get = get("/widget/element.js", &headers).await;
        let head = request(Method::HEAD, "/widget/element.js", &headers).await;
        assert_eq!(head.status(), StatusCode::OK);
        for name in ["etag", "content-type", "content-encoding", "vary", "cache-control"] {
            assert_eq!(header(&head, name), header(&get, name));
        }
        let BodySize::Sized(length) = head.body().size() else { panic!("HEAD has to know the length") };
        assert_eq!(length, body(get).await.len() as u64);
    }
}
