//! The examples of the book: each runs as it stands there.

use std::path::Path;

use crate::server::BUCKET;
use crate::shell::Shell;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_book_shows_works() {
    let chapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/command-line-objects.md");
    let text = std::fs::read_to_string(chapter).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|after| after.split_once("```").unwrap().0);
    let lines: Vec<_> = blocks.flat_map(str::lines).collect();
    assert!(lines.len() > 10, "{lines:?}");
    let shell = Shell::start().await;
    shell.put(["reports/2026.pdf", "reports/old.pdf", "tmp/a", "tmp/b/c"]).await;
    for line in lines {
        assert!(line.starts_with("partway "), "{line}");
        let ended = shell.sh(&line.replace("my-uploads", BUCKET));
        assert_eq!(ended.code, 0, "{line}: {ended:?}");
    }
    assert_eq!(shell.keys(), ["reports/2026.pdf"]);
}
