//! From a compiled module to what a browser loads: wasm-bindgen's glue, and an optimised module.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;

/// Writes the glue of `partway_web.wasm`, `partway_web.js`, with its declarations and `partway_web_bg.wasm` into `folder`; that of
/// other modules likewise.
pub(crate) fn bind(module: &Path, folder: &Path) -> Result<()> {
    let mut output = Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The scripts that start an engine name the module's address.
        .omit_default_module_path(true)
        .generate_output()
        .context("wasm-bindgen")?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "a crate of the widget brings JavaScript snippets of its own, which are not among the scripts"
    );
    output.emit(folder).context("writing wasm-bindgen's files")?;
    let name = module.file_stem().context("a module without a name")?.to_string_lossy();
    optimise(&folder.join(format!("{name}_bg.wasm")))
}

/// Runs Binaryen's optimiser over the module, which lists the features that it uses.
fn optimise(module: &Path) -> Result<()> {
    let mut command = tools::wasm_opt();
    command
        // What is called once stays a function: that is more code, but smaller once compressed. A second round finds more.
        .args(["-Oz", "--one-caller-inline-max-function-size=0"])
        // Nothing lies at the first addresses but the stack's very end, so a place within a structure is an offset.
        .args(["--low-memory-unused", "--optimize-added-constants-propagate", "-Oz"])
        .args(["--strip-debug", "--strip-producers", "--strip-target-features", "-o"])
        .arg(module)
        .arg(module);
    tools::run(&mut command, "the widget's module")
}
