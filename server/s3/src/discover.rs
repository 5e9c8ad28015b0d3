//! Finds credentials, region and endpoint as AWS's own tools do: in the environment, a profile, the container or the
//! instance.

use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_http_client::tls;
use aws_types::service_config::ServiceConfigKey;
use secrecy::{ExposeSecret, SecretString};

pub use aws_credential_types::provider::SharedCredentialsProvider;
pub use aws_credential_types::provider::error::CredentialsError;

/// The settings that were found.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The region.
    pub region: Option<String>,
    /// The endpoint, from `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or the profile.
    pub endpoint: Option<String>,
    /// The provider of credentials, if there is one.
    pub credentials: Option<SharedCredentialsProvider>,
}

/// Finds the settings. With a `region` no metadata service is asked for one.
pub async fn discover(region: Option<&str>) -> Discovered {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let found = loader.load().await;
    Discovered {
        region: found.region().map(ToString::to_string),
        endpoint: endpoint(&found),
        credentials: found.credentials_provider(),
    }
}

/// Finds the settings for a command. No metadata service is asked for a region, which takes seconds where there is none; the
/// credentials of a profile that is named are its own, whatever the environment says.
pub async fn discover_for_command(region: Option<&str>, profile: Option<&str>) -> Discovered {
    let http_client = http_client();
    let mut of_profile = ProfileFileRegionProvider::builder();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client.clone());
    if let Some(profile) = profile {
        of_profile = of_profile.profile_name(profile);
        loader = loader.profile_name(profile);
    }
    let region = RegionProviderChain::first_try(region.map(|region| Region::new(region.to_owned())))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile.build());
    let region = region.region().await;
    if let Some(profile) = profile {
        let sends =
            ProviderConfig::without_region().with_http_client(http_client).with_region(region.clone());
        let credentials = ProfileFileCredentialsProvider::builder().configure(&sends);
        loader = loader.credentials_provider(credentials.profile_name(profile).build());
    }
    let found = loader.region(region).load().await;
    Discovered {
        region: found.region().map(ToString::to_string),
        endpoint: endpoint(&found),
        credentials: found.credentials_provider(),
    }
}

fn endpoint(found: &SdkConfig) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_s3 = found.service_config().and_then(|service| service.load_config(key.ok()?));
    of_s3.or_else(|| found.endpoint_url().map(str::to_owned))
}

/// Returns a provider of fixed credentials. `from` names their source in logs.
#[must_use]
pub fn fixed_credentials(id: &str, secret: &SecretString, from: &'static str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(id, secret.expose_secret(), None, None, from))
}

/// Returns the HTTP client of the SDK: TLS by rustls with ring.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}
