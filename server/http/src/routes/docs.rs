//! `/openapi.json`, and `/docs`, a page to try it. The page is built in, and loads nothing from elsewhere.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::openapi;
use super::operators::{self, Audience};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn configure(config: &mut ServiceConfig, audience: Audience) {
    let files = [
        ("/docs", "text/html; charset=utf-8", include_str!("docs/index.html")),
        ("/docs/docs.css", "text/css; charset=utf-8", include_str!("docs/docs.css")),
        ("/docs/docs.js", "text/javascript; charset=utf-8", include_str!("docs/docs.js")),
    ];
    let admit = move || from_fn(move |request, next| operators::admit(audience, request, next));
    config.service(web::resource("/openapi.json").get(description).wrap(admit()));
    for (path, content_type, content) in files {
        config.service(web::resource(path).get(move || file(content_type, content)).wrap(admit()));
    }
}

async fn description() -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(openapi::json())
}

async fn file(content_type: &'static str, content: &'static str) -> impl Responder {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(content)
}
