//! Packages of PyPI that benchmarks need, in exactly the versions of a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The folder of programs of an environment with the packages of a `requirements.txt`, such as `python`. It is made below `folder`,
/// unless it is there.
///
/// # Errors
/// When Python is not there, or a package cannot be had.
pub fn programs(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read(requirements).with_context(|| format!("reading {}", requirements.display()))?;
    let (venv, installed) = (folder.join("venv"), folder.join("venv/requirements.txt"));
    let programs = venv.join("bin");
    if fs::read(&installed).ok() == Some(wanted) {
        return Ok(programs);
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(programs.join("pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements))?;
    fs::copy(requirements, &installed).with_context(|| format!("writing {}", installed.display()))?;
    Ok(programs)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output();
    let output = output.with_context(|| format!("{command:?}: this needs python3 with venv"))?;
    ensure!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
