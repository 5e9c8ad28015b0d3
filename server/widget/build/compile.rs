//! Compiles the crates of `web/` to wasm with a cargo of its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";

/// Where the inner cargo builds: `widget` inside the target folder, shared by
/// all profiles of the server. The outer cargo holds the lock of its own
/// folder while this runs, so the two must not be the same.
pub(crate) fn target_folder(out: &Path) -> PathBuf {
    // `out` is `<target>/<profile>/build/<package>/…`, however deep it goes on from there.
    let build = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"));
    let target = build.and_then(Path::parent).and_then(Path::parent);
    target.unwrap_or(out).join(if target.is_some() { "widget" } else { "widget-target" })
}

/// Builds the modules of some crates, and returns their paths.
pub(crate) fn compile(workspace: &Path, target: &Path, crates: &[&str]) -> Result<Vec<PathBuf>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    require_wasm_target(Path::new(&rustc))?;

    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    forget_the_outer_build(&mut command);
    let status = command
        .current_dir(workspace)
        .args(["build", "--lib", "--locked"])
        .args(crates.iter().flat_map(|name| ["--package", name]))
        .args(["--profile", "widget", "--target", TARGET])
        .arg("--target-dir")
        .arg(target)
        .env("RUSTC", &rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(workspace, Path::new(&rustc))?)
        // Standard output belongs to the outer cargo; what the inner one says
        // on the other stream is shown if the build fails.
        .stdout(Stdio::null())
        .status()
        .context("starting cargo for the widget")?;
    ensure!(
        status.success(),
        "the widget ({}) does not build for {TARGET}; cargo's messages follow",
        crates.join(", ")
    );

    let built = target.join(TARGET).join("widget");
    Ok(crates.iter().map(|name| built.join(format!("{}.wasm", name.replace('-', "_")))).collect())
}

fn require_wasm_target(rustc: &Path) -> Result<()> {
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("asking rustc for its targets")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !Path::new(folder.trim()).is_dir() {
        bail!(
            "the widget needs Rust's wasm target, which is not installed: run `rustup target add {TARGET}`"
        );
    }
    Ok(())
}

/// Drops what the outer cargo, clippy or a compiler cache has put into the
/// environment for the host: its flags and wrappers would break the wasm
/// build, or rebuild it each time another of them runs.
fn forget_the_outer_build(command: &mut Command) {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        // The job server: both cargos together start no more jobs than one.
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    const DROPPED: [&str; 11] = [
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "RUSTDOC",
        "CLIPPY_ARGS",
        "CLIPPY_CONF_DIR",
        "TARGET",
        "PROFILE",
        "OPT_LEVEL",
        "LD_LIBRARY_PATH",
    ];
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let cargos = text.starts_with("CARGO_") && !KEPT.iter().any(|kept| text.starts_with(kept));
        if cargos || DROPPED.contains(&text) {
            command.env_remove(&name);
        }
    }
}

/// What the module may use of wasm: what Rust does by default, but for what Debian 12's wasm-opt (108) cannot read.
/// The linker writes the list into the module, where wasm-bindgen and wasm-opt find it.
const FEATURES: &str = "bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext";

fn rustflags(workspace: &Path, rustc: &Path) -> Result<String> {
    // The standard library comes compiled with more than that, and uses none of it.
    let mut flags = ["-Ctarget-feature=-reference-types,-multivalue", "-Clink-arg=--no-check-features"]
        .map(str::to_owned)
        .to_vec();
    flags.push(format!("-Clink-arg=--features={FEATURES}"));
    // Messages of panics name source files. The machine that built them must not show in the module.
    let mut remap =
        |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    remap(workspace, "partway");
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    if let Some(home) = cargo_home {
        remap(&home, "cargo");
    }
    // Where its sources are installed, rustc names them instead of this.
    let sysroot = ask(rustc, &["--print", "sysroot"])?;
    let version = ask(rustc, &["--version", "--verbose"])?;
    if let Some(commit) = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")) {
        remap(&Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), &format!("/rustc/{commit}"));
    }
    // Cargo's own separator, so that a path may hold spaces.
    Ok(flags.join("\u{1f}"))
}

fn ask(rustc: &Path, what: &[&str]) -> Result<String> {
    let output = Command::new(rustc).args(what).output().context("starting rustc")?;
    ensure!(output.status.success(), "rustc does not know {what:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
