//! The routes. Each file takes a request apart, asks the module that knows, and answers.
//!
//! They own paths, methods, headers and statuses, and never know a store, a token's content or a rule.

mod asked;
pub(crate) mod caller;
pub(crate) mod copies;
mod docs;
pub(crate) mod health;
pub(crate) mod links;
pub(crate) mod objects;
pub mod openapi;
mod operators;
pub(crate) mod uploads;
#[cfg(feature = "widget")]
pub mod widget;

use actix_web::web::ServiceConfig;

pub use operators::Audience;

/// Adds the API and, with the feature `widget`, the widget's files. Both work below any path.
pub fn configure(config: &mut ServiceConfig) {
    config
        .configure(uploads::configure)
        .configure(objects::configure)
        .configure(copies::configure)
        .configure(links::configure)
        .configure(caller::configure);
    #[cfg(feature = "widget")]
    config.configure(widget::configure);
}

/// Adds the demo page, if there is the feature `widget`.
#[cfg(feature = "widget")]
pub fn configure_page(config: &mut ServiceConfig) {
    config.configure(widget::configure_page);
}

/// Adds `/docs` and `/openapi.json` for this audience.
pub fn configure_docs(audience: Audience) -> impl FnOnce(&mut ServiceConfig) {
    move |config| docs::configure(config, audience)
}

/// Adds `/healthz` and `/readyz`, which need [`Readiness`](crate::readiness::Readiness) in the app's data.
pub fn configure_health(config: &mut ServiceConfig) {
    config.configure(health::configure);
}

/// Adds `/metrics` for this audience, which needs [`Metrics`](crate::metrics::Metrics) in the app's data.
pub fn configure_metrics(audience: Audience) -> impl FnOnce(&mut ServiceConfig) {
    move |config| health::configure_metrics(config, audience)
}
