//! Builds the widget: the crates of `web/` to wasm with their JavaScript glue, the scripts and styles of `web/js` bundled and
//! minified, the files of `web/page`, and a brotli and a gzip form of each, all in `OUT_DIR`. Also writes
//! `OUT_DIR/widget_files.rs`, the table that embeds them, and copies the files to `target/widget/files`, where
//! `./just package` finds them, and the declarations of the modules to
//! `target/widget`, where the tests compare the scripts with them.
//!
//! Nothing here decides what the widget does, and nothing at run time needs `OUT_DIR`.

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
#[path = "build/sizes.rs"]
mod sizes;
#[path = "build/tools.rs"]
mod tools;

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
    let own = env_path("CARGO_MANIFEST_DIR")?;
    let workspace = own.ancestors().nth(2).context("the crate is not in server/widget")?;
    let out = env_path("OUT_DIR")?;
    declare_inputs(workspace);
    // Before the compiler is started, which takes a minute.
    tools::check()?;

    let target = compile::target_folder(&out);
    let modules = compile::compile(workspace, &target, &bundle::ENGINES.map(|engine| engine.package))?;

    // A file that was renamed or deleted must not stay in either folder.
    let (sources, widget) = (out.join("sources"), out.join("widget"));
    files::empty(&sources)?;
    files::empty(&widget)?;
    for module in &modules {
        bind::bind(module, &sources)?;
    }
    files::copy(&workspace.join("web/js"), &sources)?;
    for engine in bundle::ENGINES {
        let declarations = format!("{}.d.ts", engine.package.replace('-', "_"));
        fs::copy(sources.join(&declarations), target.join(&declarations))
            .context("publishing the declarations")?;
    }
    let bundles = bundle::bundle(&sources, &widget)?;
    files::copy(&workspace.join("web/page"), &widget)?;

    let published = target.join("files");
    files::empty(&published)?;
    files::copy(&widget, &published)?;
    let built = files::compress_all(&widget)?;
    files::write_table(&built, &out.join("widget_files.rs"))?;
    sizes::report(&built, &bundles, &target)
}

/// A build with none of these changed does nothing at all.
fn declare_inputs(workspace: &Path) {
    for input in [
        "server/widget/build.rs",
        "server/widget/build",
        "web/Cargo.toml",
        "web/src",
        "web/download",
        "web/io",
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
