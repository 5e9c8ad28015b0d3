//! Gets the peers from npm, in exactly the versions of the lock file beside this one, and bundles
//! them. All of it lands in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What npm and the bundler are given.
const SOURCES: [&str; 6] =
    ["package.json", "package-lock.json", "no-react.js", "bare.js", "worker.js", "peers.js"];

/// The folder with `peers.js` and `worker.js`.
pub(crate) fn build() -> Result<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    fs::create_dir_all(&folder)?;
    let is_installed = ["package.json", "package-lock.json"].iter().all(|name| {
        fs::read(from.join(name)).ok() == fs::read(folder.join(name)).ok()
            && folder.join("node_modules/.package-lock.json").exists()
    });
    for name in SOURCES {
        fs::copy(from.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
    }
    if !is_installed {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]), &folder)?;
    }
    let options = ["--bundle", "--minify", "--format=esm", "--outdir=bundle", "--log-level=warning"];
    let esbuild = folder.join("node_modules/.bin/esbuild");
    let alias = "--alias:react=./no-react.js";
    run(Command::new(esbuild).args(["peers.js", "worker.js", alias]).args(options), &folder)?;
    Ok(folder.join("bundle"))
}

fn run(command: &mut Command, folder: &Path) -> Result<()> {
    let output = command.current_dir(folder).output();
    let output = output.context("the peers need node and npm: `apt install nodejs npm`")?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
