//! `[server]`: listening, tokens, CORS, logs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::origins::AllowedOrigins;

use super::{IdentityConfig, IdentityKind, SettingsError, choice, duration, list, listen_address};

/// The settings of the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port. Default: `127.0.0.1:8080`; `localhost` is 127.0.0.1, and port 0 takes a free one.
    ///
    /// Without `[identity]` only loopback addresses are accepted, since everybody who reaches the server may upload.
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    /// The path of a Unix socket to listen on instead of `listen`, for a reverse proxy on the same machine. Default:
    /// none. The permissions of its folder decide who may connect.
    pub socket: Option<PathBuf>,
    /// The secret that signs upload tokens: at least 32 bytes, the same on every replica.
    ///
    /// Required with a bucket of your own. For the embedded store one is generated and kept with its data.
    pub token_secret: Option<SecretString>,
    /// The secret that signs links to objects: at least 32 bytes, the same on every replica. Default: derived from
    /// `token_secret`.
    ///
    /// Changing it revokes all links.
    pub link_secret: Option<SecretString>,
    /// How long an upload may take from its creation to its completion. Default: `7d`.
    ///
    /// A longer lifetime lets people resume later; what is unfinished is stored, and paid for, as long.
    #[serde(deserialize_with = "duration::required")]
    pub token_lifetime: Duration,
    /// The origins of other pages that embed the widget: `https://app.example.com`, `https://*.example.com` for all
    /// below a domain, or `null` for files and sandboxed frames. Default: none; the server's own page needs no entry.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// The host names that the server answers to besides `localhost` and loopback addresses, such as the one that a
    /// reverse proxy passes on: `upload.example.com`. Default: none.
    ///
    /// Otherwise any page could reach the server by a name of its own that resolves to this machine (DNS rebinding).
    #[serde(deserialize_with = "list")]
    pub allowed_hosts: Vec<String>,
    /// The largest request body, at least `64 KiB`. Default: `2 MiB`: enough for a thousand files in one request, or
    /// the ETags of ten thousand parts.
    pub max_body: ByteSize,
    /// The most bytes of request bodies in memory, over all connections; further requests are refused with 503.
    /// Default: `64 MiB`, at least `max_body`. A body counts until its request is answered.
    pub max_bodies: ByteSize,
    /// How long a client may take to send a request, head and body each. Default: `30s`, at least `1s`.
    ///
    /// A slow line needs time for a body of 2 MiB; a request that never ends holds its connection this long.
    #[serde(deserialize_with = "duration::required")]
    pub request_timeout: Duration,
    /// How long requests under way may take after SIGTERM. Default: `30s`.
    #[serde(deserialize_with = "duration::required")]
    pub shutdown_timeout: Duration,
    /// The number of threads that answer requests. Default: one per core.
    pub workers: Option<usize>,
    /// The format of the log: `text` (the default) or `json`.
    #[serde(deserialize_with = "choice")]
    pub log_format: LogFormat,
    /// What is logged, in the syntax of tracing's `EnvFilter`. Default: `info,actix_server=warn,s3s=off`. (`s3s`,
    /// under the embedded store, logs a missing object as an error, and signed URLs at `debug`.)
    pub log: String,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            socket: None,
            token_secret: None,
            link_secret: None,
            token_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_body: ByteSize::mib(2),
            max_bodies: ByteSize::mib(64),
            request_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            workers: None,
            log_format: LogFormat::default(),
            log: "info,actix_server=warn,s3s=off".to_owned(),
        }
    }
}

impl ServerConfig {
    pub(super) fn validate(&self, identity: &IdentityConfig) -> Result<(), SettingsError> {
        let is_reachable = self.socket.is_none() && !self.listen.ip().is_loopback();
        if is_reachable && identity.kind == IdentityKind::None {
            let why = format!(
                "{} can be reached from other machines, and without [identity] everybody there could upload; \
                 configure [identity], or listen on a loopback address such as 127.0.0.1:8080",
                self.listen
            );
            return Err(SettingsError::unusable("server.listen", why));
        }
        for (setting, secret) in
            [("server.token_secret", &self.token_secret), ("server.link_secret", &self.link_secret)]
        {
            if secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32) {
                return Err(SettingsError::unusable(setting, "it must have at least 32 bytes"));
            }
        }
        if self.token_lifetime < Duration::from_secs(60) {
            return Err(SettingsError::unusable("server.token_lifetime", "it must be at least 1m"));
        }
        if self.max_body < ByteSize::kib(64) {
            return Err(SettingsError::unusable("server.max_body", "it must be at least 64 KiB"));
        }
        if self.max_bodies < self.max_body {
            return Err(SettingsError::unusable("server.max_bodies", "it must be at least server.max_body"));
        }
        if self.request_timeout < Duration::from_secs(1) {
            return Err(SettingsError::unusable("server.request_timeout", "it must be at least 1s"));
        }
        if self.workers == Some(0) {
            return Err(SettingsError::unusable("server.workers", "it must be at least 1"));
        }
        for (index, host) in self.allowed_hosts.iter().enumerate() {
            let parsed = Url::parse(&format!("http://{host}/"));
            let is_host = parsed.is_ok_and(|url| url.host_str() == Some(host.to_ascii_lowercase().as_str()));
            if !is_host || host.ends_with(":80") {
                let why = "it is not a host name such as upload.example.com (no scheme, no port, no path)";
                return Err(SettingsError::unusable(format!("server.allowed_hosts[{index}]"), why));
            }
        }
        AllowedOrigins::parse(&self.allowed_origins).map_err(|(index, why)| {
            SettingsError::unusable(format!("server.allowed_origins[{index}]"), why)
        })?;
        Ok(())
    }
}
