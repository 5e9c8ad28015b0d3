//! Bundles the scripts: the few files that pages name, what they load at once joined and minified, and what they
//! load when it is needed in chunks.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::files::below;

/// The scripts that pages and bundlers name. The tables of `languages/` are others.
const ENTRIES: [&str; 3] = ["index.js", "element.js", "worker.js"];

/// Puts bundles in the place of the folder's scripts; false if there is no esbuild.
pub(crate) fn bundle(folder: &Path) -> Result<bool> {
    let scripts = scripts(folder)?;
    let is_entry = |script: &&String| ENTRIES.contains(&script.as_str()) || script.starts_with("languages/");
    let bundles = folder.with_extension("bundles");
    let status = Command::new("esbuild")
        .current_dir(folder)
        .args(scripts.iter().filter(is_entry))
        .args(["--bundle", "--splitting", "--minify", "--format=esm", "--target=es2022", "--charset=utf8"])
        // All beside each other, so that the addresses of worker and module hold in each of them.
        .args(["--chunk-names=[name]-[hash]", "--legal-comments=none", "--log-level=warning"])
        .arg(format!("--outdir={}", bundles.display()))
        .status();
    match status {
        Ok(status) => ensure!(status.success(), "esbuild refused the widget's scripts"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!(
                "cargo::warning=esbuild is not installed, so the widget is larger than it need be, and many files. \
                 Install it (`apt install esbuild`, `brew install esbuild`), \
                 then run `cargo clean -p partway-server` once"
            );
            return Ok(false);
        }
        Err(error) => return Err(error).context("starting esbuild"),
    }
    for script in scripts {
        fs::remove_file(folder.join(&script)).with_context(|| format!("removing {script}"))?;
    }
    crate::files::copy(&bundles, folder)?;
    fs::remove_dir_all(&bundles).context("removing the bundles that were copied")?;
    Ok(true)
}

/// The names of all scripts in the folder.
fn scripts(folder: &Path) -> Result<Vec<String>> {
    let mut scripts = Vec::new();
    for path in below(folder)? {
        if path.extension().is_some_and(|extension| extension == "js") {
            let name = path.strip_prefix(folder).context("a file outside of its folder")?;
            scripts.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(scripts)
}
