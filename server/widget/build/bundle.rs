//! Bundles the scripts. The few files that people name keep their names; whatever these load has a hash of its content
//! in its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{files, tools};

/// The scripts that pages and bundlers name, besides the tables of `languages/`.
const ENTRIES: [&str; 2] = ["index.js", "element.js"];
const WORKER: &str = "worker.js";
const MODULE: &str = "partway_web_bg.wasm";

/// What has become of the scripts.
pub(crate) struct Bundles {
    /// The worker's script, which imports nothing.
    pub(crate) worker: String,
    /// The WebAssembly module.
    pub(crate) module: String,
    /// What each other script imports at once.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
}

/// Whether pages and bundlers name the file, so that its name says nothing of its content.
pub(crate) fn is_entry(name: &str) -> bool {
    ENTRIES.contains(&name)
        || name.starts_with("languages/")
        || name.ends_with(".html")
        || name.ends_with(".css")
}

/// Bundles the scripts in `sources`, which changes them, and writes all that a browser loads of them into `out`.
pub(crate) fn bundle(sources: &Path, out: &Path) -> Result<Bundles> {
    minify_styles(sources)?;
    let module = move_hashed(sources, MODULE, out)?;
    replace_address(sources, MODULE, &module)?;
    // In one file, so that nothing has to be waited for but the module. Where there can be no worker, the page loads the
    // same code in a chunk.
    esbuild(sources, &[WORKER, "--bundle", "--allow-overwrite", "--outfile=worker.js"])?;
    let worker = move_hashed(sources, WORKER, out)?;
    replace_address(sources, WORKER, &worker)?;
    let imports = bundle_entries(sources, out)?;
    // The element has those that it loads in chunks. Here are those that pages name.
    let languages = sources.join("languages");
    let tables: Vec<_> = files::below(&languages)?.iter().map(|path| path.display().to_string()).collect();
    let outdir = option("outdir", &out.join("languages"));
    esbuild(&languages, &tables.iter().chain([&outdir]).collect::<Vec<_>>())?;
    Ok(Bundles { worker, module, imports })
}

/// Puts the element's style sheet and all that it imports into one, whose text the scripts import.
fn minify_styles(sources: &Path) -> Result<()> {
    esbuild(sources, &["element/style.css", "--bundle", "--allow-overwrite", "--outfile=element/style.css"])
}

/// Bundles what pages name, with the code that several need or that is needed later in chunks.
fn bundle_entries(sources: &Path, out: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let metafile = sources.join("bundles.json");
    let mut arguments = ENTRIES.map(str::to_owned).to_vec();
    // All beside each other, so that the addresses of worker and module hold in each of them.
    arguments.extend(
        ["--bundle", "--splitting", "--chunk-names=[name]-[hash]", "--loader:.css=text"].map(str::to_owned),
    );
    arguments.extend([option("outdir", out), option("metafile", &metafile)]);
    esbuild(sources, &arguments)?;
    imports(&metafile)
}

/// Reads of esbuild's report what each bundle imports at once, and not by a call of `import`.
fn imports(metafile: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let report: Value = serde_json::from_slice(&fs::read(metafile).context("reading esbuild's report")?)?;
    let outputs = report["outputs"].as_object().context("esbuild reports no outputs")?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut imports = BTreeMap::new();
    for (path, output) in outputs {
        let all = output["imports"].as_array().into_iter().flatten();
        let at_once = all.filter(|import| import["kind"] == "import-statement");
        imports.insert(name(path), at_once.filter_map(|import| import["path"].as_str()).map(name).collect());
    }
    Ok(imports)
}

/// Moves a file from one folder to another, to a name with the digest of its content, and returns that name.
fn move_hashed(from: &Path, name: &str, to: &Path) -> Result<String> {
    let content = fs::read(from.join(name)).with_context(|| format!("reading {name}"))?;
    let (stem, extension) = name.rsplit_once('.').context("a file without an extension")?;
    let hashed = format!("{stem}-{}.{extension}", files::digest(&content));
    fs::rename(from.join(name), to.join(&hashed)).with_context(|| format!("moving {name}"))?;
    Ok(hashed)
}

/// Has the scripts name a file that has been moved, wherever they name its address.
fn replace_address(sources: &Path, name: &str, hashed: &str) -> Result<()> {
    let (before, after) = (format!("\"./{name}\""), format!("\"./{hashed}\""));
    let mut is_named = false;
    for path in files::below(sources)?.iter().filter(|path| path.extension().is_some_and(|end| end == "js")) {
        let script = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        if script.contains(&before) {
            is_named = true;
            fs::write(path, script.replace(&before, &after))
                .with_context(|| format!("writing {}", path.display()))?;
        }
    }
    ensure!(is_named, "no script names {before}");
    Ok(())
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn esbuild<A: AsRef<str>>(folder: &Path, arguments: &[A]) -> Result<()> {
    let mut command = tools::esbuild();
    command.current_dir(folder).args(arguments.iter().map(AsRef::as_ref)).args([
        "--minify",
        "--format=esm",
        "--target=es2022",
        "--charset=utf8",
        "--legal-comments=none",
        "--log-level=warning",
    ]);
    tools::run(&mut command, "the widget's scripts")
}
