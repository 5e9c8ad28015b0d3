//! Packages of npm that tests need, in exactly the versions of `tests/npm/package-lock.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The text of a file of a package, such as `axe-core/axe.min.js`. Packages are installed below `folder`, which
/// should outlive the test.
///
/// # Errors
/// When npm is not there or fails, or the package has no such file.
pub fn read(folder: &Path, file: &str) -> Result<String> {
    let path = install(folder)?.join("node_modules").join(file);
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

fn install(folder: &Path) -> Result<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm");
    let folder = folder.join("npm");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let names = ["package.json", "package-lock.json"];
    let is_same = |name: &&str| fs::read(from.join(name)).ok() == fs::read(folder.join(name)).ok();
    if names.iter().all(is_same) && folder.join("node_modules/.package-lock.json").exists() {
        return Ok(folder);
    }
    for name in names {
        fs::copy(from.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    let output = npm.output().context("these tests need npm: `apt install nodejs npm`")?;
    ensure!(
        output.status.success(),
        "npm ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder)
}
