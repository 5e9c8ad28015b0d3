//! Transfers that are cut off, and go on.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use super::*;

const SIZE: usize = 80 << 20;
/// Slow enough to be caught in the middle, with parts small enough that some are there by then.
const SLOW: [&str; 4] = ["--max-bandwidth", "12MiB", "--part-size", "5MiB"];

/// Kills as nothing can prepare for.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn slow<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &SLOW].concat()
}

impl Desk {
    /// The bytes of a download that its record tells of.
    fn recorded(&self, folder: &str) -> u64 {
        let records = self.names(folder).into_iter().filter(|name| name.ends_with(".partway"));
        let records = records.filter_map(|name| std::fs::read(self.path(folder).join(name)).ok());
        let bytes = records.filter_map(|record| {
            let record: Value = serde_json::from_slice(&record).ok()?;
            let ranges = record["partial"]["ranges"].as_array()?.clone();
            Some(
                ranges
                    .iter()
                    .map(|range| range["end"].as_u64().unwrap() - range["start"].as_u64().unwrap())
                    .sum::<u64>(),
            )
        });
        bytes.sum()
    }

    fn stored(&self) -> u64 {
        self.uploads().iter().map(|upload| upload["stored"].as_u64().unwrap()).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_download_goes_on() {
    let desk = Desk::new().await;
    let bytes = desk.file("film", SIZE);
    std::fs::create_dir(desk.path("out")).unwrap();
    assert_eq!(desk.run(&["cp", "film", "pw:default/"]).code, Some(0));
    let args = ["cp", "pw:default/film", "out/"];
    kill(desk.start_until(&slow(&args), || desk.recorded("out") > 0));
    let recorded = desk.recorded("out");
    let names = desk.names("out");
    assert!(!names.contains(&"film".to_owned()) && names.len() == 2, "{names:?}");

    let again = desk.run(&["cp", "--json", "pw:default/film", "out/"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.event("completed")["already_there"], recorded);
    assert_eq!(again.event("summary")["bytes"], SIZE as u64 - recorded);
    assert!(desk.read("out/film") == bytes);
    assert_eq!(desk.names("out"), ["film"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_record_claims_is_compared() {
    let desk = Desk::new().await;
    let bytes = desk.file("film", SIZE);
    std::fs::create_dir(desk.path("out")).unwrap();
    assert_eq!(desk.run(&["cp", "film", "pw:default/"]).code, Some(0));
    let args = ["cp", "pw:default/film", "out/"];
    kill(desk.start_until(&slow(&args), || desk.recorded("out") > 0));
    // Something has written into what is there.
    let part = desk.names("out").into_iter().find(|name| name.ends_with(".part")).unwrap();
    let part = OpenOptions::new().write(true).open(desk.path("out").join(part)).unwrap();
    part.write_all_at(&[bytes[0] ^ 1], 0).unwrap();
    let (recorded, saved) = (desk.recorded("out"), desk.path("saved"));
    let copied = Command::new("cp").arg("-r").arg(desk.path("out")).arg(&saved).status().unwrap();
    assert!(copied.success());

    // Whoever trusts what is there gets it.
    let trusting = desk.run(&["cp", "--trust", "--json", "pw:default/film", "out/"]);
    assert_eq!(trusting.event("completed")["already_there"], recorded, "{trusting:?}");
    assert!(desk.read("out/film") != bytes);

    std::fs::remove_dir_all(desk.path("out")).unwrap();
    std::fs::rename(saved, desk.path("out")).unwrap();
    let again = desk.run(&["cp", "--json", "pw:default/film", "out/"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.event("summary")["bytes"].as_u64().unwrap() > SIZE as u64 - recorded, "{again:?}");
    assert!(desk.read("out/film") == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_object_is_begun_anew() {
    let desk = Desk::new().await;
    desk.file("film", SIZE);
    std::fs::create_dir(desk.path("out")).unwrap();
    assert_eq!(desk.run(&["cp", "film", "pw:default/"]).code, Some(0));
    kill(desk.start_until(&slow(&["cp", "pw:default/film", "out/"]), || desk.recorded("out") > 0));
    let bytes = desk.file("film", SIZE - 1);
    assert_eq!(desk.run(&["cp", "film", "pw:default/"]).code, Some(0));
    let again = desk.run(&["cp", "pw:default/film", "out/"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("begun anew"), "{again:?}");
    assert!(desk.read("out/film") == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_upload_goes_on() {
    let desk = Desk::new().await;
    let bytes = desk.file("film", SIZE);
    kill(desk.start_until(&slow(&["cp", "film", "pw:default/"]), || desk.stored() > 0));
    let uploads = desk.uploads();
    let [upload] = uploads.as_slice() else { panic!("{uploads:?}") };
    assert_eq!((&upload["state"], &upload["size"]), (&"interrupted".into(), &(SIZE as u64).into()));
    assert_eq!(desk.server.open_uploads().await, 1);

    let again = desk.run(&["cp", "--json", "film", "pw:default/"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.event("completed")["already_there"].as_u64() >= upload["stored"].as_u64(), "{again:?}");
    assert!(desk.uploads().is_empty());
    assert_eq!(desk.server.open_uploads().await, 0, "it was the same upload");
    assert_eq!(desk.run(&["cp", "pw:default/film", "back"]).code, Some(0));
    assert!(desk.read("back") == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_parks_and_says_how_to_go_on() {
    let desk = Desk::new().await;
    desk.file("film", SIZE);
    let args = slow(&["cp", "film", "pw:default/"]);
    let child = desk.start_until(&args, || desk.stored() > 0);
    let interrupted = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(interrupted.success());
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.err.contains("cp film pw:default/ --max-bandwidth 12MiB"), "{said:?}");
    let uploads = desk.uploads();
    let id = uploads[0]["id"].as_str().unwrap();
    let resumed = desk.run(&["uploads", "resume", &id[..30]]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.out.contains("were there"), "{resumed:?}");
    assert!(desk.uploads().is_empty());
}

/// What has come of ranges under way is kept too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_download_keeps_all_that_has_come() {
    let desk = Desk::new().await;
    let bytes = desk.file("film", SIZE);
    std::fs::create_dir(desk.path("out")).unwrap();
    assert_eq!(desk.run(&["cp", "film", "pw:default/"]).code, Some(0));
    let args = slow(&["cp", "--json", "pw:default/film", "out/"]);
    let child = desk.start_until(&args, || desk.recorded("out") > 0);
    let interrupted =
        Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(interrupted.success());
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.event("interrupted")["resume"].as_str().unwrap().ends_with("--part-size 5MiB"), "{said:?}");
    let recorded = desk.recorded("out");
    let again = desk.run(&["cp", "--json", "pw:default/film", "out/"]);
    assert_eq!(again.event("completed")["already_there"], recorded, "{again:?}");
    assert!(desk.read("out/film") == bytes);
    assert_eq!(desk.names("out"), ["film"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_aborted_with_what_is_stored() {
    let desk = Desk::new().await;
    desk.file("film", SIZE);
    let child = desk.start_until(&slow(&["cp", "film", "pw:default/"]), || desk.stored() > 0);
    // Nobody else has it meanwhile.
    let running = desk.run(&["cp", "film", "pw:default/"]);
    assert_eq!(running.code, Some(1));
    assert!(running.err.contains("another process is uploading this file"), "{running:?}");
    let busy = desk.run(&["uploads", "abort", "--all"]);
    assert_eq!(busy.code, Some(1));
    kill(child);
    assert_eq!(desk.server.open_uploads().await, 1);
    let aborted = desk.run(&["uploads", "abort", "--all"]);
    assert_eq!(aborted.code, Some(0), "{aborted:?}");
    assert_eq!(desk.server.open_uploads().await, 0);
    assert!(desk.uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_is_not_stored() {
    let desk = Desk::new().await;
    desk.file("film", SIZE);
    let child =
        desk.start_until(&slow(&["cp", "film", "pw:default/", "--memory", "1MiB"]), || desk.stored() > 0);
    OpenOptions::new().append(true).open(desk.path("film")).unwrap().write_all(b"more").unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("changed on disk"), "{said:?}");
    assert!(desk.uploads().is_empty());
    assert_eq!(desk.server.open_uploads().await, 0, "nothing is left in the store");
}
