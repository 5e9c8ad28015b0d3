//! Configuration: a TOML file, overridden by the environment, parsed once.
//!
//! Each concern has a struct of its own; an unknown setting is an error.
//! `PARTWAY_STORE__BUCKET` overrides `bucket` in `[store]`, and so on.

mod embedded;
mod operations;
mod server;
mod store;
mod sweep;
mod tls;
mod uploads;

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::{Deserialize, Deserializer};

pub use embedded::EmbeddedConfig;
pub use operations::OperationsConfig;
pub use server::{LogFormat, ServerConfig};
pub use store::StoreConfig;
pub use sweep::SweepConfig;
pub use tls::TlsConfig;
pub use uploads::{ChecksumSetting, UploadsConfig};

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The server itself.
    pub server: ServerConfig,
    /// The bucket. Without it the embedded store is used.
    pub store: StoreConfig,
    /// The embedded store.
    pub embedded: EmbeddedConfig,
    /// What may be uploaded.
    pub uploads: UploadsConfig,
    /// When uploads that have outlived their tokens are removed.
    pub sweep: SweepConfig,
    /// The server's certificate.
    pub tls: TlsConfig,
    /// What the server tells those who run it.
    pub operations: OperationsConfig,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read, or something in it or in the environment is not known or not of its type.
    #[error("{0}")]
    Unreadable(#[from] config::ConfigError),
    /// A value is out of bounds, or two contradict each other.
    #[error("{setting}: {why}")]
    Unusable {
        /// The setting, as `section.name`.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl SettingsError {
    fn unusable(setting: &'static str, why: impl Into<String>) -> Self {
        Self::Unusable { setting, why: why.into() }
    }
}

impl Settings {
    /// Reads the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// When either cannot be read or says something unknown.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        Self::read(file, None)
    }

    fn read(
        file: Option<&Path>,
        environment: Option<config::Map<String, String>>,
    ) -> Result<Self, SettingsError> {
        // Values stay text until their field's type reads them: a key of digits is no number.
        let variables =
            Environment::with_prefix("PARTWAY").prefix_separator("_").separator("__").source(environment);
        let mut builder = Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(File::from(file.to_owned()).format(FileFormat::Toml));
        }
        let settings: Self = builder.add_source(variables).build()?.try_deserialize()?;
        Ok(settings)
    }

    /// Checks what no single value shows.
    ///
    /// # Errors
    /// Names the setting and what is wrong with it.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.server.validate()?;
        self.uploads.validate()?;
        self.store.validate()?;
        self.sweep.validate()?;
        self.tls.validate()?;
        self.check_listening()?;
        if self.store.bucket.is_some() && self.server.token_secret.is_none() {
            return Err(SettingsError::unusable(
                "server.token_secret",
                "with a bucket of your own it must be set, and be the same on every replica: tokens are signed with \
                 it. Any 32 random bytes will do, such as from `openssl rand -hex 32`",
            ));
        }
        Ok(())
    }

    /// A socket is a file, and has no certificate.
    fn check_listening(&self) -> Result<(), SettingsError> {
        if self.server.socket.is_some() && self.tls.certificate.is_some() {
            return Err(SettingsError::unusable("tls.certificate", "there is no TLS on server.socket"));
        }
        Ok(())
    }

    /// Where the embedded store keeps its data, if it is used.
    #[must_use]
    pub fn embedded_data(&self) -> Option<PathBuf> {
        self.store.bucket.is_none().then(|| self.embedded.data.clone())
    }
}

/// A list, or the text with commas that the environment gives.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Text(text) => {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use bytesize::ByteSize;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(toml: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(toml.as_bytes()).unwrap();
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::read(Some(file.path()), Some(environment.collect()))?;
        settings.validate()?;
        Ok(settings)
    }

    #[test]
    fn nothing_at_all_is_a_laptop() {
        let settings = read("", &[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.uploads.single_put_max, ByteSize::mib(16));
        assert!(settings.embedded_data().is_some());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let toml =
            "[server]\nlisten = \"127.0.0.1:1\"\n[uploads]\npart_size = \"8 MiB\"\nurl_lifetime = \"1h\"";
        let settings = read(
            toml,
            &[
                ("PARTWAY_SERVER__LISTEN", "127.0.0.1:2"),
                ("PARTWAY_SERVER__ALLOWED_ORIGINS", "https://a.test,https://b.test"),
                ("PARTWAY_STORE__BUCKET", "photos"),
                ("PARTWAY_STORE__ENDPOINTS", "https://a.test, https://b.test"),
                ("PARTWAY_STORE__ACCESS_KEY_ID", "12345678"),
                ("PARTWAY_STORE__SECRET_ACCESS_KEY", "00012345"),
                ("PARTWAY_SERVER__TOKEN_SECRET", "12345678901234567890123456789012"),
            ],
        )
        .unwrap();
        assert_eq!(settings.server.listen.port(), 2);
        assert_eq!(settings.server.allowed_origins, ["https://a.test", "https://b.test"]);
        assert_eq!(settings.uploads.part_size, ByteSize::mib(8));
        assert_eq!(settings.uploads.url_lifetime.as_secs(), 3_600);
        assert_eq!(settings.store.bucket.as_deref(), Some("photos"));
        assert_eq!(settings.store.endpoints, ["https://a.test", "https://b.test"]);
        assert_eq!(settings.store.access_key_id.as_deref(), Some("12345678"), "digits stay a string");
        assert_eq!(settings.store.secret_access_key.unwrap().expose_secret(), "00012345");
    }

    #[test]
    fn the_bucket_stands_in_the_path_of_other_stores() {
        let is_path_style =
            |toml: &str| read(&format!("[store]\n{toml}"), &[]).unwrap().store.is_path_style();
        assert!(!is_path_style(""));
        assert!(is_path_style("endpoint = \"https://s3.test\""));
        assert!(is_path_style("endpoints = [\"https://a.test\", \"https://b.test\"]"));
        assert!(!is_path_style("endpoints = [\"https://s3.dualstack.eu-west-1.amazonaws.com\"]"));
        assert!(!is_path_style("endpoint = \"https://s3.test\"\npath_style = false"));
    }

    #[test]
    fn aws_has_several_addresses() {
        let addresses = |toml: &str, region: &str| {
            let store = read(&format!("[store]\n{toml}"), &[]).unwrap().store;
            [store.aws_endpoint(region), store.public_aws_endpoint(region)]
        };
        let plain = "https://s3.eu-west-1.amazonaws.com";
        let dual = "https://s3.dualstack.eu-west-1.amazonaws.com";
        assert_eq!(addresses("", "eu-west-1"), [plain, plain]);
        assert_eq!(addresses("dual_stack = true", "eu-west-1"), [dual, dual]);
        assert_eq!(
            addresses("accelerate = true", "eu-west-1"),
            [plain, "https://s3-accelerate.amazonaws.com"]
        );
        assert_eq!(
            addresses("accelerate = true\ndual_stack = true", "eu-west-1"),
            [dual, "https://s3-accelerate.dualstack.amazonaws.com"]
        );
        assert_eq!(addresses("", "cn-north-1")[0], "https://s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn mistakes_are_named() {
        for (toml, named) in [
            ("[server]\nlisten = \"nonsense\"", "server.listen"),
            ("[server]\nlissen = \"127.0.0.1:1\"", "lissen"),
            ("[sever]\n", "sever"),
            ("[server]\nlisten = \"0.0.0.0:80\"", "server.listen"),
            ("[server]\ntoken_secret = \"short\"", "server.token_secret"),
            ("[server]\nallowed_origins = [\"https://a.test/page\"]", "server.allowed_origins"),
            ("[server]\nallowed_hosts = [\"https://a.test\"]", "server.allowed_hosts"),
            ("[server]\nallowed_hosts = [\"a.test:80\"]", "server.allowed_hosts"),
            ("[server]\nallowed_hosts = [\"a.test/b\"]", "server.allowed_hosts"),
            ("[server]\nallowed_hosts = [\"\"]", "server.allowed_hosts"),
            ("[uploads]\npart_size = \"1 MiB\"", "uploads.part_size"),
            ("[uploads]\nsingle_put_max = \"6 GiB\"", "uploads.single_put_max"),
            ("[uploads]\nurl_lifetime = \"30d\"", "uploads.url_lifetime"),
            ("[uploads]\nkey_prefix = \"/x\"", "uploads.key_prefix"),
            ("[uploads]\nchecksum = \"md4\"", "md4"),
            ("[store]\nbucket = \"photos\"", "server.token_secret"),
            ("[store]\naccess_key_id = \"x\"", "store.secret_access_key"),
            ("[store]\nendpoint = \"s3.test\"", "store.endpoint"),
            ("[store]\nendpoints = [\"https://s3.test/x\"]", "store.endpoints"),
            ("[store]\nendpoints = [\"https://s3.test\", \"https://s3.test:443\"]", "given twice"),
            ("[store]\naccelerate = true\nendpoint = \"https://s3.test\"", "store.accelerate"),
            ("[store]\naccelerate = true\nbucket = \"a.b\"", "store.accelerate"),
            ("[store]\ndual_stack = true\nendpoint = \"https://s3.test\"", "store.dual_stack"),
            ("[sweep]\ninterval = \"10ms\"", "sweep.interval"),
            ("[tls]\nkey = \"key.pem\"", "tls.certificate"),
            ("[tls]\nkey = \"k\"\ncertificate = \"c\"\n[server]\nsocket = \"s\"", "server.socket"),
            ("not toml", "toml"),
        ] {
            let error = read(toml, &[]).expect_err(toml).to_string();
            assert!(error.to_lowercase().contains(named), "{toml:?} gave {error:?}");
        }
    }
}
