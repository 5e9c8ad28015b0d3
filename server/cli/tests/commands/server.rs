//! A server with its embedded store, whose data commands look at.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytesize::ByteSize;
use partway_s3::store::BucketStore;
use partway_server::app::Application;
use partway_server::config::Settings;
use partway_server::embedded_secrets::EmbeddedSecrets;
use secrecy::SecretString;
use tempfile::TempDir;

pub(crate) const BUCKET: &str = "uploads";
pub(crate) const TOKEN_SECRET: &str = "the commands' tests all share this secret";

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) store_origin: String,
    store: Arc<dyn BucketStore>,
    data: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with("", |settings| settings.uploads.single_put_max = ByteSize::b(64)).await
    }

    /// With these settings, which a test can change further.
    pub(crate) async fn start_with(toml: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings::from_toml(Path::new("partway.toml"), toml).unwrap();
        settings.server.listen = any_port;
        settings.server.token_secret = Some(TOKEN_SECRET.to_owned().into());
        settings.server.workers = Some(1);
        settings.embedded.listen = any_port;
        settings.embedded.bucket = BUCKET.to_owned();
        settings.embedded.data = data.path().to_owned();
        change(&mut settings);
        let application = Application::build(settings).await.unwrap();
        let (url, store_origin) = (application.url(), application.store_origin().to_owned());
        let store = Arc::clone(application.store());
        tokio::spawn(application.run());
        Self { url, store_origin, store, data }
    }

    /// Begins an upload in parts, and leaves it.
    pub(crate) async fn begin(&self, name: &str) {
        let body = format!("{{\"files\":[{{\"name\":\"{name}\",\"size\":100}}]}}");
        let request = reqwest::Client::new().post(format!("{}/v1/uploads", self.url));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201);
    }

    pub(crate) async fn open_uploads(&self) -> usize {
        self.store.list_uploads("").await.unwrap().len()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn secret_access_key(&self) -> SecretString {
        EmbeddedSecrets::load_or_make(self.data()).unwrap().secret_access_key
    }
}
