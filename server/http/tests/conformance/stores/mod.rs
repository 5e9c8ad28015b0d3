//! The stores: each is started on loopback, and ends with its test.

mod ceph;
mod embedded;
mod garage;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use partway_server::config::{Settings, StoreConfig};

pub(crate) use ceph::Ceph;
pub(crate) use embedded::Embedded;
pub(crate) use garage::Garage;

use crate::support::{BUCKET, ChecksumKind, TestApp};

/// A second bucket, in each store.
pub(crate) const OTHER_BUCKET: &str = "others";

/// Where a store is, and what it takes to use it.
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

/// What is known of a store.
pub(crate) struct Traits {
    /// How the server turns out to check uploads.
    pub(crate) checksum: ChecksumKind,
    /// Whether an object has a CRC64NVME that nobody gave it, as in S3.
    pub(crate) plain_crc: bool,
    /// Whether it has CORS and lifecycle rules that can be written.
    pub(crate) has_rules: bool,
    /// Whether it takes forms, and holds them to their terms.
    pub(crate) forms: bool,
    /// Whether objects have the tags that a PUT was given, and those of an upload in parts.
    pub(crate) tags: [bool; 2],
    /// Whether copies have tags.
    pub(crate) copied_tags: bool,
    /// Whether parts are copied of an object whose key has a `%`.
    pub(crate) copied_keys: bool,
    /// Whether files are sent straight to their keys: a PUT to a key that is taken is refused.
    pub(crate) direct: bool,
    /// Whether it tells how large the parts of an object are.
    pub(crate) part_sizes: bool,
    /// The checks of the doctor's that it does not pass, mended as far as it can be.
    pub(crate) weak: &'static [&'static str],
}

impl Site {
    /// Settings of a server before this store.
    pub(crate) fn configure(&self, settings: &mut Settings) {
        settings.store = StoreConfig {
            bucket: Some(BUCKET.to_owned()),
            region: Some("us-east-1".to_owned()),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: Some(self.access_key_id.clone()),
            secret_access_key: Some(self.secret_access_key.clone().into()),
            ..StoreConfig::default()
        };
    }

    /// A server before this store.
    pub(crate) async fn server(&self) -> TestApp {
        TestApp::with(|settings| self.configure(settings)).await
    }

    /// The same, with other settings besides.
    pub(crate) async fn server_with(&self, change: impl FnOnce(&mut Settings)) -> TestApp {
        TestApp::with(|settings| {
            self.configure(settings);
            change(settings);
        })
        .await
    }
}

/// A process that ends with its test.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let program = command.get_program().to_string_lossy().into_owned();
        Self(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; `just test-stores` gets it")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end.
pub(crate) fn run_process(command: &mut Command) {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("{program}: {error}; `just test-stores` gets it"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a store answers with this status, whatever it is about.
pub(crate) async fn wait_until(endpoint: &str, log: &Path, is_there: impl Fn(u16) -> bool) {
    let begun = Instant::now();
    loop {
        if let Ok(answer) = reqwest::get(endpoint).await
            && is_there(answer.status().as_u16())
        {
            return;
        }
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(90), "no store at {endpoint}:\n{}", log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
