//! Uploads and downloads from a program: the machines of [`partway_shared`], driven by files, pipes and HTTP.
//!
//! It owns what a browser's driver owns in a page: sources and sinks, requests to the store, and what is kept so that a transfer goes
//! on after a crash. What decides who may do what is behind [`Control`]: a Partway server, or the server's own operations in the same
//! process. It never knows actix-web, a terminal, nor the credentials of a store.

mod clock;
pub mod control;
pub mod download;
pub mod event;
mod explain;
pub mod http;
pub mod journal;
pub mod remote;
pub mod settings;
mod timer;
pub mod upload;

pub use control::Control;
pub use download::{Download, Downloads};
pub use event::Event;
pub use http::HttpClient;
pub use remote::Remote;
pub use settings::TransferSettings;
pub use upload::{Upload, Uploads};
