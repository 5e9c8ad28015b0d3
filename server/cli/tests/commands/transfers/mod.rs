//! `cp`, `cat` and `uploads`: the binary against a server with its embedded store.

mod copying;
mod going_on;
mod refusals;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;

/// Anybody may do anything, and files keep their names.
pub(crate) const OPEN: &str = "[destinations.default]\nkey = \"{path}\"\noverwrite = true\n\
    [destinations.default.objects]\nallow = [\"get\", \"list\", \"delete\", \"copy\"]\nscope = \"\"\n";

/// A server, and a folder of somebody who uses it.
pub(crate) struct Desk {
    pub(crate) server: Server,
    folder: TempDir,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(Server::start_with(OPEN, |_| {}).await)
    }

    pub(crate) fn with(server: Server) -> Self {
        Self { server, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of so many bytes, which no other place of it repeats.
    pub(crate) fn file(&self, name: &str, size: usize) -> Vec<u8> {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes: Vec<u8> = (0..size.div_ceil(8) as u64)
            .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).to_le_bytes())
            .take(size)
            .collect();
        std::fs::File::create(path).unwrap().write_all(&bytes).unwrap();
        bytes
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// What is in a folder, hidden files too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_") || name.starts_with("AWS_"))
        {
            command.env_remove(name);
        }
        command.env("PARTWAY_ENDPOINT", &self.server.url).env("XDG_STATE_HOME", self.path("state"));
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command
    }

    pub(crate) fn partway(&self, args: &[&str]) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_partway")), args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::from(self.partway(args).output().unwrap())
    }

    /// Starts a command, and waits until something holds.
    pub(crate) fn start_until(&self, args: &[&str], holds: impl Fn() -> bool) -> Child {
        let mut command = self.partway(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while !holds() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{args:?} ended: {status} {:?}", Said::from(child.wait_with_output().unwrap()));
            }
            assert!(Instant::now() < deadline, "{args:?} has not come so far");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }

    /// The uploads that are recorded.
    pub(crate) fn uploads(&self) -> Vec<Value> {
        let listed = self.run(&["uploads", "--json"]);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        listed.json()
    }
}

/// What a command has printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The objects of its lines.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The event of this name.
    pub(crate) fn event(&self, name: &str) -> Value {
        let event = self.json().into_iter().find(|event| event["event"] == name);
        event.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
