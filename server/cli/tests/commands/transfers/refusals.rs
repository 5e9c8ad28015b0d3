//! What cannot be copied: one sentence, an exit code, and nothing half written.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::*;

#[path = "../../../../http/examples/tickets/ticket.rs"]
mod ticket;

const SECRET: &str = "the application and the server share this secret";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_begin_says_so() {
    let desk = Desk::new().await;
    desk.file("a", 5);
    let nobody =
        format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    for (args, said) in [
        (&["cp", "a", "pw:default/", "--endpoint", &nobody][..], "cannot be reached: Connection refused"),
        (&["cp", "a", "pw:default/", "--endpoint", "nowhere"], "is not the address of a Partway server"),
        (&["cp", "a", "pw:other/"], "there is no such destination; there are: default"),
        (&["cp", "none", "pw:default/"], "none: there is no such file"),
        (&["cp", "a", "b"], "one side has to be on a Partway server"),
        (&["cp", "-", "pw:default/"], "standard input has no name of its own"),
        (&["cp", "-", "a", "pw:default/x"], "standard input is copied alone"),
        (&["cp", "-", "b"], "standard input is copied to a Partway server"),
        (&["cp", "a", "s3://bucket/"], "s3://"),
        (&["cp", "a", "a", "pw:default/x"], "several sources need a place that ends with /"),
        (&["cp", "pw:default/a", "pw:default/b", "none"], "several sources need a folder"),
        (&["cp", "pw:default/", "none"], "it names no object; -r copies all that is below a prefix"),
        (&["cat", "a"], "cat takes objects of a Partway server"),
        (&["cp", "a", "pw:default/", "--part-size", "1MiB"], "a part has from 5MiB to 5GiB"),
    ] {
        let refused = desk.run(args);
        assert_eq!(refused.code, Some(2), "{args:?}: {refused:?}");
        assert!(refused.err.contains(said), "{args:?}: {refused:?}");
        assert_eq!(refused.out, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_may_fail() {
    let desk = Desk::new().await;
    desk.file("a", 5);
    let up = desk.run(&["cp", "a", "none", "pw:default/x/"]);
    assert_eq!((up.code, up.err.as_str()), (Some(1), "partway: none: there is no such file\n"), "{up:?}");
    let down = desk.run(&["cp", "--json", "pw:default/x/a", "pw:default/x/none", "."]);
    assert_eq!(down.code, Some(1));
    assert_eq!(down.event("failed")["code"], "object_not_found");
    assert_eq!(down.event("completed")["key"], "x/a");
    assert_eq!(down.event("summary")["failed"], 1);
    // Two objects that would be one file.
    assert_eq!(desk.run(&["cp", "a", "pw:default/y/"]).code, Some(0));
    std::fs::create_dir(desk.path("in")).unwrap();
    let both = desk.run(&["cp", "pw:default/x/a", "pw:default/y/a", "in"]);
    assert_eq!(both.code, Some(1), "{both:?}");
    assert!(both.err.contains("y/a: another object of this copy is that file"), "{both:?}");
    let long = desk.run(&["cp", "pw:default/x/a", &"n".repeat(256)]);
    assert_eq!(long.code, Some(1), "{long:?}");
    assert!(long.err.contains("the file system does not take this name"), "{long:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_half_written() {
    let desk = Desk::new().await;
    desk.file("a", 3_000_000);
    assert_eq!(desk.run(&["cp", "a", "pw:default/"]).code, Some(0));
    std::fs::create_dir_all(desk.path("out/folder")).unwrap();
    // A limit of this process, as a full disk is one of the machine.
    let binary = env!("CARGO_BIN_EXE_partway");
    let limited = format!("trap '' XFSZ; ulimit -f 100; exec {binary} cp pw:default/a out/a");
    let full = Said::from(desk.command(Path::new("sh"), &["-c", &limited]).output().unwrap());
    assert_eq!(full.code, Some(1), "{full:?}");
    assert!(full.err.contains("out/a: the file would be larger than"), "{full:?}");
    assert_eq!(desk.names("out"), ["folder"]);
    let folder = desk.run(&["cp", "pw:default/a", "out/a/b"]);
    assert_eq!(folder.code, Some(1), "{folder:?}");
    assert!(folder.err.contains("out/a/b: "), "{folder:?}");
    assert_eq!(desk.names("out"), ["folder"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_differ_are_not_the_file() {
    let desk = Desk::new().await;
    desk.file("a", 1_000_000);
    assert_eq!(desk.run(&["cp", "a", "pw:default/"]).code, Some(0));
    let mut folders = vec![desk.server.data().join("contents")];
    let mut damaged = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().unwrap().len() >= 1_000_000 {
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                damaged += 1;
            }
        }
    }
    assert!(damaged > 0, "the store has the object somewhere");
    let down = desk.run(&["cp", "pw:default/a", "b", "--attempts", "1"]);
    assert_eq!(down.code, Some(3), "{down:?}");
    assert!(!desk.path("b").exists());
    assert_eq!(desk.run(&["cat", "pw:default/a", "--attempts", "1"]).code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_is_asked_for_anew() {
    let server = Server::start_with(OPEN, |settings| {
        settings.identity.kind = partway_server::config::IdentityKind::Jwt;
        settings.identity.jwt.secret = Some(SECRET.to_owned().into());
    });
    let desk = Desk::with(server.await);
    desk.file("a", 5);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |expires_at: u64| {
        ticket::sign(SECRET, &json!({ "sub": "ada", "aud": "partway", "exp": expires_at })).unwrap()
    };
    let refused = desk.run(&["cp", "a", "pw:default/"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("PARTWAY_TOKEN or --token-command"), "{refused:?}");
    let fixed =
        desk.partway(&["cp", "a", "pw:default/"]).env("PARTWAY_TOKEN", token(now + 600)).output().unwrap();
    assert_eq!(fixed.status.code(), Some(0), "{:?}", Said::from(fixed));
    // The first is out of date.
    std::fs::write(desk.path("1"), token(now - 600)).unwrap();
    std::fs::write(desk.path("2"), token(now + 600)).unwrap();
    let command = "echo run >> runs; cat $(wc -l < runs)";
    let asked = desk.run(&["cp", "a", "pw:default/", "--token-command", command]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert_eq!(desk.read("runs"), b"run\nrun\n", "one run for each refusal");
    let failing = desk.run(&["cp", "a", "pw:default/", "--token-command", "exit 7"]);
    assert_eq!(failing.code, Some(2));
    assert!(failing.err.contains("the token command failed (exit status: 7)"), "{failing:?}");
}
