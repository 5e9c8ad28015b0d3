//! What the book says of the command line: each example is run.

use std::path::Path;

use crate::transfers::{Desk, Said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_run() {
    let text = include_str!("../../../../docs/src/command-line.md");
    let examples: Vec<_> =
        text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 5, "{examples:?}");
    let desk = Desk::new().await;
    for (name, size) in [
        ("film.mp4", 20_000_000),
        ("photos/a.jpg", 10),
        ("photos/b/c.jpg", 0),
        ("logs/1.gz", 3),
        ("logs/2.gz", 4),
    ] {
        desk.file(name, size);
    }
    std::fs::write(desk.path("token.txt"), "any\n").unwrap();
    // The name under which a shell finds it.
    let binary = Path::new(env!("CARGO_BIN_EXE_partway")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    for example in examples {
        let mut shell = desk.command(Path::new("sh"), &["-ec", example]);
        let said = Said::from(shell.env("PATH", &path).output().unwrap());
        assert_eq!(said.code, Some(0), "{example}: {said:?}");
    }
    assert!(desk.read("film.mp4") == desk.read("copy.mp4") && desk.read("film.mp4") == desk.read("slow.mp4"));
    assert_eq!(desk.names("old"), ["1.gz", "2.gz"]);
    assert_eq!(desk.names("again/b"), ["c.jpg"]);
    assert_eq!(desk.read("both.gz").len(), 7);
}
