//! Configuration: a TOML file, overridden by environment variables, parsed once.
//!
//! Each section has a struct of its own; an unknown setting is an error.
//! `PARTWAY_STORE__BUCKET` overrides `bucket` in `[store]`, and so on.
//!
//! It owns names, defaults and bounds of settings, and what is said of a mistaken one. It never knows what is done with them.

mod destinations;
mod duration;
mod embedded;
mod explain;
mod hooks;
mod identity;
mod limits;
mod objects;
mod operations;
mod server;
mod sources;
mod store;
mod sweep;
mod tls;
mod uploads;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer};

use self::sources::SettingSources;

pub use destinations::DestinationConfig;
pub use duration::parse as parse_duration;
pub use embedded::EmbeddedConfig;
pub use hooks::HooksConfig;
pub use identity::{ForwardConfig, IdentityConfig, IdentityKind, JwtConfig};
pub use limits::LimitsConfig;
pub use objects::ObjectsConfig;
pub use operations::OperationsConfig;
pub use server::{LogFormat, ServerConfig};
pub use store::{StoreConfig, is_of_aws};
pub use sweep::SweepConfig;
pub use tls::TlsConfig;
pub use uploads::{ChecksumSetting, UploadsConfig};

/// All settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The server.
    pub server: ServerConfig,
    /// Authentication.
    pub identity: IdentityConfig,
    /// The bucket. Without one the embedded store is used.
    pub store: StoreConfig,
    /// Further stores, by name, for destinations that name one.
    pub stores: BTreeMap<String, StoreConfig>,
    /// The embedded store.
    pub embedded: EmbeddedConfig,
    /// How files are split, signed and verified.
    pub uploads: UploadsConfig,
    /// The destinations, by name. Default: one called `default`, which accepts everything.
    pub destinations: BTreeMap<String, DestinationConfig>,
    /// Hooks of the application.
    pub hooks: HooksConfig,
    /// Quotas of each subject.
    pub limits: LimitsConfig,
    /// When expired uploads are removed.
    pub sweep: SweepConfig,
    /// The TLS certificate.
    pub tls: TlsConfig,
    /// Metrics, health and the API's description.
    pub operations: OperationsConfig,
    #[serde(skip)]
    sources: SettingSources,
}

/// Why a configuration cannot be used. The message begins with file and line, or with the variable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{}: {error}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file is not TOML. The line itself, which may hold a secret, is not repeated.
    #[error("{}: line {line}, column {column}: {why}", file.display())]
    NotToml {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's message.
        why: String,
    },
    /// A setting is unknown, of the wrong type, out of bounds, or contradicts another.
    #[error("{place}{setting}: {why}")]
    Unusable {
        /// `partway.toml:12: ` or the variable; empty for a setting that is set nowhere.
        place: String,
        /// The setting, as `section.name`.
        setting: String,
        /// What is wrong with it.
        why: String,
    },
}

impl SettingsError {
    fn unusable(setting: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unusable { place: String::new(), setting: setting.into(), why: why.into() }
    }

    fn not_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        Self::NotToml {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
            why: error.message().to_owned(),
        }
    }

    fn placed(self, sources: &SettingSources) -> Self {
        match self {
            Self::Unusable { setting, why, .. } => {
                Self::Unusable { place: sources.prefix(&setting), setting, why }
            }
            other => other,
        }
    }
}

/// The destination of files that name none.
pub(crate) const DEFAULT_DESTINATION: &str = "default";

/// Variables that are no settings: the file's path, and what the commands of a client take.
const OTHER_VARIABLES: [&str; 4] =
    ["PARTWAY_CONFIG", "PARTWAY_ENDPOINT", "PARTWAY_TOKEN", "PARTWAY_TOKEN_COMMAND"];

impl Settings {
    /// Reads the file, if there is one, and the environment, which overrides it.
    ///
    /// # Errors
    /// When either cannot be read, or has an unknown setting.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let Some(path) = file else { return Self::read(None, environment) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::File { file: path.to_owned(), error })?;
        Self::read(Some((path, &text)), environment)
    }

    /// Parses settings from a text, without the environment. Errors call the text `name`.
    ///
    /// # Errors
    /// When the text is not TOML, or has an unknown setting.
    pub fn from_toml(name: &Path, text: &str) -> Result<Self, SettingsError> {
        Self::read(Some((name, text)), [])
    }

    fn read(
        file: Option<(&Path, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut builder = Config::builder();
        let mut sources = SettingSources::default();
        if let Some((path, text)) = file {
            sources = SettingSources::of_file(path, text)
                .map_err(|error| SettingsError::not_toml(path, text, &error))?;
            builder = builder.add_source(File::from_str(text, FileFormat::Toml));
        }
        for (variable, value) in environment {
            let Some(name) =
                variable.strip_prefix("PARTWAY_").filter(|_| !OTHER_VARIABLES.contains(&&*variable))
            else {
                continue;
            };
            let setting = name.to_lowercase().replace("__", ".");
            // Values stay text until their field's type reads them: a key of digits is no number.
            builder = builder
                .set_override(&setting, value)
                .map_err(|error| SettingsError::unusable(&variable, error.to_string()))?;
            sources.add_variable(setting, variable);
        }
        let config =
            builder.build().map_err(|error| SettingsError::unusable("configuration", reason(error)))?;
        let settings: Self = serde_path_to_error::deserialize(config).map_err(|error| {
            let path = error.path().to_string();
            SettingsError::unusable(path, explain::explain(&reason(error.into_inner()))).placed(&sources)
        })?;
        Ok(Self { sources, ..settings })
    }

    /// Checks bounds, and settings that depend on each other.
    ///
    /// # Errors
    /// Names the setting, and what is wrong with it.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.check().map_err(|error| error.placed(&self.sources))
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.server.validate(&self.identity)?;
        self.identity.validate()?;
        self.uploads.validate()?;
        self.store.validate("store")?;
        for (name, store) in &self.stores {
            check_name("stores", name)?;
            store.validate(&format!("stores.{name}"))?;
        }
        for (name, destination) in &self.destinations {
            check_name("destinations", name)?;
            destination.validate(name, self)?;
        }
        self.hooks.validate()?;
        self.limits.validate()?;
        self.sweep.validate()?;
        self.tls.validate()?;
        self.check_listening()?;
        let is_remote = self.store.bucket.is_some() || !self.stores.is_empty();
        if is_remote && self.server.token_secret.is_none() {
            return Err(SettingsError::unusable(
                "server.token_secret",
                "with a bucket of your own it must be set, and be the same on every replica: tokens are signed with \
                 it. Any 32 random bytes will do, such as from `openssl rand -hex 32`",
            ));
        }
        Ok(())
    }

    /// Checks that a Unix socket has no certificate.
    fn check_listening(&self) -> Result<(), SettingsError> {
        if self.server.socket.is_some() && self.tls.certificate.is_some() {
            return Err(SettingsError::unusable("tls.certificate", "there is no TLS on server.socket"));
        }
        Ok(())
    }

    /// Returns the destinations that are configured, or one that accepts everything.
    #[must_use]
    pub fn destinations(&self) -> BTreeMap<String, DestinationConfig> {
        if !self.destinations.is_empty() {
            return self.destinations.clone();
        }
        BTreeMap::from([(DEFAULT_DESTINATION.to_owned(), DestinationConfig::default())])
    }

    /// Returns the bucket of a destination.
    #[must_use]
    pub fn bucket_of(&self, destination: &DestinationConfig) -> String {
        let (_, store) = self.store_of(destination.store.as_deref());
        let bucket = destination.bucket.as_ref().or(store.bucket.as_ref());
        bucket.unwrap_or(&self.embedded.bucket).clone()
    }

    /// Returns the store of this name, and the section in which it is configured.
    pub(crate) fn store_of(&self, name: Option<&str>) -> (String, &StoreConfig) {
        match name.and_then(|name| Some((name, self.stores.get(name)?))) {
            Some((name, store)) => (format!("stores.{name}"), store),
            None => ("store".to_owned(), &self.store),
        }
    }

    /// Returns the data folder of the embedded store, if it is used.
    #[must_use]
    pub fn embedded_data(&self) -> Option<PathBuf> {
        let is_used = || self.destinations().values().any(|destination| destination.store.is_none());
        (self.store.bucket.is_none() && is_used()).then(|| self.embedded.data.clone())
    }
}

/// Returns a message without the place, which the caller adds, and without the value, which may be a secret.
fn reason(error: config::ConfigError) -> String {
    match error {
        config::ConfigError::At { error, .. } => reason(*error),
        config::ConfigError::Type { unexpected, expected, .. } => {
            // The text begins with the type; the value follows in quotes.
            let unexpected = unexpected.to_string();
            let kind = unexpected.split(['`', '"']).next().unwrap_or_default().trim();
            format!("invalid type: {kind}, expected {expected}")
        }
        config::ConfigError::FileParse { .. } => {
            "a value in the file is of no type that settings have".to_owned()
        }
        other => other.to_string(),
    }
}

/// Checks a name, which appears in requests, in tickets and in environment variables.
fn check_name(section: &str, name: &str) -> Result<(), SettingsError> {
    let is_plain =
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if is_plain && !name.is_empty() && name.len() <= 64 {
        return Ok(());
    }
    let why = "a name must have 1 to 64 characters of a-z, 0-9, _ and -";
    Err(SettingsError::unusable(format!("{section}.{name}"), why))
}

/// Deserializes one of several names, so that an error lists them.
fn choice<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

/// Deserializes an IP address and a port, or `localhost` in place of the address.
fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let named = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.clone(),
    };
    named.parse().map_err(|_| {
        // No name is looked up: what it is today need not be what it is at the next start.
        serde::de::Error::custom(
            "it is not an address to listen on, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080",
        )
    })
}

/// Deserializes a list, or a text with commas as environment variables have it.
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
    use bytesize::ByteSize;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(toml: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::read(Some((Path::new("partway.toml"), toml)), environment)?;
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
    fn localhost_is_an_address() {
        let text = "[server]\nlisten = \"localhost:9000\"\n[embedded]\nlisten = \"localhost:0\"\n[operations]\nlisten = \"localhost:1\"";
        let settings = read(text, &[]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:9000");
        assert_eq!(settings.embedded.listen.to_string(), "127.0.0.1:0");
        assert_eq!(settings.operations.listen.map(|addr| addr.to_string()).as_deref(), Some("127.0.0.1:1"));
        for bad in ["localhost", "example.com:80", "8080", ":8080", "localhost:x", "localhost:99999"] {
            let error = read(&format!("[server]\nlisten = {bad:?}"), &[]).unwrap_err().to_string();
            assert!(error.contains("localhost:8080") && error.contains("partway.toml:2"), "{error}");
        }
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
    fn aws_has_several_addresses() {
        let addresses = |toml: &str, region: &str| {
            let store = read(&format!("[store]\n{toml}"), &[]).unwrap().store;
            [store.aws_endpoint(region), store.public_aws_endpoint(region)]
        };
        let standard = "https://s3.eu-west-1.amazonaws.com";
        let dual = "https://s3.dualstack.eu-west-1.amazonaws.com";
        assert_eq!(addresses("", "eu-west-1"), [standard, standard]);
        assert_eq!(addresses("dual_stack = true", "eu-west-1"), [dual, dual]);
        assert_eq!(
            addresses("accelerate = true", "eu-west-1"),
            [standard, "https://s3-accelerate.amazonaws.com"]
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
            ("[uploads]\ncopy_part_size = \"4 MiB\"", "uploads.copy_part_size"),
            ("[uploads]\ncopy_threshold = \"6 GiB\"", "uploads.copy_threshold"),
            ("[uploads]\nurl_lifetime = \"30d\"", "uploads.url_lifetime: a presigned"),
            ("[uploads]\nkey_prefix = \"/x\"", "uploads.key_prefix"),
            ("[uploads]\nchecksum = \"md4\"", "md4"),
            ("[store]\nbucket = \"photos\"", "server.token_secret"),
            ("[store]\naccess_key_id = \"x\"", "store.secret_access_key"),
            ("[store]\nendpoint = \"s3.test\"", "store.endpoint"),
            ("[store]\nendpoints = [\"https://s3.test/x?y\"]", "store.endpoints"),
            ("[store]\nendpoints = [\"https://s3.test\", \"https://s3.test:443\"]", "given twice"),
            ("[store]\naccelerate = true\nendpoint = \"https://s3.test\"", "store.accelerate"),
            ("[store]\naccelerate = true\nbucket = \"a.b\"", "store.bucket"),
            ("[store]\npath_style = false\nbucket = \"a.b\"", "store.bucket"),
            (
                "[store]\npath_style = false\nbucket = \"b\"\n[destinations.a]\nbucket = \"a.b\"",
                "destinations.a.bucket",
            ),
            ("[server]\nallowed_origins = [\"*\"]", "server.allowed_origins"),
            ("[store]\ndual_stack = true\nendpoint = \"https://s3.test\"", "store.dual_stack"),
            ("[sweep]\ninterval = \"10ms\"", "sweep.interval"),
            ("[tls]\nkey = \"key.pem\"", "tls.certificate"),
            ("[tls]\nkey = \"k\"\ncertificate = \"c\"\n[server]\nsocket = \"s\"", "server.socket"),
            ("not toml", "line 1, column"),
        ] {
            let error = read(toml, &[]).expect_err(toml).to_string();
            assert!(error.to_lowercase().contains(named), "{toml:?} gave {error:?}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (toml, told) in [
            (
                "# x\n[server]\nlissen = \"127.0.0.1:1\"",
                ":3: server.lissen: unknown setting `lissen`; did you mean `listen`?",
            ),
            ("[sever]\n", ":1: sever: unknown setting `sever`; did you mean `server`?"),
            ("[server]\n\nworkers = 0", ":3: server.workers: it must be at least 1"),
            (
                "[server]\nlog_format = \"jsn\"",
                ":2: server.log_format: unknown value `jsn`; did you mean `json`?",
            ),
            ("[server]\nworkers = \"many\"", ":2: server.workers: invalid type"),
            ("[uploads]\nurl_lifetime = \"soon\"", ":2: uploads.url_lifetime: "),
            ("[uploads]\npart_size = \"a lot\"", "expected a size such as `16 MiB`"),
            (
                "[destinations.a]\nkye = \"x\"",
                ":2: destinations.a.kye: unknown setting `kye`; did you mean `key`?",
            ),
            (
                "[destinations.a]\nkey = \"{uid}\"",
                ":2: destinations.a.key: there is no {uid}; did you mean {uuid}?",
            ),
            ("[destinations.a]\nstore = \"b\"", ":2: destinations.a.store: "),
            ("[destinations.\"A B\"]\n", ":1: destinations.A B: "),
            ("[stores.b]\nendpoint = \"x\"", ":2: stores.b.endpoint: "),
            ("[hooks]\nafter_complete = \"ftp://x\"", ":2: hooks.after_complete: "),
            ("[hooks]\nafter_complete = \"http://x/y\"", "hooks.secret: "),
            ("[identity]\nkind = \"jwt\"", ":1: identity.jwt: "),
            ("[limits]\nredis_url = \"http://x\"", ":2: limits.redis_url: "),
        ] {
            let error = read(toml, &[]).expect_err(toml).to_string();
            assert!(error.contains(told), "{toml:?} gave {error:?}");
            assert!(error.starts_with("partway.toml"), "the file comes first: {error:?}");
        }
        let error = read("", &[("PARTWAY_SERVER__WORKERS", "0")]).expect_err("no workers").to_string();
        assert_eq!(error, "PARTWAY_SERVER__WORKERS: server.workers: it must be at least 1");
        let error = read("", &[("PARTWAY_BUCKET", "x")]).expect_err("unknown").to_string();
        assert!(error.starts_with("PARTWAY_BUCKET: bucket: unknown setting"), "{error}");
        assert!(read("", &[("PARTWAY_CONFIG", "x.toml")]).is_ok());
    }
}
