//! The `partway` binary under test. Cargo does not build another package's binary for
//! a test, so it has to be there, and has to be newer than its sources.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

/// The binary that `cargo build -p partway-cli` made, or that `PARTWAY_BIN` names.
///
/// # Errors
/// When there is none, or it is older than the sources.
pub fn find() -> Result<PathBuf> {
    if let Some(path) = env::var_os("PARTWAY_BIN") {
        return Ok(path.into());
    }
    // This runs in <target>/<profile>/deps.
    let test = env::current_exe().context("finding the test's own executable")?;
    let profile = test.parent().and_then(Path::parent).context("the test is not in a target folder")?;
    let binary = profile.join(format!("partway{}", env::consts::EXE_SUFFIX));
    ensure!(
        binary.is_file(),
        "{} is not there: run `cargo build -p partway-cli` before these tests",
        binary.display()
    );

    let built = modified(&binary)?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no folder")?;
    let crates = ["cli/src", "client/src", "embedded/src", "http/src", "s3/src", "widget"]
        .map(|part| format!("server/{part}"));
    let others =
        ["shared/src", "shared/crc/src", "web/src", "web/io/src", "web/download/src", "web/js", "web/page"]
            .map(str::to_owned);
    for sources in crates.into_iter().chain(others) {
        let (path, changed) = newest(&workspace.join(sources))?;
        ensure!(
            changed <= built,
            "{} is older than {}: run `cargo build -p partway-cli` before these tests",
            binary.display(),
            path.display()
        );
    }
    Ok(binary)
}

fn newest(folder: &Path) -> Result<(PathBuf, SystemTime)> {
    let mut newest = (folder.to_owned(), SystemTime::UNIX_EPOCH);
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let candidate = if path.is_dir() { self::newest(&path)? } else { (path.clone(), modified(&path)?) };
        if candidate.1 > newest.1 {
            newest = candidate;
        }
    }
    Ok(newest)
}

fn modified(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    Ok(metadata.modified()?)
}
