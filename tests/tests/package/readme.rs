//! The package's README, followed: a fresh app from Vite's own template, with the README's files in it.

use std::fs;

use anyhow::{Context, Result, ensure};
use partway_tests::server::{Server, free_port};
use tokio::process::Command;

use super::workshop::{Site, Workshop, npm, workspace};
use super::{TURN, Test, upload};

/// The files that a text gives: blocks that are opened by a language and a path.
fn files(text: &str) -> Vec<(&str, &str)> {
    let blocks = text.split("```").skip(1).step_by(2);
    let named = blocks.filter_map(|block| {
        let (opening, content) = block.split_once('\n')?;
        Some((opening.split_once(' ')?.1, content))
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_makes_an_app_of_a_fresh_template() -> Test {
    let _turn = TURN.lock().await;
    let workshop = Workshop::get()?;
    let port = free_port()?;
    let site = format!("http://localhost:{port}");
    let server = Server::start(&[("PARTWAY_SERVER__ALLOWED_ORIGINS", &site)]).await?;

    let readme = fs::read_to_string(workspace().join("web/npm/README.md"))?;
    let create = "npm create vite@latest uploads -- ";
    let create = readme.lines().find_map(|line| line.strip_prefix(create)).context("no app is created")?;
    // Outside of the workshop, where nothing else is installed.
    let outside = tempfile::tempdir()?;
    let arguments = ["uploads"].into_iter().chain(create.split(' '));
    workshop.tool("create-vite", arguments, outside.path())?;
    let app = outside.path().join("uploads");
    npm(["install"], &app)?;
    npm(["install".as_ref(), workshop.archive.as_os_str()], &app)?;
    let files = files(&readme);
    ensure!(files.iter().any(|(path, _)| *path == "src/main.js"), "the README gives {files:?}");
    for (path, content) in files {
        fs::write(app.join(path), content.replace("http://127.0.0.1:8080", &server.url()))?;
    }

    let mut dev = Command::new(app.join("node_modules/.bin/vite"));
    dev.current_dir(&app).args(["--port", &port.to_string(), "--strictPort"]).env("NO_COLOR", "1");
    let dev = Site::start(dev, "Local:   http://").await?;
    ensure!(dev.url == site, "it is served at {} and not at {site}", dev.url);
    upload(&server, &format!("{site}/"), outside.path()).await?;

    // And what is built of it for production has all that it takes.
    npm(["run", "build"], &app)?;
    let built: Result<Vec<_>, _> =
        fs::read_dir(app.join("dist/assets"))?.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let built = built?;
    for part in ["partway_web_bg", "worker"] {
        ensure!(built.iter().any(|name| name.to_string_lossy().contains(part)), "{part} is not in {built:?}");
    }
    Ok(())
}
