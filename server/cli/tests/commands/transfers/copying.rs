//! Files that go up and come back.

use std::process::Stdio;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_up_and_comes_back() {
    let desk = Desk::new().await;
    for (name, size) in [("empty", 0), ("small.txt", 5), ("large.bin", 40_000_000)] {
        let bytes = desk.file(name, size);
        let up = desk.run(&["cp", name, "pw:default/"]);
        assert_eq!((up.code, up.err.as_str()), (Some(0), ""), "{up:?}");
        assert!(up.out.starts_with(&format!("{name} -> pw:default/{name}  ")), "{up:?}");
        assert!(up.out.ends_with(", verified by CRC64NVME\n"), "{up:?}");
        let down = desk.run(&["cp", &format!("pw:default/{name}"), "back"]);
        assert_eq!(down.code, Some(0), "{down:?}");
        assert!(down.out.contains("verified by CRC64NVME"), "{down:?}");
        assert!(desk.read("back") == bytes, "{name} came back as another");
    }
    let names: Vec<_> = desk.names("").into_iter().filter(|name| name.starts_with('.')).collect();
    assert!(names.is_empty(), "{names:?} are left");
    assert!(desk.uploads().is_empty());
}

/// Around the ends of parts, and more than is kept at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_goes_up_however_long_it_is() {
    let desk = Desk::new().await;
    for size in [0, 5, 8 << 20, (8 << 20) + 1, 50_000_000] {
        let bytes = desk.file("given", size);
        let mut command = desk.partway(&["cp", "-", "pw:default/dumps/db.sql", "--memory", "16MiB"]);
        let input = std::fs::File::open(desk.path("given")).unwrap();
        let up = command.stdin(input).output().unwrap();
        let said = String::from_utf8_lossy(&up.stdout);
        assert_eq!(up.status.code(), Some(0), "{up:?}");
        assert!(
            said.starts_with("- -> pw:default/dumps/db.sql  ") && said.contains("verified by CRC64NVME"),
            "{said}"
        );
        let down = desk.run(&["cp", "pw:default/dumps/db.sql", "back"]);
        assert_eq!(down.code, Some(0), "{down:?}");
        assert!(desk.read("back") == bytes, "{size} bytes came back as others");
    }
    assert!(desk.uploads().is_empty(), "nothing is kept of what cannot be read again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_configuration_a_file_can_be_uploaded() {
    let desk = Desk::with(Server::start_with("", |_| {}).await);
    desk.file("a.txt", 5);
    let up = desk.run(&["cp", "--json", "a.txt", "pw:default/"]);
    assert_eq!(up.code, Some(0), "{up:?}");
    let completed = up.event("completed");
    let key = completed["key"].as_str().unwrap();
    assert!(key.ends_with("/a.txt"), "the server makes the key: {key}");
    assert_eq!(completed["target"], format!("pw:default/{key}"));
    assert_eq!(completed["verified"], "crc64_nvme");
    assert_eq!(up.event("summary")["completed"], 1);
    let down = desk.run(&["cp", &format!("pw:default/{key}"), "."]);
    assert_eq!(down.code, Some(1), "reading is granted, never implied: {down:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_are_copied_as_cp_does() {
    let desk = Desk::new().await;
    for name in ["photos/a.jpg", "photos/2026/b.jpg", "photos/empty"] {
        desk.file(name, if name.ends_with("empty") { 0 } else { 1_000 });
    }
    let refused = desk.run(&["cp", "photos", "pw:default/"]);
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (Some(2), "partway: photos is a folder; -r copies folders\n")
    );
    assert_eq!(desk.run(&["cp", "-r", "photos", "pw:default/"]).code, Some(0));
    assert_eq!(desk.run(&["cp", "-r", "photos", "pw:default/album"]).code, Some(0));
    assert_eq!(desk.run(&["cp", "-r", "photos", "pw:default/kept/"]).code, Some(0));
    // What is not there is made; what is there, or ends with /, is gone into.
    for (source, target, at) in [
        ("pw:default/photos", "copy", "copy"),
        ("pw:default/album/", "copy/", "copy/album"),
        ("pw:default/kept/photos", "new/", "new/photos"),
    ] {
        let down = desk.run(&["cp", "-r", source, target]);
        assert_eq!(down.code, Some(0), "{down:?}");
        for name in ["a.jpg", "2026/b.jpg", "empty"] {
            let (there, here) = (desk.read(&format!("photos/{name}")), desk.read(&format!("{at}/{name}")));
            assert!(there == here, "{source} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn globs_are_expanded_on_both_sides() {
    let desk = Desk::new().await;
    for name in ["logs/1.gz", "logs/2.gz", "logs/3.txt", "logs/old/4.gz"] {
        desk.file(name, 100);
    }
    let up = desk.run(&["cp", "logs/*.gz", "logs/3.txt", "logs/old/*", "pw:default/in/"]);
    assert_eq!(up.code, Some(0), "{up:?}");
    let down = desk.run(&["cp", "pw:default/in/[12].gz", "out/"]);
    assert_eq!(down.code, Some(0), "{down:?}");
    assert_eq!(desk.names("out"), ["1.gz", "2.gz"]);
    let nothing = desk.run(&["cp", "pw:default/in/*.jpg", "out/"]);
    assert_eq!(nothing.code, Some(2));
    assert_eq!(nothing.err, "partway: pw:default/in/*.jpg: there is no such object\n");
    let tried = desk.run(&["cp", "--dry-run", "logs/*.gz", "pw:default/dry/"]);
    assert_eq!(tried.code, Some(0));
    assert_eq!(tried.out, "logs/1.gz -> pw:default/  100 B\nlogs/2.gz -> pw:default/  100 B\n");
    assert_eq!(desk.run(&["cp", "pw:default/dry/*", "out/"]).code, Some(2), "nothing was copied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_can_be_given_and_a_type() {
    let desk = Desk::new().await;
    desk.file("a.txt", 10);
    assert_eq!(desk.run(&["cp", "a.txt", "pw:default/b/c.md"]).code, Some(0));
    assert_eq!(
        desk.run(&["cp", "--content-type", "application/x-own", "a.txt", "pw:default/d.txt"]).code,
        Some(0)
    );
    for (key, expected) in [("b/c.md", "text/markdown; charset=utf-8"), ("d.txt", "application/x-own")] {
        let url = format!("{}/v1/objects/look", desk.server.url);
        let body = format!("{{\"objects\":[{{\"key\":\"{key}\"}}]}}");
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
        assert!(answer.to_string().contains(&format!("\"type\":\"{expected}\"")), "{key}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_in_order() {
    let desk = Desk::new().await;
    let (first, second) = (desk.file("1", 60_000_000), desk.file("2", 7));
    assert_eq!(desk.run(&["cp", "1", "2", "pw:default/s/"]).code, Some(0));
    let output = desk.partway(&["cat", "pw:default/s/1", "pw:default/s/2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == [first.clone(), second].concat());
    let output = desk.partway(&["cp", "pw:default/s/1", "-"]).output().unwrap();
    assert!(output.stdout == first);
    assert!(String::from_utf8_lossy(&output.stderr).contains("verified by CRC64NVME"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_has_enough_is_no_error() {
    use std::io::Read as _;
    let desk = Desk::new().await;
    let bytes = desk.file("long", 80_000_000);
    assert_eq!(desk.run(&["cp", "long", "pw:default/"]).code, Some(0));
    let mut cat = desk.partway(&["cat", "pw:default/long"]);
    let mut cat = cat.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut head = [0; 10];
    let mut pipe = cat.stdout.take().unwrap();
    pipe.read_exact(&mut head).unwrap();
    drop(pipe);
    let said = Said::from(cat.wait_with_output().unwrap());
    assert_eq!(head, bytes[..10]);
    assert_eq!((said.code, said.err.as_str()), (Some(141), ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let desk = Desk::new().await;
    desk.file("a", 1_000_000);
    assert_eq!(desk.run(&["cp", "a", "pw:default/"]).code, Some(0));
    assert_eq!(desk.run(&["cp", "pw:default/a", "/dev/null"]).code, Some(0));
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let full = desk.run(&["cp", "pw:default/a", "/dev/full"]);
    assert_eq!((full.code, full.err.as_str()), (Some(1), "partway: pw:default/a: the disk is full\n"));
}
