//! The npm package as its users have it: packed by npm, installed, bundled with what they bundle with, and driven in
//! Chromium against a real server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use partway_tests::browser::Browser;
use partway_tests::files::RandomFile;
use partway_tests::objects::Content;
use partway_tests::server::Server;
use partway_tests::wait::wait_for;
use serde_json::Value;
use tokio::sync::Mutex;

#[path = "package/readme.rs"]
mod readme;
#[path = "package/workshop.rs"]
mod workshop;

use workshop::{Site, Workshop, run, workspace};

const MIB: u64 = 1024 * 1024;
const SOON: Duration = Duration::from_secs(60);

/// One at a time: bundlers and browsers take all cores.
static TURN: Mutex<()> = Mutex::const_new(());

type Test = Result<()>;

/// Builds a site of the package with `build`, which is given the server's address and gives the folder to serve;
/// then uploads a file on it.
async fn uploads_from(name: &str, build: impl FnOnce(&Workshop, &str) -> Result<PathBuf>) -> Test {
    let _turn = TURN.lock().await;
    let workshop = Workshop::get()?;
    // Its address is needed for the server's settings, and the server's for what it serves.
    let served = workshop.bench(&format!("{name}-served"))?;
    let site = Site::serve(&served).await?;
    let server = Server::start(&[("PARTWAY_SERVER__ALLOWED_ORIGINS", &site.url)]).await?;
    let built = build(workshop, &server.url())?;
    copy_all(&built, &served)?;
    upload(&server, &format!("{}/", site.url), &served).await
}

/// Chooses a file on a page, and waits until it is in the store.
async fn upload(server: &Server, page: &str, folder: &Path) -> Test {
    let browser = Browser::start().await?;
    let file = RandomFile::create(folder, "from-a-package.bin", 20 * MIB, 1)?;
    browser.open(page).await?;
    let objects = server.objects()?;
    let arrived = async {
        wait_for("an input", SOON, async || Ok(browser.choose("input[type=file]", &[&file.path]).await.ok()))
            .await?;
        wait_for("the file to arrive", SOON, async || Ok(objects.keys().await?.pop())).await
    };
    let arrived = arrived.await;
    let console = browser.console().await?;
    let key = arrived.with_context(|| format!("console: {console:#?}\nserver:\n{}", server.log_tail()))?;
    let content = objects.read(&key).await?;
    ensure!(content == Content { size: file.size, sha256: file.sha256 }, "it arrived as something else");
    // Such as that there was no worker.
    let is_complaint = |line: &&String| line.contains("WARNING") || line.contains("SEVERE");
    let complaints = console.iter().filter(is_complaint).filter(|line| !line.contains("favicon"));
    let complaints: Vec<&String> = complaints.collect();
    ensure!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    run("cp", ["-r".as_ref(), from.join(".").as_os_str(), to.as_os_str()], from).map(drop)
}

fn example(name: &str) -> PathBuf {
    workspace().join("web/examples").join(name)
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/package").join(name)
}

fn vite(workshop: &Workshop, name: &str, endpoint: &str) -> Result<PathBuf> {
    let folder = workshop.copy(&example(name), name, endpoint)?;
    workshop.tool("vite", ["build"], &folder)?;
    Ok(folder.join("dist"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_example_needs_no_build() -> Test {
    uploads_from("plain", |workshop, endpoint| workshop.copy(&example("plain"), "plain", endpoint)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headless_example_is_built_by_vite() -> Test {
    uploads_from("headless", |workshop, endpoint| vite(workshop, "headless", endpoint)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_react_example_is_built_by_vite() -> Test {
    uploads_from("react", |workshop, endpoint| vite(workshop, "react", endpoint)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vue_example_is_built_by_vite() -> Test {
    uploads_from("vue", |workshop, endpoint| vite(workshop, "vue", endpoint)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn webpack_bundles_the_element() -> Test {
    uploads_from("webpack", |workshop, endpoint| {
        let folder = app(workshop, "webpack", endpoint)?;
        let options = ["--mode=production", "--output-path=dist", "--output-filename=app.js"];
        workshop.tool("webpack", ["./app.js"].iter().chain(&options), &folder)?;
        fs::copy(own("app.html"), folder.join("dist/index.html"))?;
        Ok(folder.join("dist"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn esbuild_bundles_the_element() -> Test {
    uploads_from("esbuild", |workshop, endpoint| {
        let folder = app(workshop, "esbuild", endpoint)?;
        let options =
            ["--bundle", "--splitting", "--minify", "--format=esm", "--outdir=dist", "--log-level=warning"];
        workshop.tool("esbuild", ["app.js"].iter().chain(&options), &folder)?;
        let package = folder.join("../node_modules/partway");
        for name in [file_like(&package, "worker-*.js")?, file_like(&package, "partway_web_bg-*.wasm")?] {
            fs::copy(package.join(&name), folder.join("dist").join(&name))?;
        }
        fs::copy(own("app.html"), folder.join("dist/index.html"))?;
        Ok(folder.join("dist"))
    })
    .await
}

/// The name of a file whose name has some text in the place of the star.
fn file_like(folder: &Path, pattern: &str) -> Result<String> {
    let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == pattern || (pattern.contains('*') && name.starts_with(start) && name.ends_with(end)) {
            return Ok(name);
        }
    }
    bail!("there is no {pattern} in {}", folder.display())
}

fn app(workshop: &Workshop, name: &str, endpoint: &str) -> Result<PathBuf> {
    let folder = workshop.bench(name)?;
    let script = fs::read_to_string(own("app.js"))?.replace("http://127.0.0.1:8080", endpoint);
    fs::write(folder.join("app.js"), script)?;
    Ok(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_declarations_say_what_can_be_called() -> Test {
    let _turn = TURN.lock().await;
    let workshop = Workshop::get()?;
    let folder = workshop.bench("types")?;
    fs::copy(own("usage.ts"), folder.join("usage.ts"))?;
    let options = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUnusedLocals",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--lib",
        "es2022,dom,dom.iterable,dom.asynciterable",
    ];
    workshop.tool("tsc", options.iter().chain(&["usage.ts"]), &folder)?;
    fs::copy(own("usage.tsx"), folder.join("usage.tsx"))?;
    workshop.tool("tsc", options.iter().chain(&["--jsx", "react-jsx", "usage.tsx"]), &folder)?;
    // Mistakes are noticed.
    fs::write(
        folder.join("wrong.ts"),
        "import { Uploader } from \"partway\";\nnew Uploader({ endpoint: 7 });\n",
    )?;
    let wrong = workshop.tool("tsc", options.iter().chain(&["wrong.ts"]), &folder);
    let said = wrong.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(said.contains("TS2322"), "tsc accepts what is wrong: {said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_and_the_engine_agree() -> Test {
    let _turn = TURN.lock().await;
    let workshop = Workshop::get()?;
    let folder = workshop.bench("contract")?;
    copy_all(&workspace().join("web/js"), &folder)?;
    for declarations in ["partway_web.d.ts", "partway_web_download.d.ts"] {
        fs::copy(built().join(declarations), folder.join(declarations))
            .with_context(|| format!("copying {declarations}"))?;
    }
    fs::copy(own("contract.ts"), folder.join("contract.ts"))?;
    let options = ["--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
    let lib = ["--lib", "es2022,dom,dom.iterable,dom.asynciterable", "--skipLibCheck"];
    let options: Vec<_> = options.iter().chain(&lib).copied().collect();
    let strict = ["--strict", "--exactOptionalPropertyTypes", "contract.ts"];
    workshop.tool("tsc", options.iter().chain(&strict), &folder)?;
    // Each command and each event, by its name and with what belongs to it.
    let scripts = [
        "--allowJs",
        "--checkJs",
        "host.js",
        "engine.js",
        "worker.js",
        "uploader.js",
        "download-worker.js",
        "download.js",
    ];
    workshop.tool("tsc", options.iter().chain(&scripts), &folder)?;
    // Mistakes are noticed.
    for (right, wrong) in
        [("\"takeUp\"", "\"take_up\""), ("refused: (", "denied: ("), ("{ ids, error }", "{ ids, fault }")]
    {
        let script = fs::read_to_string(workspace().join("web/js/uploader.js"))?;
        ensure!(script.contains(right), "uploader.js has no {right}");
        fs::write(folder.join("uploader.js"), script.replace(right, wrong))?;
        let checked = workshop.tool("tsc", options.iter().chain(&scripts), &folder);
        ensure!(checked.is_err(), "tsc accepts {wrong} for {right}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_holds_what_it_names() -> Test {
    let _turn = TURN.lock().await;
    let workshop = Workshop::get()?;
    let package = workshop.bench("unpacked")?;
    let strip = ["--strip-components=1".as_ref(), "-xzf".as_ref(), workshop.archive.as_os_str()];
    run("tar", strip, &package)?;
    let read = |name: &str| -> Result<Value> {
        let text = fs::read_to_string(package.join(name)).with_context(|| format!("reading {name}"))?;
        serde_json::from_str(&text).with_context(|| format!("parsing {name}"))
    };
    let manifest = read("package.json")?;
    ensure!(manifest["version"] == env!("CARGO_PKG_VERSION"), "{manifest}");
    let mut named: Vec<&str> =
        manifest["sideEffects"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for target in manifest["exports"].as_object().context("no exports")?.values() {
        named.extend(target.as_str());
        named.extend(
            target
                .as_object()
                .into_iter()
                .flat_map(|conditions| conditions.values())
                .filter_map(Value::as_str),
        );
    }
    ensure!(named.len() >= 10, "only {named:?}");
    named.extend(["README.md", "LICENSE-MIT", "LICENSE-APACHE"]);
    for name in named {
        let (folder, pattern) = name.rsplit_once('/').unwrap_or((".", name));
        file_like(&package.join(folder), pattern)?;
    }
    ensure!(!package.join("index.html").exists(), "the demo page is in the package");

    let elements = read("custom-elements.json")?;
    for (module, name) in ["partway-uploader", "partway-files"].iter().enumerate() {
        let element = &elements["modules"][module]["declarations"][0];
        ensure!(element["tagName"] == *name, "{element}");
        for list in ["attributes", "members", "events", "cssParts", "cssProperties"] {
            let count = element[list].as_array().map_or(0, Vec::len);
            ensure!(count >= 2, "only {count} {list}: {element}");
        }
    }
    let slots = elements["modules"][0]["declarations"][0]["slots"].as_array().map_or(0, Vec::len);
    ensure!(slots >= 2, "only {slots} slots: {elements}");
    Ok(())
}

/// Where the build has left what is not in the package.
fn built() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../widget")
}

/// The most that a page loads, in bytes after brotli. On the main thread is what a page waits for before anybody
/// chooses a file.
const LIMITS: [(&str, u64); 7] = [
    ("index.js on the main thread", 30_000),
    ("element.js on the main thread", 30_000),
    ("files.js on the main thread", 30_000),
    ("index.js with its engine", 154_000),
    ("element.js with its engine", 172_000),
    ("download.js on the main thread", 8_000),
    ("download.js with its engine", 145_000),
];

#[test]
fn what_a_page_loads_keeps_to_its_limit() -> Test {
    let table = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../widget/sizes.txt");
    let table = fs::read_to_string(&table).with_context(|| format!("reading {}", table.display()))?;
    for (what, limit) in LIMITS {
        let row =
            table.lines().find_map(|line| line.strip_prefix(what)).with_context(|| format!("no {what}"))?;
        let size: u64 = row.split_whitespace().next_back().context("an empty row")?.parse()?;
        ensure!(size <= limit, "{what} is {size} bytes, and not {limit} or less\n{table}");
    }
    Ok(())
}
