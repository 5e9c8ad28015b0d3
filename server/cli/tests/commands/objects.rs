//! `ls`, `stat` and `rm` over a bucket.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::shell::Shell;

/// Keys that shells, URLs and paths have meanings for.
const ODD: [&str; 7] = ["a b", "a+b", "a%2Fb", "ü/€", "a//b", "a/../b", "line\nbreak"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_and_keys_are_listed_in_order() {
    let shell = Shell::start().await;
    shell.put(["photos/2026/a.jpg", "photos/b.jpg", "photos.txt", "z"]).await;
    let names = |listed: String| -> Vec<String> {
        listed.lines().map(|line| line.split_whitespace().last().unwrap().to_owned()).collect()
    };
    assert_eq!(names(shell.partway(&["ls", "s3://uploads"]).ok()), ["photos.txt", "photos/", "z"]);
    let below = shell.partway(&["ls", "s3://uploads/photos/"]).ok();
    assert_eq!(names(below.clone()), ["photos/2026/", "photos/b.jpg"]);
    assert!(
        below.lines().last().unwrap().starts_with("20") && below.contains("            0  photos/b.jpg"),
        "{below}"
    );
    let all = shell.partway(&["ls", "-r", "--human", "s3://uploads/photos/"]).ok();
    assert_eq!(names(all.clone()), ["photos/2026/a.jpg", "photos/b.jpg"]);
    assert!(all.contains("0 B"), "{all}");
    let json = shell.partway(&["ls", "--json", "s3://uploads/photos"]).ok();
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["key"], &lines[0]["storage_class"]), (&json!("photos.txt"), &json!("STANDARD")));
    assert_eq!(lines[1], json!({ "prefix": "photos/" }));
    shell.partway(&["ls", "s3://uploads/none"]).failed(1, "nothing begins with s3://uploads/none");
    shell.partway(&["ls", "./here"]).failed(2, "is on this machine");
    shell.partway(&["ls", "s3://"]).failed(2, "a bucket is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_listing_is_whole_in_order_and_may_be_cut() {
    let shell = Shell::start().await;
    // Folders within the only one, with keys before, between and behind them, more than two pages in all.
    let mut keys: Vec<_> = ["b", "c", "d/e"]
        .iter()
        .flat_map(|folder| (0..700).map(move |number| format!("a/{folder}/{number:04}")))
        .collect();
    keys.extend(["a/a", "a/bb", "a/c.txt", "a/z"].map(str::to_owned));
    shell.put(&keys).await;
    keys.sort();
    assert_eq!(shell.keys(), keys);
    let cut = shell.sh("(partway ls -r s3://uploads; echo $? > code) | head -1 && cat code").ok();
    let lines: Vec<_> = cut.lines().collect();
    assert!(lines[0].ends_with("a/a") && lines[1] == "0", "{cut}");
    assert!(shell.partway(&["rm", "-r", "--yes", "s3://uploads/a"]).ok().lines().count() == keys.len());
    assert!(shell.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_keys_are_listed_looked_at_and_deleted() {
    let shell = Shell::start().await;
    shell.put(ODD).await;
    let mut sorted = ODD.map(str::to_owned);
    sorted.sort();
    assert_eq!(shell.keys(), sorted);
    assert!(shell.partway(&["ls", "-r", "s3://uploads"]).ok().contains("line\\nbreak"));
    for key in ODD {
        let place = format!("s3://uploads/{key}");
        let seen: Value = serde_json::from_str(&shell.partway(&["stat", "--json", &place]).ok()).unwrap();
        assert_eq!(seen["key"], key);
        shell.partway(&["rm", &place]).ok();
        shell.partway(&["stat", &place]).failed(1, "there is no object");
    }
    assert!(shell.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_access_is_said() {
    let shell = Shell::start().await;
    shell.put(["a"]).await;
    let stat = |variables: &[(&str, &str)]| shell.partway_with(&["stat", "s3://uploads/a"], variables);
    stat(&[]).ok();
    stat(&[("AWS_ACCESS_KEY_ID", "other")]).failed(2, "does not know the access key id");
    stat(&[("AWS_SECRET_ACCESS_KEY", "other")]).failed(2, "the secret access key is not the one");
    stat(&[("AWS_ACCESS_KEY_ID", "")]).failed(2, "there are no credentials");
    stat(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]).failed(2, "Connection refused");
    stat(&[("AWS_ENDPOINT_URL", "nowhere")]).failed(2, "the endpoint cannot be used");
    shell.partway(&["stat", "s3://other/a"]).failed(2, "there is no bucket other");
    shell.partway(&["ls", "s3://other"]).failed(2, "there is no bucket other");
    shell.partway(&["stat", "s3://uploads/"]).failed(2, "names no object");
    shell
        .partway(&["ls", "--profile", "none", "s3://uploads"])
        .failed(2, "the profile none has no credentials");
    // Elsewhere than said, and found.
    stat(&[("AWS_REGION", "eu-west-1")]).ok();
    let profile = format!(
        "[profile work]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = other\naws_secret_access_key = other\n",
        shell.server.store_origin
    );
    std::fs::create_dir_all(shell.path().join(".aws")).unwrap();
    shell.write(".aws/config", profile.as_bytes());
    shell
        .partway_with(&["stat", "--profile", "work", "s3://uploads/a"], &[("AWS_ENDPOINT_URL", "")])
        .failed(2, "does not know the access key id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_that_was_not_meant() {
    let shell = Shell::start().await;
    shell.put(["a", "a/b", "a/c/d", "ab/e", "f"]).await;
    shell.partway(&["rm", "-r", "s3://uploads/a"]).failed(2, "say --yes");
    shell.partway(&["rm", "s3://uploads"]).failed(2, "names no object");
    shell.partway(&["rm", "a"]).failed(2, "is on this machine");
    let would = shell.partway(&["rm", "-r", "--dry-run", "s3://uploads/a"]).ok();
    assert_eq!(
        would,
        "would delete s3://uploads/a\nwould delete s3://uploads/a/b\nwould delete s3://uploads/a/c/d\n"
    );
    assert_eq!(shell.keys().len(), 5);
    let deleted = shell.partway(&["rm", "--recursive", "--yes", "s3://uploads/a"]).ok();
    assert_eq!(deleted, would.replace("would delete", "deleted"));
    assert_eq!(shell.keys(), ["ab/e", "f"]);
    let some = shell.partway(&["rm", "s3://uploads/f", "s3://uploads/none"]);
    assert_eq!((some.code, some.out.as_str()), (1, "deleted s3://uploads/f\n"), "{some:?}");
    assert!(some.err.contains("s3://uploads/none: there is no such object"), "{some:?}");
    assert_eq!(shell.keys(), ["ab/e"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manuals_and_completions_are_printed() {
    let shell = Shell::start().await;
    assert!(shell.partway(&["completions", "bash"]).ok().contains("presign"));
    assert!(shell.partway(&["man"]).ok().contains("partway"));
    shell.partway(&["man", "pages"]).ok();
    assert!(shell.path().join("pages/partway-presign.1").is_file());
    for command in ["ls", "stat", "rm", "presign", "link", "completions", "man"] {
        assert!(shell.partway(&[command, "--help"]).ok().contains("Exit codes: 0"), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_say_who_pays_and_the_say_is_signed() {
    let shell = Shell::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8_192];
        let read = stream.read(&mut request).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        String::from_utf8_lossy(&request[..read]).to_ascii_lowercase()
    });
    let args = [
        "ls",
        "s3://uploads",
        "--endpoint-url",
        &endpoint,
        "--request-payer",
        "--expected-bucket-owner",
        "12",
    ];
    assert_eq!(shell.partway(&args).code, 2);
    let heard = heard.join().unwrap();
    assert!(heard.contains("\r\nx-amz-request-payer: requester\r\n"), "{heard}");
    assert!(heard.contains("\r\nx-amz-expected-bucket-owner: 12\r\n"), "{heard}");
    let signed = heard.split("signedheaders=").nth(1).unwrap();
    assert!(signed.contains("x-amz-expected-bucket-owner;x-amz-request-payer"), "{heard}");
}
