//! A folder in which things are made of the npm package: its archive is installed there beside
//! everything that users build with, in the versions of the lock file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use partway_tests::binary;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Where the examples and the README look for the server.
const ENDPOINT: &str = "http://127.0.0.1:8080";

/// A workshop that is set up.
#[derive(Debug)]
pub(crate) struct Workshop {
    folder: PathBuf,
    /// The package as npm packs it.
    pub(crate) archive: PathBuf,
}

impl Workshop {
    /// The one workshop, set up by whoever comes first.
    pub(crate) fn get() -> Result<&'static Self> {
        static WORKSHOP: OnceLock<Result<Workshop, String>> = OnceLock::new();
        let workshop = WORKSHOP.get_or_init(|| Self::set_up().map_err(|error| format!("{error:#}")));
        workshop.as_ref().map_err(|error| anyhow!("{error}"))
    }

    fn set_up() -> Result<Self> {
        // What it is packed from was built together with the binary, which must not be an old one.
        binary::find()?;
        let archive = run("node", [workspace().join("web/npm/build.js")], &workspace())?;
        let archive = PathBuf::from(archive.trim());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
        fs::create_dir_all(&folder)?;
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/package");
        let (manifest, lock) = ("package.json", "package-lock.json");
        let is_installed = fs::read(own.join(lock)).ok() == fs::read(folder.join("installed.json")).ok();
        if !is_installed {
            for name in [manifest, lock] {
                fs::copy(own.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
            }
            npm(["ci", "--ignore-scripts"], &folder)?;
        }
        // As a user installs it, but for the registry.
        let package = folder.join("node_modules/partway");
        if package.exists() {
            fs::remove_dir_all(&package)?;
        }
        fs::create_dir_all(&package)?;
        let strip = ["--strip-components=1".as_ref(), "-xzf".as_ref(), archive.as_os_str()];
        run("tar", strip, &package)?;
        fs::copy(own.join(lock), folder.join("installed.json"))?;
        Ok(Self { folder, archive })
    }

    /// An empty folder in the workshop.
    pub(crate) fn bench(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Copies the files of a folder to a bench of its name, with the address of the server put in.
    pub(crate) fn copy(&self, from: &Path, name: &str, endpoint: &str) -> Result<PathBuf> {
        let bench = self.bench(name)?;
        for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
            let path = entry?.path();
            let name = path.file_name().context("a file without a name")?;
            fs::write(bench.join(name), fs::read_to_string(&path)?.replace(ENDPOINT, endpoint))?;
        }
        Ok(bench)
    }

    /// Runs a program that is installed here.
    pub(crate) fn tool<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
        folder: &Path,
    ) -> Result<String> {
        run(self.program(name), arguments, folder)
    }

    /// Where such a program is.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("node_modules/.bin").join(name)
    }
}

/// Runs npm without what it says besides.
pub(crate) fn npm<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, folder: &Path) -> Result<String> {
    let quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
    run("npm", arguments.chain(quiet.map(Into::into)), folder)
}

/// What a program prints; its failure, with all that it said, is an error.
pub(crate) fn run<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    folder: &Path,
) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(folder).output();
    let output =
        output.with_context(|| format!("starting {command:?}; `./just install node` gets node and npm"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A web server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    _process: Child,
    pub(crate) url: String,
}

impl Site {
    /// Serves a folder.
    pub(crate) async fn serve(folder: &Path) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/package/serve.js");
        let mut command = tokio::process::Command::new("node");
        command.arg(script).arg(folder);
        Self::start(command, "http://").await
    }

    /// Starts a program that says in a line where it serves.
    pub(crate) async fn start(mut command: tokio::process::Command, before: &str) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let mut lines = BufReader::new(process.stdout.take().context("a process has no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some((_, rest)) = line.split_once(before) {
                let address = rest.split('/').next().unwrap_or_default();
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { _process: process, url: format!("http://{address}") });
            }
        }
        Err(anyhow!("{command:?} ended before it served anything"))
    }
}

/// The repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
