//! Copies of one object within a store: Partway in Chromium beside boto3's transfer manager; over the loopback, and over a line
//! of 50 ms, since what a store far away costs is round trips.
//!
//! Everybody's clock runs from the call to the moment when the copy is complete. No byte of it crosses the line. The embedded store
//! reads, hashes and writes each part, and so sets the pace of both; what a client can win here is its own time and the line's.

#![allow(clippy::print_stdout, reason = "the table is the product")]

#[path = "figures/mod.rs"]
mod figures;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use figures::{Figures, Goal, rounds};
use partway_tests::browser::Browser;
use partway_tests::proxy::{Line, Proxy};
use partway_tests::pypi;
use partway_tests::server::Server;
use serde_json::json;
use tokio::process::Command;

const ROUND_TRIP: Duration = Duration::from_millis(50);
const SOURCE: &str = "source.bin";
const OPEN: [(&str, &str); 2] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get,copy"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
];
const PARTWAY: &str = "Partway, verified";
const BOTO3: &str = "boto3's copy()";

/// The body of an async function; gives the seconds.
const COPY: &str = "
    const { Uploader } = await import('/widget/index.js');
    const uploader = new Uploader({ endpoint: '/', journal: false });
    await uploader.load();
    const begun = performance.now();
    window.copied = uploader.copy({ from: { key: args[0] }, to: { key: args[1] } }).finished.then(({ verified }) => {
      if (verified !== 'crc64_nvme') throw new Error(verified);
      return (performance.now() - begun) / 1000;
    });
    window.copied.catch(() => {});";

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = rounds(3);
    let mebibytes = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).nth(1);
    let mebibytes: u64 = mebibytes.unwrap_or(10 * 1_024);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/copies");
    let programs = pypi::programs(
        &Path::new(env!("CARGO_TARGET_TMPDIR")).join("copies"),
        &from.join("requirements.txt"),
    )?;
    let boto3 = Boto3 { python: programs.join("python"), script: from.join("by_boto3.py") };

    let mut figures = Figures::default();
    let line = Proxy::start().await?;
    let endpoint = line.url();
    let server = Server::start(&[OPEN[0], OPEN[1], ("PARTWAY_STORE__ENDPOINTS", &endpoint)]).await?;
    line.set_upstream(&server.store_address());
    boto3.run(&server, &server.store_address(), SOURCE, &["--make", &mebibytes.to_string()]).await?;
    let browser = Browser::start().await?;
    for (suffix, far) in [("", None), (" over the line", Some(Line::new(ROUND_TRIP)))] {
        line.set_line(far);
        for round in 0..rounds {
            for turn in 0..2 {
                let target = format!("copy-{round}-{turn}.bin");
                let (name, seconds) = if (round + turn) % 2 == 0 {
                    (PARTWAY, partway(&browser, &server, &target).await?)
                } else {
                    let printed = boto3.run(&server, &endpoint, &target, &[]).await?;
                    (BOTO3, printed.trim().parse().context("seconds")?)
                };
                figures.record(&format!("{name}{suffix}"), "MiB/s", mebibytes as f64 / seconds);
                server.objects()?.delete(&target).await?;
                ensure!(Command::new("sync").status().await?.success(), "sync failed");
            }
        }
    }
    figures.compare(PARTWAY, BOTO3, Goal::AtLeast(1.0));
    let over = |name: &str| format!("{name} over the line");
    figures.compare(&over(PARTWAY), &over(BOTO3), Goal::AtLeast(1.0));
    println!("{mebibytes} MiB within the store, {rounds} rounds, interleaved\n\n{}", figures.table());
    Ok(())
}

async fn partway(browser: &Browser, server: &Server, target: &str) -> Result<f64> {
    browser.open(&server.url()).await?;
    browser.run_async(COPY, vec![json!(SOURCE), json!(target)]).await?;
    loop {
        // In turns that are shorter than a script may take.
        let turn =
            "return Promise.race([window.copied, new Promise((done) => setTimeout(done, 20_000, null))]);";
        if let Some(seconds) = browser.run_async(turn, vec![]).await?.as_f64() {
            browser.open("about:blank").await?;
            return Ok(seconds);
        }
    }
}

/// What runs boto3.
struct Boto3 {
    python: PathBuf,
    script: PathBuf,
}

impl Boto3 {
    /// Runs the script against a store, and gives what it has printed.
    async fn run(&self, server: &Server, endpoint: &str, target: &str, more: &[&str]) -> Result<String> {
        let (access_key, secret_key) = server.secrets()?;
        let endpoint =
            if endpoint.starts_with("http") { endpoint.to_owned() } else { format!("http://{endpoint}") };
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args([&endpoint, &access_key, &secret_key, "uploads", SOURCE, target]);
        let output = command.args(more).output().await.context("starting Python")?;
        ensure!(output.status.success(), "boto3:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
