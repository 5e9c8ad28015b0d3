//! Garage, a single node: <https://garagehq.deuxfleurs.fr>.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{OTHER_BUCKET, Process, Site, free_port, run_process, wait_until};
use crate::support::BUCKET;

const KEY_ID: &str = "GK31c2f218a2e44f485b94239e";
const SECRET: &str = "b892c0665f0ada8a4755dae98baa3b133590e11dae3bcc1f9d769d67f16c3835";

pub(crate) struct Garage {
    pub(crate) site: Site,
    _server: Process,
    _folder: TempDir,
}

/// Where `just` puts it, or what `GARAGE` names.
fn program() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/bin/garage");
    std::env::var_os("GARAGE").map_or_else(|| built.into(), Into::into)
}

impl Garage {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, rpc_port) = (free_port(), free_port());
        let config = folder.path().join("garage.toml");
        let data = folder.path().display();
        std::fs::write(
            &config,
            format!(
                "metadata_dir = \"{data}/meta\"\ndata_dir = \"{data}/data\"\ndb_engine = \"sqlite\"\n\
                 replication_factor = 1\nrpc_bind_addr = \"127.0.0.1:{rpc_port}\"\n\
                 rpc_public_addr = \"127.0.0.1:{rpc_port}\"\nrpc_secret = \"{}\"\n\
                 [s3_api]\ns3_region = \"us-east-1\"\napi_bind_addr = \"127.0.0.1:{port}\"\n",
                "17".repeat(32)
            ),
        )
        .unwrap();
        let mut server = Command::new(program());
        server.arg("-c").arg(&config).args(["server", "--single-node", "--default-bucket"]);
        server.env("GARAGE_DEFAULT_ACCESS_KEY", KEY_ID).env("GARAGE_DEFAULT_SECRET_KEY", SECRET);
        server.env("GARAGE_DEFAULT_BUCKET", BUCKET).env("RUST_LOG", "garage=warn");
        let log = folder.path().join("log");
        let server = Process::start(&mut server, &log);
        let endpoint = format!("http://127.0.0.1:{port}");
        wait_until(&endpoint, &log, |status| status == 403).await;
        let garage = |args: &[&str]| {
            let mut command = Command::new(program());
            command.arg("-c").arg(&config).args(args);
            run_process(&mut command);
        };
        garage(&["bucket", "create", OTHER_BUCKET]);
        for bucket in [BUCKET, OTHER_BUCKET] {
            garage(&["bucket", "allow", "--read", "--write", "--owner", bucket, "--key", KEY_ID]);
        }
        let site = Site { endpoint, access_key_id: KEY_ID.to_owned(), secret_access_key: SECRET.to_owned() };
        Self { site, _server: server, _folder: folder }
    }
}
