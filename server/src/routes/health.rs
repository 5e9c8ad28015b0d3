//! `GET /healthz`: the process is alive and answers.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/healthz").get(healthz));
}

async fn healthz() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
