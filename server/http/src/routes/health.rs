//! `/healthz`, `/readyz` and `/metrics`.

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::problem::Refused;
use crate::readiness::{Readiness, Ready};

use super::operators::{self, Audience};

pub(super) fn configure(config: &mut ServiceConfig) {
    // Monitors that want no body ask with HEAD.
    config
        .service(web::resource("/healthz").get(healthz).route(web::head().to(healthz)))
        .service(web::resource("/readyz").get(readyz).route(web::head().to(readyz)));
}

/// Adds `/metrics`.
pub(super) fn configure_metrics(config: &mut ServiceConfig, audience: Audience) {
    let resource = web::resource("/metrics").get(metrics).route(web::head().to(metrics));
    config.service(resource.wrap(from_fn(move |request, next| operators::admit(audience, request, next))));
}

/// The process is alive and answers
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, description = "It is"), (status = "default", response = Refused))
)]
pub(crate) async fn healthz() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The stores are there, and take the server's credentials
///
/// An answer is good for some seconds.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "Uploads can begin", body = Ready),
        (status = 503, description = "They cannot", body = Ready),
        (status = "default", response = Refused)
    )
)]
pub(crate) async fn readyz(readiness: Data<Readiness>) -> impl Responder {
    let ready = readiness.look().await;
    let mut answer = if ready.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((header::CACHE_CONTROL, "no-store")).json(ready)
}

/// What has been done so far, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"),
        (status = "default", response = Refused)
    )
)]
pub(crate) async fn metrics(metrics: Data<Metrics>) -> impl Responder {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(metrics.text())
}
