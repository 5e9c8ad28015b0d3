//! `[operations]`: what the server tells those who run it.

use std::net::SocketAddr;

use serde::Deserialize;

use super::listen_address;

fn some_listen_address<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    listen_address(deserializer).map(Some)
}

/// Metrics, and where they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationsConfig {
    /// Whether `/metrics` is answered. Default yes.
    ///
    /// It tells how much is uploaded, and nothing of what or by whom.
    pub metrics: bool,
    /// An address of its own for `/metrics`, `/docs`, `/openapi.json`, `/healthz` and `/readyz`, without TLS, such as
    /// `10.0.0.5:9090`, for whoever reaches it; `/metrics` is then there alone. Default none.
    #[serde(deserialize_with = "some_listen_address")]
    pub listen: Option<SocketAddr>,
    /// The address of an OpenTelemetry collector that traces are sent to by OTLP over HTTP, such as
    /// `http://127.0.0.1:4318/v1/traces`. Default none. Only in binaries that are built with the feature `otel`.
    pub otlp_endpoint: Option<String>,
    /// Whether `/docs` and `/openapi.json` are answered. Default yes.
    pub docs: bool,
    /// Whether `/metrics`, `/docs` and `/openapi.json` are answered to everybody where everything else is. Default no: to
    /// clients on the same machine alone, and to none that comes by a proxy.
    pub public: bool,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self { metrics: true, listen: None, otlp_endpoint: None, docs: true, public: false }
    }
}
