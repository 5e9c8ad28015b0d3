//! The routes. Each file takes a request apart, asks the module that knows, and answers.

mod docs;
pub(crate) mod health;
pub(crate) mod uploads;
pub mod widget;

use actix_web::web::ServiceConfig;

/// Adds what monitors ask for, and with it `/metrics`.
pub fn configure_operations(config: &mut ServiceConfig) {
    config.configure(health::configure).configure(health::configure_metrics);
}

/// Adds `/docs` and `/openapi.json`.
pub fn configure_docs(config: &mut ServiceConfig) {
    config.configure(docs::configure);
}

/// Adds `/metrics`.
pub fn configure_metrics(config: &mut ServiceConfig) {
    config.configure(health::configure_metrics);
}

/// Adds every other route.
pub fn configure(config: &mut ServiceConfig) {
    config.configure(health::configure).configure(uploads::configure).configure(widget::configure);
}
