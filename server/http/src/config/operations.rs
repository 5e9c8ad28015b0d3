//! `[operations]`: metrics, health and the API's description.

use std::net::SocketAddr;

use serde::Deserialize;

use super::listen_address;

fn some_listen_address<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    listen_address(deserializer).map(Some)
}

/// The settings of metrics and of the API's description.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationsConfig {
    /// Whether `/metrics` is served. Default: yes.
    ///
    /// It shows how much is uploaded, but not what or by whom.
    pub metrics: bool,
    /// A separate address for `/metrics`, `/docs`, `/openapi.json`, `/healthz` and `/readyz`, without TLS, such as
    /// `10.0.0.5:9090`, for everybody who can reach it. `/metrics` is then served only there. Default: none.
    #[serde(deserialize_with = "some_listen_address")]
    pub listen: Option<SocketAddr>,
    /// The URL of an OpenTelemetry collector that receives traces by OTLP over HTTP, such as
    /// `http://127.0.0.1:4318/v1/traces`. Default: none. Needs the feature `otel`.
    pub otlp_endpoint: Option<String>,
    /// Whether `/docs` and `/openapi.json` are served. Default: yes.
    pub docs: bool,
    /// Whether `/metrics`, `/docs` and `/openapi.json` are served to everybody at the server's address. Default: no:
    /// only to clients on the same machine that come by no proxy.
    pub public: bool,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self { metrics: true, listen: None, otlp_endpoint: None, docs: true, public: false }
    }
}
