//! `/openapi.json`, and `/docs`, a page to try it on. The page is a file of the binary, and asks nobody else
//! for anything.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use crate::openapi;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn configure(config: &mut ServiceConfig) {
    let get = |path: &str| web::resource(path.to_owned());
    config
        .service(get("/openapi.json").get(description))
        .service(get("/docs").get(|| file("text/html; charset=utf-8", include_str!("docs/index.html"))))
        .service(get("/docs/docs.css").get(|| file("text/css; charset=utf-8", include_str!("docs/docs.css"))))
        .service(
            get("/docs/docs.js").get(|| file("text/javascript; charset=utf-8", include_str!("docs/docs.js"))),
        );
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
