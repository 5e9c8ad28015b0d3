//! A shell with the command, the store's credentials, and folders of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use partway_s3::attributes::Attributes;
use partway_server::embedded_secrets::ACCESS_KEY_ID;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::server::Server;

pub(crate) struct Shell {
    pub(crate) server: Server,
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Returns what it printed, if it ended well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Checks how it failed.
    pub(crate) fn failed(self, code: i32, said: &str) {
        assert!(self.code == code && self.err.contains(said), "{code} {said}: {self:?}");
    }
}

impl Shell {
    pub(crate) async fn start() -> Self {
        Self::of(Server::start().await)
    }

    pub(crate) fn of(server: Server) -> Self {
        Self { server, folder: tempfile::tempdir().unwrap() }
    }

    /// Stores empty objects.
    pub(crate) async fn put(&self, keys: impl IntoIterator<Item = impl AsRef<str>>) {
        for key in keys {
            self.server.store().put_empty(key.as_ref(), &Attributes::default()).await.unwrap();
        }
    }

    /// Returns all keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        let listed = self.partway(&["ls", "-r", "--json", "s3://uploads"]).ok();
        let key = |line: &str| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["key"].as_str().unwrap().to_owned()
        };
        listed.lines().map(key).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn partway(&self, args: &[&str]) -> Ended {
        self.partway_with(args, &[])
    }

    /// Runs the command with some variables set otherwise; an empty one is not set at all.
    pub(crate) fn partway_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_partway"));
        for (name, value) in variables {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        Ended::of(command.args(args).output().unwrap())
    }

    /// Runs a line in a shell, where `partway` is the command.
    pub(crate) fn sh(&self, line: &str) -> Ended {
        let binary = Path::new(env!("CARGO_BIN_EXE_partway"));
        let path = std::env::join_paths(
            std::iter::once(binary.parent().unwrap().to_owned())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        Ended::of(self.command("sh").env("PATH", path.unwrap()).arg("-c").arg(line).output().unwrap())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_") || name.starts_with("AWS_"))
        {
            command.env_remove(name);
        }
        command
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("PARTWAY_ENDPOINT", &self.server.url)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", &self.server.store_origin)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", self.server.secret_access_key().expose_secret());
        command
    }
}
