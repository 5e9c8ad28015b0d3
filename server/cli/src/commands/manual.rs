//! `partway completions` and `partway man`: what shells and readers want to know of the command line.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands [default: partway(1) goes to standard output]
    folder: Option<PathBuf>,
}

pub(crate) const COMPLETIONS_HELP: &str = "\
    partway completions bash > ~/.local/share/bash-completion/completions/partway
    partway completions fish > ~/.config/fish/completions/partway.fish
    partway completions zsh > \"${fpath[1]}/_partway\"

Exit codes: 0 done; 2 it could not be written.";

pub(crate) const MAN_HELP: &str = "\
    partway man ~/.local/share/man/man1

Exit codes: 0 done; 2 it could not be written.";

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "partway", &mut script);
    print(&script)
}

pub(crate) fn man(args: ManArgs, command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    match args.folder {
        Some(folder) => {
            std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(command, &folder))
                .map_err(|error| format!("the pages cannot be written to {}: {error}", folder.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&page)
        }
    }
}

fn print(text: &[u8]) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
