//! `[store]` and `[stores.NAME]`: a store, its bucket, and how to reach them.

use partway_s3::signing::{Address, Hosts};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{SettingsError, list};

/// The settings of a store. Without a bucket the embedded store is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The bucket's name.
    pub bucket: Option<String>,
    /// The region. Default: from the environment or the profile, else `us-east-1`.
    pub region: Option<String>,
    /// The URL of a store other than AWS, as this server reaches it, such as `https://s3.example.com`, with a path if
    /// S3 is served below one. Default: the first of `endpoints`, else `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or
    /// the profile, else AWS.
    pub endpoint: Option<String>,
    /// The URLs of the store as browsers reach them; parts and small files are signed for them in turn. Default:
    /// `endpoint`.
    ///
    /// A browser opens six connections to a host name over HTTP/1.1, so a second name for the same store doubles the
    /// parts that it sends at a time. For the embedded store, port 0 stands for its port.
    #[serde(deserialize_with = "list")]
    pub endpoints: Vec<String>,
    /// Whether browsers use AWS's Transfer Acceleration, which must be enabled for the bucket and costs extra.
    /// Default: no.
    pub accelerate: bool,
    /// Whether AWS is reached over IPv6 as well. Default: no.
    pub dual_stack: bool,
    /// Whether the bucket is in the path (`https://host/bucket/key`). Default: yes for the embedded store, for
    /// endpoints other than AWS's, and for names with a dot, which match no certificate; else no.
    pub path_style: Option<bool>,
    /// Whether small files are sent as HTML forms (POST policies), which need no preflight. Default: yes for AWS and
    /// the embedded store, no for others, since not all support them (Cloudflare R2 does not).
    ///
    /// The bucket's CORS must allow POST.
    pub post_forms: Option<bool>,
    /// The access key id. Default: AWS's usual chain of environment, profile, container and instance.
    pub access_key_id: Option<String>,
    /// The secret access key that belongs to it.
    pub secret_access_key: Option<SecretString>,
}

/// Returns whether this is an endpoint of AWS.
#[must_use]
pub fn is_of_aws(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

impl StoreConfig {
    /// Returns whether the endpoints, if any are configured, are AWS's.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        self.endpoint.iter().chain(&self.endpoints).all(|endpoint| is_of_aws(endpoint))
    }

    /// Returns AWS's endpoint for a region, as the server uses it.
    #[must_use]
    pub fn aws_endpoint(&self, region: &str) -> String {
        let dual_stack = if self.dual_stack { "dualstack." } else { "" };
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://s3.{dual_stack}{region}.amazonaws.com{china}")
    }

    /// Returns AWS's endpoint for a region, as browsers use it.
    #[must_use]
    pub fn public_aws_endpoint(&self, region: &str) -> String {
        match (self.accelerate, self.dual_stack) {
            (false, _) => self.aws_endpoint(region),
            (true, false) => "https://s3-accelerate.amazonaws.com".to_owned(),
            (true, true) => "https://s3-accelerate.dualstack.amazonaws.com".to_owned(),
        }
    }

    /// Checks that a bucket can be reached with these settings: a name with a dot makes a host name that matches no
    /// certificate.
    pub(super) fn check_bucket(&self, bucket: &str) -> Result<(), &'static str> {
        let is_plain =
            self.endpoint.iter().chain(&self.endpoints).any(|endpoint| endpoint.starts_with("http:"));
        if !bucket.contains('.') {
            Ok(())
        } else if self.accelerate {
            Err("accelerate does not work with a bucket that has a dot in its name")
        } else if self.path_style == Some(false) && !is_plain {
            Err("its name has a dot, so its host name matches no certificate; remove path_style")
        } else {
            Ok(())
        }
    }

    pub(super) fn validate(&self, section: &str) -> Result<(), SettingsError> {
        let unusable = |name: &str, why: String| SettingsError::unusable(format!("{section}.{name}"), why);
        let has_address = self.endpoint.is_some() || !self.endpoints.is_empty();
        if self.dual_stack && has_address {
            return Err(unusable(
                "dual_stack",
                "it applies to AWS only, and endpoint is another store's".to_owned(),
            ));
        }
        if self.accelerate && (has_address || self.path_style == Some(true)) {
            let why =
                "it is for AWS, with the bucket in the host name: without endpoint, endpoints and path_style";
            return Err(unusable("accelerate", why.to_owned()));
        }
        if let Some(bucket) = &self.bucket {
            self.check_bucket(bucket).map_err(|why| unusable("bucket", why.to_owned()))?;
        }
        match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => {
                return Err(unusable("secret_access_key", "it must be set with access_key_id".to_owned()));
            }
            (None, Some(_)) => {
                return Err(unusable("access_key_id", "it must be set with secret_access_key".to_owned()));
            }
            _ => {}
        }
        if let Some(endpoint) = &self.endpoint {
            Address::new(endpoint, "bucket", true)
                .map_err(|error| unusable("endpoint", error.to_string()))?;
        }
        if !self.endpoints.is_empty() {
            Hosts::new(&self.endpoints, "bucket", true)
                .map_err(|error| unusable("endpoints", error.to_string()))?;
        }
        Ok(())
    }
}
