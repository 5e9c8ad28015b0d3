//! The routes. Each file takes a request apart, asks the module that knows, and answers.

mod health;
mod uploads;
pub mod widget;

use actix_web::web::ServiceConfig;

/// Adds the API and the widget's files, which work at any place.
pub fn configure(config: &mut ServiceConfig) {
    config.configure(uploads::configure).configure(widget::configure);
}

/// Adds what a server has of its own: health and the demo page.
pub fn configure_server(config: &mut ServiceConfig) {
    config.configure(health::configure).configure(widget::configure_page);
}
