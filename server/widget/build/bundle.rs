//! Bundles the scripts. The few files that people name keep their names; whatever these load has a hash of its content
//! in its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{files, tools};

/// An engine: a crate that becomes a module, and the worker's script that loads it.
pub(crate) struct Engine {
    pub(crate) package: &'static str,
    worker: &'static str,
    module: &'static str,
    /// The scripts that pages and bundlers name, and that start it.
    entries: &'static [&'static str],
}

/// All engines. A page loads the one that it needs.
pub(crate) const ENGINES: [Engine; 2] = [
    Engine {
        package: "partway-web",
        worker: "worker.js",
        module: "partway_web_bg.wasm",
        entries: &["index.js", "element.js"],
    },
    Engine {
        package: "partway-web-download",
        worker: "download-worker.js",
        module: "partway_web_download_bg.wasm",
        entries: &["download.js"],
    },
];
/// The scripts that pages and bundlers name besides, which start none.
const BARE_ENTRIES: [&str; 1] = ["files.js"];
/// The style sheets, whose text scripts import, and which import others.
const STYLES: [&str; 3] = ["element/style.css", "files/style.css", "files/saves.css"];
/// The folders of tables of texts.
const LANGUAGES: [&str; 2] = ["languages", "files/languages"];
/// The demo page's own script, which is not bundled.
const PAGE: &str = "page.js";

/// What has become of the scripts.
pub(crate) struct Bundles {
    /// Each script that pages name and that starts an engine, with the engine's files: its worker's script, which imports nothing,
    /// and its WebAssembly module.
    pub(crate) engines: Vec<(&'static str, [String; 2])>,
    /// What each other script imports at once.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
}

/// Whether pages and bundlers name the file, so that its name says nothing of its content.
pub(crate) fn is_entry(name: &str) -> bool {
    entries().any(|entry| entry == name)
        || name == PAGE
        || LANGUAGES.iter().any(|folder| Path::new(name).starts_with(folder))
        || name.ends_with(".html")
        || name.ends_with(".css")
}

fn entries() -> impl Iterator<Item = &'static str> {
    ENGINES.iter().flat_map(|engine| engine.entries).chain(&BARE_ENTRIES).copied()
}

/// Bundles the scripts in `sources`, which changes them, and writes all that a browser loads of them into `out`.
pub(crate) fn bundle(sources: &Path, out: &Path) -> Result<Bundles> {
    minify_styles(sources)?;
    let mut engines = Vec::new();
    for Engine { worker, module, entries, .. } in ENGINES {
        let moved = move_hashed(sources, module, out)?;
        replace_address(sources, module, &moved)?;
        // In one file, so that nothing has to be waited for but the module. Where there can be no worker, the page loads the
        // same code in a chunk.
        esbuild(sources, &[worker, "--bundle", "--allow-overwrite", &format!("--outfile={worker}")])?;
        let script = move_hashed(sources, worker, out)?;
        replace_address(sources, worker, &script)?;
        engines.extend(entries.iter().map(|&entry| (entry, [script.clone(), moved.clone()])));
    }
    let imports = bundle_entries(sources, out)?;
    // The element has those that it loads in chunks. Here are those that pages name.
    for folder in LANGUAGES {
        let languages = sources.join(folder);
        let tables: Vec<_> =
            files::below(&languages)?.iter().map(|path| path.display().to_string()).collect();
        let outdir = option("outdir", &out.join(folder));
        esbuild(&languages, &tables.iter().chain([&outdir]).collect::<Vec<_>>())?;
    }
    Ok(Bundles { engines, imports })
}

/// Puts each style sheet and all that it imports into one, whose text the scripts import.
fn minify_styles(sources: &Path) -> Result<()> {
    for style in STYLES {
        let outfile = format!("--outfile={style}");
        esbuild(sources, &[style, "--bundle", "--allow-overwrite", &outfile])?;
    }
    Ok(())
}

/// Bundles what pages name, with the code that several need or that is needed later in chunks.
fn bundle_entries(sources: &Path, out: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let metafile = sources.join("bundles.json");
    let mut arguments: Vec<_> = entries().map(str::to_owned).collect();
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
