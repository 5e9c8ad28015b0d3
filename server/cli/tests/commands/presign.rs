//! `presign`: whatever it signs does what it says when curl is given it, and nothing else.

use serde_json::{Value, json};

use crate::shell::Shell;

const KEY: &str = "s3://uploads/it's a/../dir/ü+%41.txt";

fn seen(shell: &Shell, place: &str) -> Value {
    serde_json::from_str(&shell.partway(&["stat", "--json", "--tags", place]).ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_stores_what_was_signed_and_nothing_else() {
    let shell = Shell::start().await;
    shell.write("a file", b"12345");
    shell.write("longer", b"123456");
    let args = [
        "presign",
        "put",
        KEY,
        "--size",
        "5",
        "--type",
        "text/plain",
        "--cache-control",
        "no-store",
        "--content-disposition",
        "inline",
        "--content-encoding",
        "identity",
        "--content-language",
        "de",
        "--expires-at",
        "2027-01-31T12:00:00Z",
        "--metadata",
        "App=it's",
        "--tag",
        "a b=c",
        "--storage-class",
        "STANDARD_IA",
        "--sse",
        "AES256",
        "--website-redirect",
        "/other",
        "--curl",
    ];
    let sign = |file: &str| {
        let signed = shell.partway(&[&args[..], &["--file", file]].concat());
        assert!(signed.err.contains("valid for 1h"), "{signed:?}");
        signed.ok()
    };
    let refused = shell.sh(&sign("longer"));
    assert!(refused.code != 0 && refused.out.contains("SignatureDoesNotMatch"), "{refused:?}");
    let other_type = sign("a file").replace("text/plain", "text/html");
    assert_ne!(shell.sh(&other_type).code, 0);
    assert!(shell.keys().is_empty());
    shell.sh(&sign("a file")).ok();
    let seen = seen(&shell, KEY);
    for (name, value) in [
        ("key", json!("it's a/../dir/ü+%41.txt")),
        ("size", json!(5)),
        ("type", json!("text/plain")),
        ("cache_control", json!("no-store")),
        ("content_disposition", json!("inline")),
        ("content_encoding", json!("identity")),
        ("content_language", json!("de")),
        ("expires", json!("Sun, 31 Jan 2027 12:00:00 GMT")),
        ("metadata", json!({ "app": "it's" })),
        ("tags", json!({ "a b": "c" })),
        ("storage_class", json!("STANDARD_IA")),
        ("encryption", json!("AES256")),
        ("website_redirect", json!("/other")),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_of_any_size_may_be_kept_from_replacing() {
    let shell = Shell::start().await;
    shell.write("first", b"first");
    shell.write("second", b"second one");
    for (file, code) in [("first", 0), ("second", 22)] {
        let command = shell
            .partway(&["presign", "put", "s3://uploads/a", "--if-none-match", "--curl", "--file", file])
            .ok();
        assert_eq!(shell.sh(&command).code, code, "{file}");
    }
    assert_eq!(seen(&shell, "s3://uploads/a")["size"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_reads_under_the_name_that_it_says() {
    let shell = Shell::start().await;
    shell.write("a", b"some text");
    let put = shell.partway(&["presign", "put", KEY, "--curl", "--file", "a", "--type", "text/html"]).ok();
    shell.sh(&put).ok();
    // Its own name is the last of the key.
    shell.sh(&shell.partway(&["presign", "get", KEY, "--curl"]).ok()).ok();
    assert_eq!(std::fs::read(shell.path().join("ü+%41.txt")).unwrap(), b"some text");
    let url = shell
        .partway(&[
            "presign",
            "get",
            KEY,
            "--filename",
            "Bericht ü.html",
            "--type",
            "text/plain",
            "--expires",
            "10m",
        ])
        .ok();
    let answer =
        shell.sh(&format!("curl --fail --silent --path-as-is --include --range 0-3 '{}'", url.trim())).ok();
    let answer = answer.to_ascii_lowercase();
    assert!(answer.contains("content-disposition: attachment; filename=\"bericht _.html\"; filename*=utf-8''bericht%20%c3%bc.html"), "{answer}");
    assert!(answer.contains("content-type: text/plain") && answer.ends_with("some"), "{answer}");
    // Whoever owns the bucket may have it shown.
    let url = shell.partway(&["presign", "get", KEY, "--inline"]).ok();
    let answer = shell.sh(&format!("curl --fail --silent --path-as-is --include '{}'", url.trim())).ok();
    assert!(answer.to_ascii_lowercase().contains("content-disposition: inline"), "{answer}");
    let head = shell.partway(&["presign", "head", KEY, "--curl"]).ok();
    assert!(shell.sh(&head).ok().to_ascii_lowercase().contains("content-length: 9"));
    let as_get = head.replace("--head ", "");
    assert_ne!(shell.sh(&as_get).code, 0, "it is for HEAD alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_belongs_to_its_upload() {
    let shell = Shell::start().await;
    shell.write("part", b"12345");
    shell.server.begin("film.mp4").await;
    let (key, upload_id) = shell.server.open_upload().await;
    let place = format!("s3://uploads/{key}");
    let of = |more: &[&str]| shell.partway(&[&["presign", "part", &place][..], more].concat());
    of(&[]).failed(2, "--upload-id and --part-number");
    of(&["--upload-id", &upload_id, "--part-number", "0"]).failed(2, "1 to 10,000");
    of(&["--upload-id", &upload_id, "--part-number", "1", "--acl", "private"]).failed(2, "leave them out");
    let signed = ["--upload-id", &upload_id, "--part-number", "1", "--size", "5", "--curl", "--file", "part"];
    shell.sh(&of(&signed).ok()).ok();
    shell.write("part", b"123456");
    assert_ne!(shell.sh(&of(&signed).ok()).code, 0);
    assert_eq!(shell.server.parts(&key, &upload_id).await, [5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_takes_what_its_policy_says() {
    let shell = Shell::start().await;
    shell.write("a b.png", b"12345");
    shell.write("longer.png", b"123456");
    let form = |more: &[&str], file: &str| {
        let fixed = [
            "presign",
            "post",
            "s3://uploads/in/$HOME/",
            "--max-size",
            "5",
            "--starts-with",
            "Content-Type=image/",
        ];
        let rest = ["--metadata", "a=b", "--curl", "--file", file];
        shell.partway(&[&fixed[..], more, &rest].concat())
    };
    let refused = shell.sh(&form(&["--type", "image/png"], "longer.png").ok());
    assert!(refused.code != 0 && refused.out.contains("EntityTooLarge"), "{refused:?}");
    let other_type = form(&["--type", "image/png"], "a b.png")
        .ok()
        .replace("Content-Type=image/png", "Content-Type=text/html");
    let refused = shell.sh(&other_type);
    assert!(refused.code != 0 && refused.out.contains("Policy"), "{refused:?}");
    form(&["--type", "text/html"], "x").failed(2, "begins otherwise");
    assert!(shell.keys().is_empty());
    shell.sh(&form(&["--type", "image/png"], "a b.png").ok()).ok();
    assert_eq!(shell.keys(), ["in/$HOME/a b.png"]);
    let seen = seen(&shell, "s3://uploads/in/$HOME/a b.png");
    assert_eq!((&seen["type"], &seen["metadata"]), (&json!("image/png"), &json!({ "a": "b" })));
    // Without curl: what a page needs.
    let printed = shell.partway(&["presign", "post", "s3://uploads/exactly", "--size", "5"]).ok();
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["fields"]["key"], "exactly");
    assert!(
        printed["url"].as_str().unwrap().ends_with("/uploads") && printed["fields"]["policy"].is_string()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_signed_is_said() {
    let shell = Shell::start().await;
    let presign = |args: &[&str]| shell.partway(&[&["presign"][..], args].concat());
    for (args, said) in [
        (&["get", "s3://uploads/a", "--expires", "8d"][..], "1s to 7d"),
        (&["get", "s3://uploads/"], "names no object"),
        (&["get", "a"], "is on this machine"),
        (&["get", "s3://uploads/a", "--size", "5"], "--size says nothing to presign get"),
        (&["get", "s3://uploads/a", "--acl", "private"], "--acl is for objects that are stored"),
        (&["put", "s3://uploads/a", "--filename", "b"], "--filename says nothing to presign put"),
        (&["put", "s3://uploads/a", "--size", "6GiB"], "at most 5 GiB"),
        (&["put", "s3://uploads/a", "--metadata", "a"], "NAME=VALUE"),
        (&["post", "s3://uploads/a", "--tag", "a=b"], "a form cannot say --tag"),
        (&["post", "s3://uploads/a", "--min-size", "6", "--max-size", "5"], "--max-size"),
    ] {
        presign(args).failed(2, said);
    }
    shell.partway(&["link", "s3://uploads/a"]).failed(2, "a link needs a Partway server");
    let of_session =
        shell.partway_with(&["presign", "get", "s3://uploads/a"], &[("AWS_SESSION_TOKEN", "token")]);
    assert!(of_session.code == 0 && of_session.err.contains("of a session"), "{of_session:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pays_and_whose_it_is_stands_in_every_request() {
    let shell = Shell::start().await;
    shell.write("a", b"12345");
    let terms = ["--request-payer", "--expected-bucket-owner", "123456789012"];
    let partway = |args: &[&str]| shell.partway(&[args, &terms].concat());
    let signed = |kind: &str, more: &[&str]| {
        partway(&[&["presign", kind, "s3://uploads/a", "--curl", "--file", "a"], more].concat()).ok()
    };
    let put = signed("put", &[]);
    assert!(
        put.contains(
            "&x-amz-expected-bucket-owner=123456789012&x-amz-request-payer=requester&x-id=PutObject"
        ),
        "{put}"
    );
    for command in [put, signed("get", &[]), signed("head", &[])] {
        shell.sh(&command).ok();
    }
    shell.server.begin("film.mp4").await;
    let (key, upload_id) = shell.server.open_upload().await;
    let place = format!("s3://uploads/{key}");
    let part =
        ["presign", "part", &place, "--upload-id", &upload_id, "--part-number", "2", "--curl", "--file", "a"];
    shell.sh(&partway(&part).ok()).ok();
    assert_eq!(shell.server.parts(&key, &upload_id).await, [5]);
    partway(&["ls", "s3://uploads"]).ok();
    partway(&["stat", "s3://uploads/a"]).ok();
    partway(&["rm", "s3://uploads/a"]).ok();
    shell.partway(&["ls", "s3://uploads", "--expected-bucket-owner", "me"]).failed(2, "has digits alone");
}
