//! The commands on objects at `pw:` places, through a server and what its settings allow.

use serde_json::Value;

use crate::server::Server;
use crate::shell::Shell;

const OPEN: &str = "\
[destinations.default]
key = \"{path}\"
[destinations.default.objects]
allow = [\"get\", \"list\", \"delete\"]
scope = \"\"
";

async fn open() -> Shell {
    Shell::of(Server::start_with(OPEN, |_| {}).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_listed_looked_at_and_deleted() {
    let shell = open().await;
    shell.put(["a b/ü+%41", "a b/c", "d"]).await;
    let listed = shell.partway(&["ls", "pw:default"]).ok();
    assert!(listed.contains("  a b/\n") && listed.ends_with("  d\n"), "{listed}");
    let all = shell.partway(&["ls", "-r", "--json", "pw:default/a b"]).ok();
    assert_eq!(all.lines().count(), 2, "{all}");
    let seen: Value =
        serde_json::from_str(&shell.partway(&["stat", "--json", "pw:/a b/ü+%41"]).ok()).unwrap();
    assert_eq!((&seen["key"], &seen["size"]), (&"a b/ü+%41".into(), &0.into()));
    shell.partway(&["stat", "pw:default/none"]).failed(1, "there is no object pw:default/none");
    shell
        .partway(&["rm", "pw:default/d", "pw:default/none"])
        .failed(1, "pw:default/none: there is no such object");
    shell.partway(&["rm", "-r", "--yes", "pw:default/a b"]).ok();
    assert!(shell.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_is_signed_by_the_server_and_links_are_followed() {
    let shell = open().await;
    shell.write("a", b"some text");
    shell.sh(&shell.partway(&["presign", "put", "s3://uploads/a b/c", "--curl", "--file", "a"]).ok()).ok();
    let get = shell.partway(&["presign", "get", "pw:default/a b/c", "--expires", "1h", "--curl"]);
    assert!(get.err.contains("valid for 15m") && get.err.contains("allow no more"), "{get:?}");
    shell.sh(&get.ok()).ok();
    assert_eq!(std::fs::read(shell.path().join("c")).unwrap(), b"some text");
    shell.sh(&shell.partway(&["presign", "head", "pw:default/a b/c", "--curl"]).ok()).ok();
    shell.partway(&["presign", "get", "pw:default/none"]).failed(1, "there is no object with this key");
    shell.partway(&["presign", "put", "pw:default/a"]).failed(2, "partway cp");
    let link =
        shell.partway(&["link", "pw:default/a b/c", "--expires", "30d", "--filename", "Report.txt"]).ok();
    let answer = shell.sh(&format!("curl --fail --silent --location --include '{}'", link.trim())).ok();
    assert!(answer.contains("filename=\"Report.txt\"") && answer.ends_with("some text"), "{answer}");
    shell.partway(&["link", "pw:default/a b/c", "--expires", "300d"]).failed(2, "1 to 2592000 seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_does_not_allow_is_said() {
    let closed = Shell::start().await;
    closed.partway(&["ls", "pw:default"]).failed(2, "does not let callers list objects");
    closed.partway(&["link", "pw:default/a"]).failed(2, "does not let callers get objects");
    closed.partway(&["ls", "pw:other"]).failed(2, "there is no destination");
    closed.partway(&["ls", "pw:default", "--request-payer"]).failed(2, "are for s3:// places");
    let nobody = [("PARTWAY_ENDPOINT", "http://127.0.0.1:1")];
    closed.partway_with(&["ls", "pw:default"], &nobody).failed(2, "is it running");
    closed.partway_with(&["ls", "pw:default"], &[("PARTWAY_ENDPOINT", "nowhere")]).failed(2, "--endpoint");
}
