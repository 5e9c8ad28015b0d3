//! The peers, got from npm and PyPI in the versions that stand beside this file. All of it lands in the target folder.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use partway_tests::pypi;

use crate::client::{Request, pin};

const SOURCES: [&str; 4] = ["package.json", "package-lock.json", "companion.mjs", "signing.py"];

/// Running peers; they end with this.
pub(crate) struct Peers {
    pub(crate) companion: String,
    pub(crate) fastapi: String,
    children: Vec<Child>,
}

/// The URL of one part, as Uppy asks for it.
pub(crate) fn companion_request() -> Request {
    Request::get("/s3/multipart/VXBsb2FkIElEIGZvciA2aWWpbmc/7?key=film.mp4")
}

/// The same of FastAPI.
pub(crate) fn fastapi_request() -> Request {
    Request::get("/sign/film.mp4/VXBsb2FkIElEIGZvciA2aWWpbmc/7")
}

impl Peers {
    pub(crate) fn start() -> Result<Self> {
        let folder = install()?;
        let mut peers = Self { companion: free_address()?, fastapi: free_address()?, children: Vec::new() };
        let port = |address: &str| address.rsplit(':').next().unwrap_or_default().to_owned();
        let mut companion = Command::new("node");
        companion
            .args(["companion.mjs", &port(&peers.companion), "http://127.0.0.1:1"])
            .env("NODE_ENV", "production");
        peers.spawn(&mut companion, &folder)?;
        let mut fastapi = Command::new(folder.join("venv/bin/uvicorn"));
        fastapi.args(["signing:app", "--port", &port(&peers.fastapi), "--log-level", "warning"]);
        peers.spawn(&mut fastapi, &folder)?;
        for address in [&peers.companion, &peers.fastapi] {
            wait_for(address)?;
        }
        for child in &peers.children {
            pin(child.id(), 0)?;
        }
        Ok(peers)
    }

    fn spawn(&mut self, command: &mut Command, folder: &Path) -> Result<()> {
        let command =
            command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        self.children.push(command.spawn().with_context(|| format!("starting {command:?}"))?);
        Ok(())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn install() -> Result<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/server");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("server-peers");
    fs::create_dir_all(&folder)?;
    let is_installed =
        SOURCES.iter().all(|name| fs::read(from.join(name)).ok() == fs::read(folder.join(name)).ok())
            && folder.join("node_modules/.package-lock.json").exists();
    for name in SOURCES {
        fs::copy(from.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
    }
    if !is_installed {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]), &folder)?;
    }
    pypi::programs(&folder, &from.join("requirements.txt"))?;
    Ok(folder)
}

fn run(command: &mut Command, folder: &Path) -> Result<()> {
    let output = command.current_dir(folder).output();
    let output = output.with_context(|| format!("{command:?}: the peers need node with npm"))?;
    ensure!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn wait_for(address: &str) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(begun.elapsed() < Duration::from_secs(30), "nobody listens at {address}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
