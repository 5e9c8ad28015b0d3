//! Takes the README's pictures: uploads under way on a line of 12 MiB/s, paused, finished, and
//! offered again after a reload.
//!
//! `cargo run -p partway-tests --example screenshots` writes them to `web/screenshots`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use partway_tests::files::RandomFile;
use partway_tests::proxy::Line;
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::json;

const MIB: u64 = 1024 * 1024;
const PATIENTLY: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/screenshots");
    std::fs::create_dir_all(&folder).context("making the folder for the pictures")?;
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        browser.devtools("Network.enable", json!({})).await?;
        line(stack, 12 * MIB).await?;
        let size = json!({ "width": 860, "height": 800, "deviceScaleFactor": 1.5, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await?;

        let first = stack.file("Slides.pdf", 7 * MIB)?;
        stack.page.choose(&[&first]).await?;
        stack.page.wait_for_end(1, PATIENTLY).await?;
        let large = [stack.file("Mountain film.mov", 210 * MIB)?, stack.file("Backup.tar.zst", 96 * MIB)?];
        stack.page.choose(&large.iter().collect::<Vec<&RandomFile>>()).await?;
        wait_for("a third of it", PATIENTLY, async || {
            let status = stack.page.status(2).await?;
            let (uploaded, size) = (status["uploaded"].as_u64(), status["size"].as_u64());
            Ok(uploaded.zip(size).filter(|(uploaded, size)| uploaded * 3 > *size))
        })
        .await?;
        browser.screenshot(&folder.join("uploading.png")).await?;

        stack.page.press(2, "pause").await?;
        wait_for("the pause", PATIENTLY, async || {
            Ok(stack.page.rows().await?.iter().any(|row| row.state == "paused").then_some(()))
        })
        .await?;
        browser.screenshot(&folder.join("paused.png")).await?;
        stack.page.press(2, "resume").await?;

        line(stack, 0).await?;
        stack.page.wait_for_end(3, PATIENTLY).await?;
        browser.screenshot(&folder.join("finished.png")).await?;

        stack.proxy.set_line(Some(Line::new(Duration::from_millis(20)).bytes_per_second(12 * MIB)));
        let late = [stack.file("Holiday.mov", 120 * MIB)?, stack.file("Thesis data.zip", 80 * MIB)?];
        stack.page.choose(&late.each_ref()).await?;
        wait_for("some of it", PATIENTLY, async || {
            let stored = [stack.page.status(4).await?, stack.page.status(5).await?];
            Ok(stored.iter().all(|status| status["partsStored"].as_u64() >= Some(2)).then_some(()))
        })
        .await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("Holiday.mov").await?;
        browser.screenshot(&folder.join("resumable.png")).await
    })
    .await
}

/// Limits what the browser sends, in bytes a second; 0 is no limit.
async fn line(stack: &Stack, bytes_per_second: u64) -> Result<()> {
    let upload = if bytes_per_second == 0 { json!(-1) } else { json!(bytes_per_second) };
    let conditions =
        json!({ "offline": false, "latency": 20, "downloadThroughput": -1, "uploadThroughput": upload });
    stack.page.browser().devtools("Network.emulateNetworkConditions", conditions).await.map(drop)
}
