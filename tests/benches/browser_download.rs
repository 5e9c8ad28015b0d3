//! Downloads of one object into Chromium: Partway beside `fetch` into a `createWritable`, StreamSaver, and the browser's own
//! download manager; over the loopback, and over a line of 100 ms and 100 MiB/s.
//!
//! Everybody's clock runs from the call to the moment when the whole file is there. Partway verifies it besides. What is written by a page goes to
//! a file of the origin's own, as no picker can be clicked here; the same for all, but that Partway writes to it in place. Its
//! row for a chosen file takes the way of one that a user has chosen: staged, and copied.

#![allow(clippy::print_stdout, reason = "the table is the product")]

#[path = "figures/mod.rs"]
mod figures;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use figures::{Figures, Goal, rounds};
use partway_tests::browser::Browser;
use partway_tests::files::RandomFile;
use partway_tests::npm;
use partway_tests::processes::{cpu_seconds, renderer_peak, reset_renderer_peaks};
use partway_tests::proxy::{Fault, Line, Proxy, Rule};
use partway_tests::server::Server;
use serde_json::json;

const MIB: u64 = 1 << 20;
/// In each direction.
const LINE: u64 = 100 * MIB;
const ROUND_TRIP: Duration = Duration::from_millis(100);
const KEY: &str = "object.bin";
const PAGE: &str = "/downloads.html";
/// What the browser's own downloads are called.
const OWN: &str = "own.bin";
const PATIENCE: Duration = Duration::from_secs(600);

const OPEN: [(&str, &str); 2] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
];

/// One of those that are compared.
struct Peer {
    name: &'static str,
    /// The body of an async function, which ends when the file is there, or in the browser's hands.
    download: &'static str,
    /// Whether the file ends in the browser's folder.
    is_browsers: bool,
}

const PARTWAY: Peer = Peer {
    name: "Partway, verified",
    download: "const { verified } = await downloader.download(key, { to: await file() });
        if (verified !== 'crc64_nvme') throw new Error(verified);",
    is_browsers: false,
};
const CHOSEN: Peer = Peer {
    name: "Partway, a chosen file, verified",
    download: "const { verified } = await downloader.download(key, { to: await file('chosen') });
        if (verified !== 'crc64_nvme') throw new Error(verified);",
    is_browsers: false,
};
const FETCH: Peer = Peer {
    name: "fetch → createWritable",
    download: "const response = await fetch(await sign());
        await response.body.pipeTo(await (await file()).createWritable());",
    is_browsers: false,
};
const STREAM_SAVER: Peer = Peer {
    name: "StreamSaver 2.0.6",
    download: "const response = await fetch(await sign());
        await response.body.pipeTo(streamSaver.createWriteStream('own.bin', { size: Number(response.headers.get('content-length')) }));",
    is_browsers: true,
};
const BROWSER: Peer = Peer {
    name: "the browser's own",
    download: "await downloader.download(key, { filename: 'own.bin' });",
    is_browsers: true,
};

/// What is there before any clock runs. Files whose names begin with "chosen" look like those that a user has chosen: a worker
/// cannot write to them in place.
const PREPARE: &str = "
    const patch = `const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
      FileSystemFileHandle.prototype.createSyncAccessHandle = function () {
        if (this.name.startsWith('chosen')) return Promise.reject(new DOMException('no', 'InvalidStateError'));
        return createSyncAccessHandle.call(this);
      };`;
    const address = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    window.Worker = class extends Worker {
      constructor(script, options) {
        super(address(`import '${address(patch)}'; import '${script}';`), options);
      }
    };
    const { Downloader } = await import('/widget/download.js');
    window.downloader = new Downloader({ endpoint: '/' });
    await downloader.load();
    const root = await navigator.storage.getDirectory();
    for (const name of ['file', 'chosen']) await root.removeEntry(name).catch(() => {});
    window.file = (name = 'file') => root.getFileHandle(name, { create: true });
    window.key = args[0];
    window.sign = async () => {
      const body = JSON.stringify({ objects: [{ key }] });
      const answer = await fetch('/v1/objects/sign', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const { objects: [{ signed }] } = await answer.json();
      return signed.url;
    };
    const script = document.createElement('script');
    script.src = '/streamsaver/StreamSaver.js';
    const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
    document.head.append(script);
    await loaded;
    streamSaver.mitm = '/streamsaver/mitm.html?version=2.0.0';";

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = rounds(3);
    let size = numbers().nth(1).map_or(1 << 30, |mebibytes| mebibytes * MIB);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let object = RandomFile::create(folder.path(), KEY, size, 1)?;
    let mut figures = Figures::default();

    let server = Server::start(&OPEN).await?;
    server.objects()?.put(KEY, fs::read(&object.path)?).await?;
    let all = [&PARTWAY, &CHOSEN, &FETCH, &STREAM_SAVER, &BROWSER];
    measure(&server, &all, size, rounds, "", folder.path(), &mut figures).await?;
    drop(server);

    // Over the line a file of this size takes seconds already.
    let short = size.min(256 * MIB);
    let line = Proxy::start().await?;
    let endpoint = line.url();
    let server = Server::start(&[OPEN[0], OPEN[1], ("PARTWAY_STORE__ENDPOINTS", &endpoint)]).await?;
    line.set_upstream(&server.store_address());
    let mut content = fs::read(&object.path)?;
    content.truncate(usize::try_from(short)?);
    server.objects()?.put(KEY, content).await?;
    line.set_line(Some(Line::new(ROUND_TRIP).bytes_per_second(LINE)));
    measure(
        &server,
        &[&PARTWAY, &FETCH, &BROWSER],
        short,
        rounds,
        " over the line",
        folder.path(),
        &mut figures,
    )
    .await?;

    let partway = PARTWAY.name;
    figures.compare(partway, FETCH.name, Goal::AtLeast(1.5));
    figures.compare(CHOSEN.name, FETCH.name, Goal::AtLeast(1.0));
    figures.compare(partway, STREAM_SAVER.name, Goal::AtLeast(1.5));
    figures.compare(partway, BROWSER.name, Goal::AtLeast(0.9));
    let over = |name: &str| format!("{name} over the line");
    figures.compare(&over(partway), &over(FETCH.name), Goal::AtLeast(1.0));
    figures.compare(&over(partway), &over(BROWSER.name), Goal::AtLeast(1.0));
    figures.expect(&format!("  of what the line carries, {}", over(partway)), Goal::AtLeast(0.95));
    figures.expect(&format!("  a renderer at most, {partway}"), Goal::Below(400.0));
    println!(
        "{} MiB into Chromium, and {} MiB over {ROUND_TRIP:?} and {} MiB/s, {rounds} rounds, interleaved\n\n{}",
        size / MIB,
        short / MIB,
        LINE / MIB,
        figures.table()
    );
    Ok(())
}

/// The numbers of the command line: rounds, and mebibytes.
fn numbers() -> impl Iterator<Item = u64> {
    std::env::args().skip(1).filter_map(|argument| argument.parse().ok())
}

async fn measure(
    server: &Server,
    peers: &[&Peer],
    size: u64,
    rounds: usize,
    suffix: &str,
    folder: &Path,
    figures: &mut Figures,
) -> Result<()> {
    let front = Proxy::start().await?;
    front.set_upstream(&server.address());
    serve_stream_saver(&front)?;
    let browser = Browser::start().await?;
    // A browser is busy with itself when it has just been started.
    run(peers[0], &browser, &front, folder, size, suffix, &mut Figures::default()).await?;
    for round in 0..rounds {
        let mut turns = peers.to_vec();
        if round % 2 == 1 {
            turns.reverse();
        }
        for peer in turns {
            run(peer, &browser, &front, folder, size, suffix, figures).await.context(peer.name)?;
        }
    }
    Ok(())
}

/// Has the page's own origin serve what StreamSaver takes, and a page without a policy, since StreamSaver works in a frame.
fn serve_stream_saver(front: &Proxy) -> Result<()> {
    let page = "<!doctype html><title>Downloads</title>".to_owned();
    let answer =
        Fault::Answer { status: 200, headers: vec![("content-type", "text/html".to_owned())], body: page };
    front.add(Rule::new(|request| request.path == PAGE, answer).always());
    for (name, content_type) in
        [("StreamSaver.js", "text/javascript"), ("mitm.html", "text/html"), ("sw.js", "text/javascript")]
    {
        let body = npm::read(Path::new(env!("CARGO_TARGET_TMPDIR")), &format!("streamsaver/{name}"))?;
        let headers = vec![("content-type", content_type.to_owned())];
        let path = format!("/streamsaver/{name}");
        let answer = Fault::Answer { status: 200, headers, body };
        front.add(Rule::new(move |request| request.path == path, answer).always());
    }
    Ok(())
}

async fn run(
    peer: &Peer,
    browser: &Browser,
    front: &Proxy,
    folder: &Path,
    size: u64,
    suffix: &str,
    figures: &mut Figures,
) -> Result<()> {
    let name = format!("{}{suffix}", peer.name);
    let file = folder.join(OWN);
    browser.open(&format!("{}{PAGE}", front.url())).await?;
    browser
        .devtools("Page.setDownloadBehavior", json!({ "behavior": "allow", "downloadPath": folder }))
        .await?;
    browser.run_async(PREPARE, vec![json!(KEY)]).await?;
    reset_renderer_peaks()?;
    let before = cpu_seconds()?;
    let script = format!(
        "const download = async () => {{ {} }};
         const start = performance.now();
         window.measured = download().then(() => performance.now() - start);
         window.measured.catch(() => {{}});",
        peer.download
    );
    let begun = Instant::now();
    browser.run(&script, vec![]).await?;
    let seconds = if peer.is_browsers {
        whole(browser, &file, size, begun).await?
    } else {
        measured(browser).await? / 1_000.0
    };
    let after = cpu_seconds()?;
    let rate = size as f64 / MIB as f64 / seconds;
    figures.record(&name, "MiB/s", rate);
    if !suffix.is_empty() {
        figures.record(&format!("  of what the line carries, {name}"), "", rate * MIB as f64 / LINE as f64);
    }
    let spent = |who: &str| after.get(who).unwrap_or(&0.0) - before.get(who).unwrap_or(&0.0);
    figures.record(&format!("  browser's CPU, {name}"), "s", spent("browser"));
    figures.record(&format!("  a renderer at most, {name}"), "MiB", renderer_peak()?);

    browser.open("about:blank").await?;
    let _ = fs::remove_file(&file);
    ensure!(tokio::process::Command::new("sync").status().await?.success(), "sync failed");
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// Waits for the file in the browser's folder, which has its name once it is whole. Gives the seconds.
async fn whole(browser: &Browser, file: &Path, size: u64, begun: Instant) -> Result<f64> {
    while begun.elapsed() < PATIENCE {
        if fs::metadata(file).is_ok_and(|file| file.len() == size) {
            return Ok(begun.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("there is no {}; the page says {:?}", file.display(), measured(browser).await)
}

/// Waits for the page, in turns that are shorter than a script may take. Gives the milliseconds.
async fn measured(browser: &Browser) -> Result<f64> {
    loop {
        let turn =
            "return Promise.race([window.measured, new Promise((done) => setTimeout(done, 20_000, null))]);";
        if let Some(milliseconds) = browser.run_async(turn, vec![]).await?.as_f64() {
            return Ok(milliseconds);
        }
    }
}
