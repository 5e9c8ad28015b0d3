//! The binary's commands: exit codes, and what they print.

use std::path::Path;
use std::process::{Command, Output};

use partway_server::embedded_secrets::ACCESS_KEY_ID;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::server::{BUCKET, Server, TOKEN_SECRET};

fn partway(folder: &Path, args: &[&str], toml: &str) -> Output {
    partway_with(folder, args, toml, &[])
}

fn partway_with(folder: &Path, args: &[&str], toml: &str, variables: &[(&str, &str)]) -> Output {
    std::fs::write(folder.join("partway.toml"), toml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_partway"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_") || name.starts_with("AWS_"))
    {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).current_dir(folder).args(args).output().unwrap()
}

/// Settings of a store of its own on any free port.
const EMBEDDED: &str = "[embedded]\nlisten = \"127.0.0.1:0\"\n";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn doctor_examines_what_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let table = partway(folder.path(), &["doctor"], EMBEDDED);
    assert_eq!(table.status.code(), Some(0), "{}{}", text(&table.stdout), text(&table.stderr));
    assert!(text(&table.stdout).contains("preflight from http://127.0.0.1:8080"), "{}", text(&table.stdout));
    let json =
        partway(folder.path(), &["doctor", "--json", "--strict", "--origin", "https://a.test"], EMBEDDED);
    assert_eq!(json.status.code(), Some(0), "{}", text(&json.stdout));
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["stores"][0]["checksum"], "crc64_nvme");
    assert_eq!(report["stores"][0]["findings"][0]["outcome"], "ok");
}

#[test]
fn doctor_fails_on_what_does_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let toml = format!(
        "[server]\ntoken_secret = \"{TOKEN_SECRET}\"\n[store]\nbucket = \"b\"\nregion = \"us-east-1\"\nendpoint = \"http://{nobody}\"\n\
         access_key_id = \"k\"\nsecret_access_key = \"s\"\n"
    );
    let failed = partway(folder.path(), &["doctor"], &toml);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stderr));
    assert!(text(&failed.stdout).contains("FAILURE  reachable"), "{}", text(&failed.stdout));
    let listing = partway(folder.path(), &["sweep"], &toml);
    assert_eq!(listing.status.code(), Some(2));
    assert!(text(&listing.stderr).starts_with("partway: the store failed"), "{}", text(&listing.stderr));
    let unusable = partway(folder.path(), &["doctor"], "[stor]\n");
    assert_eq!(unusable.status.code(), Some(2));
    assert!(text(&unusable.stderr).contains("stor"), "{}", text(&unusable.stderr));
}

/// Whoever has set AWS's tools to another store means Partway too; what the file says counts more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_where_aws_tools_find_it() {
    let server = Server::start().await;
    server.begin("film.mp4").await;
    let folder = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1";
    let toml = |endpoint: &str| {
        format!(
            "[server]\ntoken_secret = \"{TOKEN_SECRET}\"\n[store]\nbucket = \"{BUCKET}\"\nregion = \"us-east-1\"\n\
             access_key_id = \"{ACCESS_KEY_ID}\"\nsecret_access_key = \"{}\"\n{endpoint}",
            server.secret_access_key().expose_secret()
        )
    };
    let origin = server.store_origin.as_str();
    for (variables, endpoint) in [
        (vec![("AWS_ENDPOINT_URL_S3", origin), ("AWS_ENDPOINT_URL", nobody)], String::new()),
        (vec![("AWS_ENDPOINT_URL", origin)], String::new()),
        (vec![("AWS_ENDPOINT_URL_S3", nobody)], format!("endpoint = \"{origin}\"\n")),
    ] {
        let swept = partway_with(folder.path(), &["sweep"], &toml(&endpoint), &variables);
        let said = text(&swept.stdout);
        assert!(said.starts_with("default: 1 unfinished"), "{variables:?}: {said}{}", text(&swept.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweep_lists_first_and_aborts_when_told() {
    let server = Server::start().await;
    server.begin("film.mp4").await;
    let folder = tempfile::tempdir().unwrap();
    // Beside a server that runs: its store is reached where it listens.
    let toml = format!(
        "[embedded]\nlisten = \"{}\"\nbucket = \"{BUCKET}\"\ndata = {:?}\n",
        server.store_origin.strip_prefix("http://").unwrap(),
        server.data()
    );
    let run = |args: &[&str]| partway(folder.path(), args, &toml);
    let young = run(&["sweep"]);
    assert_eq!(text(&young.stdout), "default: 1 unfinished, none to remove\n", "{}", text(&young.stderr));
    let old = run(&["sweep", "--older-than", "0s"]);
    assert!(
        text(&old.stdout).ends_with("film.mp4\ndefault: 1 unfinished, 1 to remove; --yes removes them\n")
    );
    assert_eq!(server.open_uploads().await, 1);
    let aborted = run(&["sweep", "--older-than", "0s", "--yes", "--json"]);
    let line: Value = serde_json::from_slice(&aborted.stdout).unwrap();
    assert_eq!(
        (&line["removed"], &line["store"], &line["error"]),
        (&json!(true), &json!("default"), &Value::Null)
    );
    assert_eq!(server.open_uploads().await, 0);
    let wrong = run(&["sweep", "--older-than", "soon"]);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Whoever leaves `serve` out means it with all that it takes, from the command line or from the environment.
#[test]
fn serving_is_meant_where_no_command_is_given() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.toml"), "[server]\nlisten = \"nowhere\"\n").unwrap();
    for (args, variables) in [
        (&["serve", "--config", "other.toml"][..], &[][..]),
        (&["--config", "other.toml"], &[]),
        (&[], &[("PARTWAY_CONFIG", "other.toml")]),
    ] {
        let served = partway_with(folder.path(), args, EMBEDDED, variables);
        assert_eq!(served.status.code(), Some(1), "{args:?}");
        assert!(
            text(&served.stderr).contains("other.toml:2: server.listen"),
            "{args:?} {}",
            text(&served.stderr)
        );
    }
    let both = partway(folder.path(), &["--config", "other.toml", "doctor"], EMBEDDED);
    assert_eq!(both.status.code(), Some(2), "a file of another command's: {}", text(&both.stderr));
}
