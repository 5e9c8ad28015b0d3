//! Partway in an application of one's own: `cargo run --package partway-server --example mounted`, then
//!
//!     curl -b session=ada -H 'content-type: application/json' \
//!          -d '{"files": [{"name": "a.txt", "size": 5}]}' http://127.0.0.1:8090/files/v1/uploads
//!
//! A page of the application would say `mount(element, { endpoint: "/files" })`.

use actix_web::{App, HttpServer};
use partway_server::config::Settings;
use partway_server::mount::Partway;

mod app;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let library = app::Library::default();
    // What `partway.toml` would say; without a bucket, files go to the embedded store in ./data.
    let partway =
        Partway::builder(Settings::default()).identity(app::Sessions).hooks(library.clone()).build().await?;
    let mounted = partway.clone();
    let server = HttpServer::new(move || App::new().configure(library.routes(&mounted)));
    server.bind("127.0.0.1:8090")?.run().await?;
    partway.stop().await;
    Ok(())
}
