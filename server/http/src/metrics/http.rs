//! The duration of requests, by route.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;
use prometheus_client::encoding::EncodeLabelSet;

use super::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfRequest {
    method: &'static str,
    route: String,
    status: u16,
}

/// Measures each request in the [`Metrics`] of the app's data.
///
/// # Errors
/// Those of the inner service.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let method = name(request.method());
    let begun = Instant::now();
    let outcome = next.call(request).await;
    if let Some(metrics) = metrics {
        let (route, status) = match &outcome {
            Ok(response) => (response.request().match_pattern(), response.status()),
            Err(error) => (None, error.as_response_error().status_code()),
        };
        let route = route.unwrap_or_else(|| "(none)".to_owned());
        let label = OfRequest { method, route, status: status.as_u16() };
        metrics.requests.get_or_create(&label).observe(begun.elapsed().as_secs_f64());
    }
    outcome
}

/// Returns the method's name, or one for all unknown methods: a client could otherwise create a series for each word
/// that it sends.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
