//! `[embedded]`: the store within the binary, for laptops and tests.

use std::net::SocketAddr;
use std::path::PathBuf;

use bytesize::ByteSize;
use serde::Deserialize;

use super::listen_address;

/// The embedded store. Used when no bucket is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// Address and port. Default `127.0.0.1:8081`; port 0 takes any that is free.
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    /// The folder for objects and index, made if it is not there. Default `data`.
    pub data: PathBuf,
    /// Its bucket, made if it is not there. Default `uploads`.
    pub bucket: String,
    /// The pages that may reach it, as browsers send them: `https://app.example.com`; one star in each stands for
    /// anything (`https://*.example.com`). Default `*`: all, since every request has to be signed.
    pub allowed_origins: Vec<String>,
    /// The most bytes that it stores. Default: as many as the disk holds.
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
