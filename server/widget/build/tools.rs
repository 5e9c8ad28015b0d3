//! The programs that the build starts besides cargo. Both are required: a build without one of them would give other
//! files than a build with it.

use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

const ESBUILD: Tool = Tool { name: "esbuild", package: "esbuild", oldest: [0, 17] };
const WASM_OPT: Tool = Tool { name: "wasm-opt", package: "binaryen", oldest: [108, 0] };

struct Tool {
    name: &'static str,
    /// What Debian, Ubuntu, Arch, Alpine, Homebrew and npm call it.
    package: &'static str,
    /// The oldest version that is known to do: Debian 12's. Major and minor.
    oldest: [u32; 2],
}

/// Fails if a program is missing or too old, and says how to get it.
pub(crate) fn check() -> Result<()> {
    ESBUILD.check()?;
    WASM_OPT.check()
}

/// Begins a call of esbuild.
pub(crate) fn esbuild() -> Command {
    Command::new(ESBUILD.name)
}

/// Begins a call of Binaryen's optimiser.
pub(crate) fn wasm_opt() -> Command {
    Command::new(WASM_OPT.name)
}

/// Runs a call to its end; what it prints to standard error is shown if the build fails.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("starting {name}"))?;
    ensure!(status.success(), "{name} refused {what}; its messages follow");
    Ok(())
}

impl Tool {
    fn check(&self) -> Result<()> {
        let Self { name, oldest: [major, minor], .. } = self;
        let output = match Command::new(name).arg("--version").output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!(
                    "{name} is not installed, and the widget cannot be built without it: {}",
                    self.advice()
                );
            }
            Err(error) => return Err(anyhow!(error).context(format!("starting {name}"))),
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let found = version(&said)
            .with_context(|| format!("`{name} --version` says {said:?}, which is no version"))?;
        ensure!(
            found >= self.oldest,
            "{name} is of version {}.{}, and the widget needs {major}.{minor} or later: {}",
            found[0],
            found[1],
            self.advice()
        );
        Ok(())
    }

    fn advice(&self) -> String {
        let package = self.package;
        format!(
            "run `./just install rust`, or install the package {package} (`apt-get install {package}` on Debian 12 or Ubuntu 24.04 \
             and later, `brew install {package}`, `pacman -S {package}`, `apk add {package}`, `npm install --global {package}`)"
        )
    }
}

/// Reads `0.17.0`, or `wasm-opt version 108`, or `wasm-opt version 123 (version_123)`.
fn version(said: &str) -> Option<[u32; 2]> {
    let number =
        said.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let mut parts = number.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next().flatten().unwrap_or(0)])
}
