//! From a compiled module to what a browser loads: wasm-bindgen's glue, and a
//! module without dead weight.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use walrus::ModuleConfig;
use wasm_bindgen_cli_support::{Bindgen, Output};

use crate::{names, panics};

/// What rustc lets LLVM use for wasm by default. An older wasm-opt
/// refuses a module that uses what it was not told of.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Writes `partway_web.js` and `partway_web_bg.wasm` into `folder`.
pub(crate) fn bind(module: &Path, folder: &Path) -> Result<()> {
    let mut module = ModuleConfig::new().generate_producers_section(false).parse_file(module)?;
    // Without the list of the features in use, wasm-bindgen keeps to those that Debian's wasm-opt (108) can read.
    module.customs.remove_raw("target_features");
    let mut output = Bindgen::new()
        .input_module("partway_web", module)
        .web(true)?
        .typescript(false)
        // `web/js/engine.js` names the module's address.
        .omit_default_module_path(true)
        .generate_output()
        .context("wasm-bindgen")?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "a crate of the widget brings JavaScript snippets of its own, which the server does not serve"
    );
    drop_foreign_exports(&mut output)?;
    panics::drop_all(output.wasm_mut());
    let glue = names::shorten(&mut output)?;
    output.emit(folder).context("writing wasm-bindgen's files")?;
    fs::write(folder.join("partway_web.js"), glue).context("writing the glue")?;
    optimise(&folder.join("partway_web_bg.wasm"))
}

/// A dependency that can also be used from C exports its functions from the
/// module. An export that the glue never names is dead, but wasm-opt has to keep it
/// and all that it calls.
fn drop_foreign_exports(output: &mut Output) -> Result<()> {
    let glue = output.js().to_owned();
    let exports = &mut output.wasm_mut().exports;
    let foreign: Vec<_> =
        exports.iter().map(|export| export.name.clone()).filter(|name| !reaches_for(&glue, name)).collect();
    for name in foreign {
        exports.remove(&name).with_context(|| format!("removing the export {name}"))?;
    }
    Ok(())
}

/// Whether the glue reaches for `wasm.<name>`.
fn reaches_for(glue: &str, name: &str) -> bool {
    let access = format!("wasm.{name}");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    glue.match_indices(&access).any(|(at, _)| !glue[at + access.len()..].starts_with(is_word))
}

/// Runs Binaryen's optimiser over the module, if there is one.
fn optimise(module: &Path) -> Result<()> {
    let status = Command::new("wasm-opt")
        .args(FEATURES)
        // What is called once stays a function: that is more code, but smaller once compressed. A second round finds more.
        .args(["-Oz", "--one-caller-inline-max-function-size=0"])
        // Nothing lies at the first addresses but the stack's very end, so a place within a structure is an offset.
        .args(["--low-memory-unused", "--optimize-added-constants-propagate", "-Oz"])
        .args(["--strip-debug", "--strip-producers", "-o"])
        .arg(module)
        .arg(module)
        .status();
    match status {
        Ok(status) => {
            ensure!(status.success(), "wasm-opt refused the widget's module");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!(
                "cargo::warning=wasm-opt is not installed, so the widget stays larger than it need be. \
                 Install Binaryen (`apt install binaryen`, `brew install binaryen`), \
                 then run `cargo clean -p partway-server` once"
            );
            Ok(())
        }
        Err(error) => Err(error).context("starting wasm-opt"),
    }
}
