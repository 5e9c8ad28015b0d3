//! 1 GiB from Chromium into the embedded store: Partway beside a bare loop that PUTs the same
//! slices, as many at once, to URLs that it has before the clock starts.
//!
//! The bare loop is the most that a page can reach: it checks nothing, shows nothing and tries
//! nothing again. Partway's clock runs from the moment when it is given the file until the
//! object is complete. Each run has a server of its own with an empty store.

#![allow(clippy::print_stdout, reason = "the table is the product")]

#[path = "figures/mod.rs"]
mod figures;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use figures::{Figures, Goal, rounds};
use partway_tests::browser::Browser;
use partway_tests::files::RandomFile;
use partway_tests::processes;
use partway_tests::server::Server;
use processes::cpu_seconds;
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

const SIZE: u64 = 1 << 30;
const MIB: f64 = 1_048_576.0;
/// What Partway opens unless told otherwise, and a browser to one host.
const AT_ONCE: u32 = 6;

/// One of those that are compared.
struct Peer {
    name: &'static str,
    /// The server's `uploads.checksum`.
    checksum: &'static str,
    /// The body of an async function of the file and of how many PUTs to have at once, which
    /// gives the milliseconds that it took.
    upload: &'static str,
}

const BARE: Peer = Peer {
    name: "a bare loop",
    checksum: "none",
    upload: r"
        const ask = async (path, body) => {
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
          if (!answer.ok) throw new Error(await answer.text());
          return answer.json();
        };
        const { uploads: [{ accepted: grant }] } = await ask('/v1/uploads', { files: [{ name: file.name, size: file.size }] });
        const size = grant.strategy.multipart.steps[0].part_size;
        const numbers = Array.from({ length: Math.ceil(file.size / size) }, (_, i) => ({ part_number: i + 1 }));
        const { parts } = await ask('/v1/uploads/sign', { token: grant.token, parts: numbers });
        const put = ({ part_number, url }) => new Promise((resolve, reject) => {
          const request = new XMLHttpRequest();
          request.open('PUT', url);
          request.onload = () => (request.status === 200 ? resolve() : reject(new Error(request.responseText)));
          request.onerror = () => reject(new Error('a PUT got no answer'));
          request.send(file.slice((part_number - 1) * size, part_number * size));
        });
        const start = performance.now();
        await Promise.all(Array.from({ length: atOnce }, async () => {
          while (parts.length > 0) await put(parts.shift());
        }));
        return performance.now() - start;",
};

/// Through the interface for developers, which draws nothing, as the bare loop does not.
const PARTWAY: &str = r"
        const { Uploader } = await import('/widget/index.js');
        const uploader = new Uploader({ endpoint: location.origin, concurrency: atOnce });
        await uploader.load();
        const start = performance.now();
        await uploader.upload(file);
        return performance.now() - start;";

const UNCHECKED: Peer = Peer { name: "Partway, checksums off", checksum: "none", upload: PARTWAY };
const CHECKED: Peer = Peer { name: "Partway, checksums on", checksum: "crc64_nvme", upload: PARTWAY };
const PAGE: Peer = Peer {
    name: "Partway's page, checksums on",
    checksum: "crc64_nvme",
    upload: r"
        const { uploader } = document.querySelector('partway-uploader');
        await uploader.load();
        const start = performance.now();
        await uploader.upload(file);
        return performance.now() - start;",
};

/// What the page says of a run.
#[derive(Deserialize)]
struct Measured {
    milliseconds: f64,
    /// How long each task of more than 50 ms took.
    long_tasks: Vec<f64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = rounds(5);
    // Beside the build, which is on a disk; the system's temporary folder may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let file = RandomFile::create(folder.path(), "a gibibyte.bin", SIZE, 1)?;
    let browser = Browser::start().await?;

    // A browser is busy with itself when it has just been started.
    run(&BARE, &browser, &file, &mut Figures::default()).await?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        let mut turns = [&BARE, &UNCHECKED, &CHECKED, &PAGE];
        if round % 2 == 1 {
            turns.reverse();
        }
        for peer in turns {
            run(peer, &browser, &file, &mut figures).await?;
        }
    }
    for (ours, goal) in [(UNCHECKED, 0.95), (CHECKED, 0.65), (PAGE, 0.65)] {
        figures.compare(ours.name, BARE.name, Goal::AtLeast(goal));
    }
    println!(
        "1 GiB from Chromium, {AT_ONCE} PUTs at once, {rounds} rounds, interleaved\n\n{}",
        figures.table()
    );
    Ok(())
}

async fn run(peer: &Peer, browser: &Browser, file: &RandomFile, figures: &mut Figures) -> Result<()> {
    let server = Server::start(&[("PARTWAY_UPLOADS__CHECKSUM", peer.checksum)]).await?;
    browser.open(&server.url()).await?;
    browser
        .run(
            "const input = Object.assign(document.createElement('input'), { type: 'file', id: 'bench' });
             document.body.append(input);",
            vec![],
        )
        .await?;
    browser.choose("#bench", &[&file.path]).await?;

    browser.devtools("Performance.enable", json!({})).await?;
    let busy_before = main_thread_seconds(browser).await?;
    let before = cpu_seconds()?;
    let script = format!(
        "const upload = async (file, atOnce) => {{ {} }};
         const [file] = document.querySelector('#bench').files;
         const long = [];
         new PerformanceObserver((list) => long.push(...list.getEntries())).observe({{ type: 'longtask' }});
         window.measured = upload(file, arguments[0]).then(async (milliseconds) => {{
           await new Promise((resolve) => setTimeout(resolve, 100));
           return {{ milliseconds, long_tasks: long.map((task) => task.duration) }};
         }});
         window.measured.catch(() => {{}});",
        peer.upload
    );
    browser.run(&script, vec![json!(AT_ONCE)]).await?;
    let measured = measured(browser).await?;
    let after = cpu_seconds()?;
    let busy = main_thread_seconds(browser).await? - busy_before;

    figures.record(peer.name, "MiB/s", SIZE as f64 / MIB / (measured.milliseconds / 1_000.0));
    let spent = |who: &str| after.get(who).unwrap_or(&0.0) - before.get(who).unwrap_or(&0.0);
    figures.record(&format!("  browser's CPU, {}", peer.name), "s", spent("browser"));
    figures.record(&format!("  server's CPU, {}", peer.name), "s", spent("server"));
    figures.record(&format!("  main thread, {}", peer.name), "s busy", busy);
    figures.record(
        &format!("  tasks over 50 ms, {}", peer.name),
        "ms in all",
        measured.long_tasks.iter().fold(0.0, |sum, task| sum + task),
    );

    // What this run leaves to be written should not burden the next.
    browser.open("about:blank").await?;
    drop(server);
    ensure!(Command::new("sync").status().await?.success(), "sync failed");
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// How long the page's main thread has been busy so far.
async fn main_thread_seconds(browser: &Browser) -> Result<f64> {
    let metrics = browser.devtools("Performance.getMetrics", json!({})).await?;
    let metrics = metrics["metrics"].as_array().context("no metrics")?;
    let busy = metrics.iter().find(|metric| metric["name"] == "TaskDuration");
    busy.and_then(|metric| metric["value"].as_f64()).context("no duration of tasks")
}

/// Waits for the page, in turns that are shorter than a script may take.
async fn measured(browser: &Browser) -> Result<Measured> {
    loop {
        let turn =
            "return Promise.race([window.measured, new Promise((done) => setTimeout(done, 20_000, null))]);";
        let measured = browser.run_async(turn, vec![]).await?;
        if !measured.is_null() {
            return serde_json::from_value(measured).context("what the page measured");
        }
    }
}
