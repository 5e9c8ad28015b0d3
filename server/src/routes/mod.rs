//! The routes. Each file takes a request apart, asks the module that knows, and answers.

mod health;
mod uploads;
pub mod widget;

use actix_web::web::ServiceConfig;

/// Adds every route.
pub fn configure(config: &mut ServiceConfig) {
    config.configure(health::configure).configure(uploads::configure).configure(widget::configure);
}
