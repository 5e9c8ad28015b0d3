//! `GET /healthz`: the process is alive and answers.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

pub(super) fn configure(config: &mut ServiceConfig) {
    // Monitors that want no body ask with HEAD.
    config.service(web::resource("/healthz").get(healthz).route(web::head().to(healthz)));
}

async fn healthz() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
