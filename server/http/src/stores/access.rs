//! How to reach a store and its buckets: an external one, or the embedded one, in this process or in another.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use partway_embedded::{Options, Origins, Server as EmbeddedServer, Store as EmbeddedStore};
use partway_s3::bucket::{Bucket, StoreIdentity};
use partway_s3::discover::{Discovered, SharedCredentialsProvider, discover, fixed_credentials, http_client};
use partway_s3::signing::{CredentialSource, Hosts};
use partway_s3::store::{S3Store, S3StoreOptions};
use partway_s3::terms::RequestTerms;
use secrecy::SecretString;
use url::Url;

use crate::config::{EmbeddedConfig, Settings, StoreConfig, is_of_aws};
use crate::embedded_secrets::{ACCESS_KEY_ID, EmbeddedSecrets};

use super::OpenStoresError;

/// The region, unless one is configured or found.
const DEFAULT_REGION: &str = "us-east-1";

/// How long the embedded store waits for more of a body. The page's watchdog sends a part again after half of it.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How to reach a store.
pub(super) struct Access {
    section: String,
    region: String,
    endpoint: String,
    /// The endpoint for the SDK; `None` for AWS, which the SDK finds by itself.
    sdk_endpoint: Option<String>,
    public_endpoints: Vec<String>,
    /// Whether buckets are in the path; if not set, only those whose name matches no certificate.
    path_style: Option<bool>,
    dual_stack: bool,
    post_forms: bool,
    credentials: SharedCredentialsProvider,
    identity: StoreIdentity,
    is_embedded: bool,
}

/// What the destinations need of a bucket.
pub(super) struct Contents {
    pub(super) bucket: String,
    /// The names of the destinations.
    pub(super) destinations: Vec<String>,
    /// The longest lifetime of their tokens.
    pub(super) token_lifetime: Duration,
    /// The headers that their PUTs carry.
    pub(super) put_headers: BTreeSet<String>,
    /// Whether a destination in it lets callers read.
    pub(super) reads: bool,
    /// Whether a destination lets callers copy, which may be into this bucket.
    pub(super) copies: bool,
    /// What every request to it says.
    pub(super) terms: RequestTerms,
}

impl Access {
    /// Returns the access to an external store, with the credentials that are configured or that AWS's chain finds.
    pub(super) async fn remote(section: String, config: &StoreConfig) -> Result<Self, OpenStoresError> {
        Self::found(section, config, discover(config.region.as_deref()).await)
    }

    /// Returns the access to an external store, with what was found where it is not configured.
    pub(super) fn found(
        section: String,
        config: &StoreConfig,
        found: Discovered,
    ) -> Result<Self, OpenStoresError> {
        let credentials = match (&config.access_key_id, &config.secret_access_key) {
            (Some(id), Some(secret)) => fixed_credentials(id, secret, "configuration"),
            _ => found
                .credentials
                .ok_or_else(|| OpenStoresError::NoCredentials { section: section.clone() })?,
        };
        let region = config.region.clone().or(found.region);
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        // These are of AWS alone, and say so.
        let is_usual = !config.accelerate && !config.dual_stack;
        let configured = config.endpoint.as_ref().or(config.endpoints.first()).cloned();
        let sdk_endpoint = configured.or(found.endpoint.filter(|_| is_usual));
        let is_aws = config.is_aws() && sdk_endpoint.as_deref().is_none_or(is_of_aws);
        let public_endpoints = match (&config.endpoints[..], &sdk_endpoint) {
            ([], Some(endpoint)) => vec![endpoint.clone()],
            ([], None) => vec![config.public_aws_endpoint(&region)],
            (endpoints, _) => endpoints.to_vec(),
        };
        let identity = StoreIdentity {
            endpoint: match &sdk_endpoint {
                Some(endpoint) if !is_of_aws(endpoint) => endpoint.trim_end_matches('/').to_owned(),
                _ if region.starts_with("cn-") => "aws-cn".to_owned(),
                _ if region.starts_with("us-gov-") => "aws-us-gov".to_owned(),
                _ => "aws".to_owned(),
            },
            access_key_id: config.access_key_id.clone(),
        };
        Ok(Self {
            section,
            identity,
            endpoint: sdk_endpoint.clone().unwrap_or_else(|| config.aws_endpoint(&region)),
            sdk_endpoint,
            public_endpoints,
            region,
            path_style: config.path_style.or((!is_aws).then_some(true)),
            dual_stack: config.dual_stack,
            post_forms: config.post_forms.unwrap_or(is_aws),
            credentials,
            is_embedded: false,
        })
    }

    /// Starts the embedded store in this process, with the secrets from its data folder. Returns the secret for
    /// tokens, too.
    pub(super) fn embedded(
        config: &EmbeddedConfig,
        store: &StoreConfig,
        buckets: BTreeSet<String>,
    ) -> Result<(Self, EmbeddedServer, SecretString), OpenStoresError> {
        let addr = config.listen;
        let listener = TcpListener::bind(addr).map_err(|error| OpenStoresError::Listen { addr, error })?;
        let secrets = EmbeddedSecrets::load_or_make(&config.data)?;
        let opened = EmbeddedStore::open(Options {
            data_dir: config.data.clone(),
            access_key: ACCESS_KEY_ID.to_owned(),
            secret_key: secrets.secret_access_key.clone(),
            region: DEFAULT_REGION.to_owned(),
            buckets: buckets.into_iter().collect(),
            allowed_origins: Origins::List(config.allowed_origins.clone()),
            max_bytes: config.max_bytes.map(|max| max.as_u64()),
            body_timeout: BODY_TIMEOUT,
        });
        let opened = opened.map_err(|error| OpenStoresError::Open { data: config.data.clone(), error })?;
        let server = opened.serve(listener)?;
        let access = Self::embedded_at(server.local_addr(), store, &secrets);
        Ok((access, server, secrets.token_secret))
    }

    /// Returns the access to an embedded store that another process serves.
    pub(super) fn running(config: &EmbeddedConfig, store: &StoreConfig) -> Result<Self, OpenStoresError> {
        Ok(Self::embedded_at(config.listen, store, &EmbeddedSecrets::load_or_make(&config.data)?))
    }

    fn embedded_at(addr: SocketAddr, store: &StoreConfig, secrets: &EmbeddedSecrets) -> Self {
        let endpoint = format!("http://{addr}");
        Self {
            section: "store".to_owned(),
            region: DEFAULT_REGION.to_owned(),
            public_endpoints: if store.endpoints.is_empty() {
                vec![endpoint.clone()]
            } else {
                store.endpoints.iter().map(|name| with_port(name, addr.port())).collect()
            },
            sdk_endpoint: Some(endpoint.clone()),
            identity: StoreIdentity {
                endpoint: endpoint.clone(),
                access_key_id: Some(ACCESS_KEY_ID.to_owned()),
            },
            endpoint,
            path_style: Some(true),
            dual_stack: false,
            post_forms: store.post_forms.unwrap_or(true),
            credentials: fixed_credentials(ACCESS_KEY_ID, &secrets.secret_access_key, "embedded"),
            is_embedded: true,
        }
    }

    /// Returns one bucket of the store.
    pub(super) fn bucket(&self, contents: Contents, settings: &Settings) -> Result<Bucket, OpenStoresError> {
        let Contents { bucket, destinations, token_lifetime, put_headers, reads, copies, terms } = contents;
        // A certificate for `*.s3.amazonaws.com` is for one label more.
        let path_style = self.path_style.unwrap_or(bucket.contains('.'));
        let hosts = |endpoints: &[String]| {
            let hosts = Hosts::new(endpoints, &bucket, path_style);
            hosts
                .map(Arc::new)
                .map_err(|error| OpenStoresError::Endpoints { section: self.section.clone(), error })
        };
        let key_prefix = settings.uploads.key_prefix.clone();
        Ok(Bucket {
            label: destinations.join(","),
            destinations,
            region: self.region.clone(),
            identity: self.identity.clone(),
            store: Arc::new(S3Store::new(S3StoreOptions {
                bucket: bucket.clone(),
                region: self.region.clone(),
                endpoint: self.sdk_endpoint.clone(),
                path_style,
                dual_stack: self.dual_stack,
                credentials: self.credentials.clone(),
                http_client: http_client(),
                terms: terms.clone(),
            })),
            terms,
            hosts: hosts(std::slice::from_ref(&self.endpoint))?,
            public_hosts: hosts(&self.public_endpoints)?,
            name: bucket,
            credentials: CredentialSource::new(self.credentials.clone()),
            is_embedded: self.is_embedded,
            sweeping: settings.sweep.sweeping(self.is_embedded, &key_prefix),
            key_prefix,
            token_lifetime,
            put_headers,
            post_forms: self.post_forms,
            reads,
            copies,
        })
    }
}

/// Returns the endpoint with the embedded store's port, if its own port is 0.
fn with_port(endpoint: &str, port: u16) -> String {
    // Endpoints that are not URLs are refused elsewhere.
    let Ok(mut url) = Url::parse(endpoint) else { return endpoint.to_owned() };
    if url.port() != Some(0) || url.set_port(Some(port)).is_err() {
        return endpoint.to_owned();
    }
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The URL of an object, by settings in TOML.
    async fn location(store: &str) -> String {
        let toml = format!(
            "[server]\ntoken_secret = \"{}\"\n[store]\nregion = \"eu-west-1\"\naccess_key_id = \"k\"\nsecret_access_key = \"s\"\n{store}",
            "x".repeat(32)
        );
        let settings = Settings::from_toml("partway.toml".as_ref(), &toml).unwrap();
        settings.validate().unwrap();
        let access = Access::remote("store".to_owned(), &settings.store).await.unwrap();
        let contents = Contents {
            bucket: settings.store.bucket.clone().unwrap(),
            destinations: vec!["default".to_owned()],
            token_lifetime: Duration::from_secs(60),
            put_headers: BTreeSet::new(),
            reads: false,
            copies: false,
            terms: RequestTerms::default(),
        };
        access.bucket(contents, &settings).unwrap().public_hosts.first().location("x")
    }

    #[tokio::test]
    async fn the_bucket_stands_where_it_is_found() {
        for (store, expected) in [
            ("bucket = \"b\"", "https://b.s3.eu-west-1.amazonaws.com/x"),
            ("bucket = \"a.b\"", "https://s3.eu-west-1.amazonaws.com/a.b/x"),
            ("bucket = \"b\"\npath_style = true", "https://s3.eu-west-1.amazonaws.com/b/x"),
            ("bucket = \"b\"\nendpoint = \"https://s3.test/below/\"", "https://s3.test/below/b/x"),
            ("bucket = \"b\"\nendpoint = \"https://s3.test\"\npath_style = false", "https://b.s3.test/x"),
            ("bucket = \"b\"\nendpoints = [\"https://a.test\", \"https://b.test\"]", "https://a.test/b/x"),
            (
                "bucket = \"b\"\nendpoints = [\"https://s3.dualstack.eu-west-1.amazonaws.com\"]",
                "https://b.s3.dualstack.eu-west-1.amazonaws.com/x",
            ),
        ] {
            assert_eq!(location(store).await, expected, "{store}");
        }
    }
}
