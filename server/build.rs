//! Builds the widget that the server serves: the crate `web/` to wasm, its
//! JavaScript glue, the hand-written files of `web/js` and `web/page`, the element's style as a script, the
//! scripts bundled (or at least without their comments), and a brotli and a gzip form of each, all in
//! `OUT_DIR/widget/`. Also writes
//! `OUT_DIR/widget_files.rs`, the table that embeds them in the binary, and copies the files to
//! `target/widget/files`, where `./just package` finds them.
//!
//! Nothing here decides what the widget does, and nothing at run time needs
//! this folder.

// Cargo reads a build script's instructions from its standard output.
#![allow(clippy::print_stdout)]

#[path = "build/bind.rs"]
mod bind;
#[path = "build/bundle.rs"]
mod bundle;
#[path = "build/compile.rs"]
mod compile;
#[path = "build/files.rs"]
mod files;
#[path = "build/names.rs"]
mod names;
#[path = "build/panics.rs"]
mod panics;
#[path = "build/sizes.rs"]
mod sizes;
#[path = "build/strip.rs"]
mod strip;
#[path = "build/styles.rs"]
mod styles;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

fn main() -> ExitCode {
    match build_widget() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={}", format!("{error:#}").replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build_widget() -> Result<()> {
    let server = env_path("CARGO_MANIFEST_DIR")?;
    let workspace = server.parent().context("the server's folder has no parent")?;
    let out = env_path("OUT_DIR")?;
    declare_inputs(workspace);

    let widget = out.join("widget");
    if widget.exists() {
        // A file that was renamed or deleted must not live on in the binary.
        fs::remove_dir_all(&widget).context("emptying the widget's folder")?;
    }
    fs::create_dir_all(&widget).context("creating the widget's folder")?;

    let target = compile::target_folder(&out);
    let module = compile::compile(workspace, &target)?;
    bind::bind(&module, &widget)?;
    for folder in ["web/js", "web/page"] {
        files::copy(&workspace.join(folder), &widget)?;
    }

    styles::to_modules(&widget.join("element"))?;
    if !bundle::bundle(&widget)? {
        strip::strip_all(&widget)?;
    }

    files::publish(&widget, &target.join("files"))?;
    let built = files::compress_all(&widget)?;
    files::write_table(&built, &out.join("widget_files.rs"))?;
    sizes::report(&built, &target)
}

/// A build with none of these changed does nothing at all.
fn declare_inputs(workspace: &Path) {
    for input in [
        "server/build.rs",
        "server/build",
        "web/Cargo.toml",
        "web/src",
        "web/js",
        "web/page",
        "shared/Cargo.toml",
        "shared/src",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
}

fn env_path(name: &str) -> Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).with_context(|| format!("cargo did not set {name}"))
}
