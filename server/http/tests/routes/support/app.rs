//! The server and its embedded store, started within the test.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use bytesize::ByteSize;
use partway_s3::discover::{fixed_credentials, http_client};
use partway_s3::store::BucketStore;
use partway_server::app::Application;
use partway_server::config::{Settings, StoreConfig};
use partway_server::embedded_secrets::{ACCESS_KEY_ID, EmbeddedSecrets};
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde::Serialize;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;

pub const BUCKET: &str = "uploads";
/// Known here, so that tests can issue tokens that no server would.
pub const TOKEN_SECRET: &str = "the routes' tests all share this secret";

/// A server and its embedded store, for one test.
pub struct TestApp {
    pub url: String,
    pub http: reqwest::Client,
    pub store_origin: String,
    /// Where metrics are, if that is elsewhere.
    pub operations_url: Option<String>,
    /// The store with the server's own credentials, for looking at it from outside.
    pub store: aws_sdk_s3::Client,
    /// The store as the server uses it.
    pub s3: Arc<dyn BucketStore>,
    /// What requests come with as a bearer token.
    bearer: Mutex<Option<String>>,
    settings: Settings,
    data: TempDir,
    handle: actix_web::dev::ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

/// Settings under which files of 65 bytes go in parts already, each but the last as small as S3 allows.
pub fn settings(data: &TempDir) -> Settings {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut settings = Settings::default();
    settings.server.listen = any_port;
    settings.server.token_secret = Some(TOKEN_SECRET.to_owned().into());
    settings.server.workers = Some(1);
    settings.embedded.listen = any_port;
    settings.embedded.bucket = BUCKET.to_owned();
    settings.embedded.data = data.path().join("store");
    settings.uploads.single_put_max = ByteSize::b(64);
    settings.uploads.part_size = ByteSize::b(PART as u64);
    settings
}

/// Settings of a server without a store of its own, before the store at this endpoint.
pub fn before(endpoint: &str, secret_access_key: SecretString) -> impl FnOnce(&mut Settings) + use<> {
    let store = StoreConfig {
        bucket: Some(BUCKET.to_owned()),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        access_key_id: Some(ACCESS_KEY_ID.to_owned()),
        secret_access_key: Some(secret_access_key),
        ..StoreConfig::default()
    };
    |settings| settings.store = store
}

/// A client of the SDK's own for the store of these settings.
pub fn client_of(settings: &Settings, store_origin: &str) -> aws_sdk_s3::Client {
    let StoreConfig { endpoint, region, access_key_id, secret_access_key, .. } = settings.store.clone();
    let secret = secret_access_key
        .unwrap_or_else(|| EmbeddedSecrets::load_or_make(&settings.embedded.data).unwrap().secret_access_key);
    let id = access_key_id.unwrap_or_else(|| ACCESS_KEY_ID.to_owned());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.unwrap_or_else(|| "us-east-1".to_owned())))
        .endpoint_url(endpoint.unwrap_or_else(|| store_origin.to_owned()))
        .force_path_style(true)
        .credentials_provider(fixed_credentials(&id, &secret, "tests"))
        .http_client(http_client())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    aws_sdk_s3::Client::from_conf(config.build())
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        change(&mut settings);
        Self::on(data, settings).await
    }

    async fn on(data: TempDir, settings: Settings) -> Self {
        let application = Application::build(settings.clone()).await.unwrap();
        let (url, store_origin) = (application.url(), application.store_origin().to_owned());
        let s3 = Arc::clone(application.store());
        let operations_url = application.operations_url().map(str::to_owned);
        let store = client_of(&settings, &store_origin);
        let handle = application.handle();
        let running = tokio::spawn(application.run());
        let (http, bearer) = (reqwest::Client::new(), Mutex::default());
        Self { url, http, store_origin, operations_url, store, s3, bearer, settings, data, handle, running }
    }

    /// Another process on the same data, as after a crash of the machine or a new release.
    pub async fn restart(self) -> Self {
        self.handle.stop(true).await;
        self.running.await.unwrap().unwrap();
        Self::on(self.data, self.settings).await
    }

    /// Stops it as a signal would, once requests under way are answered.
    pub fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.handle.stop(true)
    }

    /// What its store is signed for with.
    pub fn secret_access_key(&self) -> SecretString {
        EmbeddedSecrets::load_or_make(self.data()).unwrap().secret_access_key
    }

    /// The embedded store's folder.
    pub fn data(&self) -> &Path {
        &self.settings.embedded.data
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    pub async fn call(&self, method: Method, path: &str) -> Answer {
        Answer::to(self.request(method, path)).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    /// Posts a body that is JSON by its header alone.
    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        Answer::to(request.body(body)).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &*self.bearer.lock().unwrap() {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// From now on requests come with this token.
    pub fn come_as(&self, token: impl Into<String>) {
        *self.bearer.lock().unwrap() = Some(token.into());
    }

    /// What the store has of the upload with this token.
    pub async fn list_of(&self, token: &str) -> Answer {
        self.post("/v1/uploads/list", &ListParts { token: token.to_owned() }).await
    }

    /// Tries to create one upload.
    pub async fn try_create(&self, file: NewUpload) -> Answer {
        self.post("/v1/uploads", &CreateUploads { files: vec![file] }).await
    }

    pub async fn create(&self, files: Vec<NewUpload>) -> Vec<CreatedUpload> {
        let created: CreatedUploads = self.post("/v1/uploads", &CreateUploads { files }).await.is(201);
        created.uploads
    }

    /// Begins the upload of a file of noise.
    pub async fn begin(&self, name: &str, size: usize) -> Upload<'_> {
        self.begin_as(NewUpload { name: name.to_owned(), ..NewUpload::default() }, noise(size, 1)).await
    }

    pub async fn begin_as(&self, file: NewUpload, bytes: Vec<u8>) -> Upload<'_> {
        let file = NewUpload { size: Some(bytes.len() as u64), ..file };
        let grant = accepted(self.create(vec![file]).await.remove(0));
        Upload::new(self, grant, bytes)
    }

    pub async fn object(&self, key: &str) -> Vec<u8> {
        let got = self.store.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    pub async fn exists(&self, key: &str) -> bool {
        self.store.head_object().bucket(BUCKET).key(key).send().await.is_ok()
    }

    /// The keys of the bucket that begin so.
    pub async fn keys_below(&self, prefix: &str) -> Vec<String> {
        let listed = self.store.list_objects_v2().bucket(BUCKET).prefix(prefix).send().await.unwrap();
        listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect()
    }

    /// The keys of the uploads that are neither completed nor aborted.
    pub async fn open_uploads(&self) -> Vec<String> {
        let listed = self.store.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
        listed.uploads.unwrap_or_default().into_iter().filter_map(|upload| upload.key).collect()
    }
}
