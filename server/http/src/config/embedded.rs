//! `[embedded]`: the embedded store, for laptops and tests.

use std::net::SocketAddr;
use std::path::PathBuf;

use bytesize::ByteSize;
use serde::Deserialize;

use super::listen_address;

/// The settings of the embedded store, which is used when no bucket is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// Address and port. Default: `127.0.0.1:8081`; port 0 takes a free one.
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    /// The folder of objects and index, which is created if it is missing. Default: `data`.
    pub data: PathBuf,
    /// The bucket, which is created if it is missing. Default: `uploads`.
    pub bucket: String,
    /// The origins whose pages may reach it, such as `https://app.example.com`; one star stands for any text
    /// (`https://*.example.com`). Default: `*`, all, since every request must be signed.
    pub allowed_origins: Vec<String>,
    /// The most bytes that it stores. Default: no limit but the disk.
    pub max_bytes: Option<ByteSize>,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            data: PathBuf::from("data"),
            bucket: "uploads".to_owned(),
            allowed_origins: vec!["*".to_owned()],
            max_bytes: None,
        }
    }
}
