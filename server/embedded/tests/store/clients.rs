//! The store as the clients know it that people have: boto3, the AWS command line, rclone and s3cmd. What they do is in
//! `clients/`; `./just install s3-clients` installs them into `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;

#[test]
fn kinds_of_behaviour_are_as_on_aws() {
    run("probes.py");
}

#[test]
fn clients_that_people_have_work() {
    run("tools.py");
}

/// Runs a script over a store of its own, and fails as it fails.
fn run(script: &str) {
    let store = TestStore::with(|options| options.region = "us-east-1".to_owned());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../target/tools/s3-clients/bin/python");
    assert!(python.exists(), "{} is missing: ./just install s3-clients", python.display());
    let script: PathBuf = here.join("tests/store/clients").join(script);
    let done = Command::new(python)
        .arg(script)
        .args([format!("http://{}", store.addr).as_str(), BUCKET])
        .env("AWS_ACCESS_KEY_ID", ACCESS)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        // Nothing of whoever runs the tests, and no metadata service.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_ENDPOINT_URL_S3")
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    print!("{said}");
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
}
