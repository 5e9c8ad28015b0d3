//! Two replicas behind nginx, as `server/deploy/nginx.conf` sets it up. Each is killed while uploads are under way,
//! and nobody notices.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use crate::stores::{Process, free_port, run_process, wait_until};
use crate::support::*;

/// The binary of the same build, which `just test-stores` makes first: it is another crate's.
fn binary() -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("partway");
    assert!(binary.is_file(), "{} is not there: `just test-stores` builds it", binary.display());
    binary
}

struct Replica {
    port: u16,
    process: Option<Process>,
    log: std::path::PathBuf,
    env: Vec<(String, String)>,
}

impl Replica {
    async fn start(app: &TestApp, folder: &Path) -> Self {
        let secret = app.secret_access_key();
        let secret = secrecy::ExposeSecret::expose_secret(&secret).to_owned();
        let port = free_port();
        let env = [
            ("PARTWAY_SERVER__LISTEN", format!("127.0.0.1:{port}")),
            ("PARTWAY_SERVER__TOKEN_SECRET", TOKEN_SECRET.to_owned()),
            ("PARTWAY_STORE__BUCKET", BUCKET.to_owned()),
            ("PARTWAY_STORE__REGION", "us-east-1".to_owned()),
            ("PARTWAY_STORE__ENDPOINT", app.store_origin.clone()),
            ("PARTWAY_STORE__ACCESS_KEY_ID", partway_server::embedded_secrets::ACCESS_KEY_ID.to_owned()),
            ("PARTWAY_STORE__SECRET_ACCESS_KEY", secret),
            ("PARTWAY_UPLOADS__SINGLE_PUT_MAX", "64 B".to_owned()),
            ("PARTWAY_UPLOADS__PART_SIZE", "5 MiB".to_owned()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let log = folder.join(format!("{port}.log"));
        let mut replica = Self { port, process: None, log, env };
        replica.revive().await;
        replica
    }

    async fn revive(&mut self) {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_")) {
            command.env_remove(name);
        }
        command.current_dir(self.log.parent().unwrap()).envs(self.env.iter().cloned());
        self.process = Some(Process::start(&mut command, &self.log));
        wait_until(&format!("http://127.0.0.1:{}/readyz", self.port), &self.log, |status| status == 200)
            .await;
    }

    /// As a crash would.
    fn kill(&mut self) {
        self.process = None;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_takes_nothing_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = TestApp::start().await;
    let (mut one, mut two) =
        (Replica::start(&app, folder.path()).await, Replica::start(&app, folder.path()).await);
    let port = free_port();
    let site = include_str!("../../../deploy/nginx.conf")
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", one.port))
        .replace("127.0.0.1:8090", &format!("127.0.0.1:{}", two.port))
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"))
        .replace("/var/log/nginx", &folder.path().display().to_string());
    let root = folder.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {root}/{name};"))
        .concat();
    // One process, which ends with its test; a worker would outlive its master.
    let config = format!(
        "daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/nginx.log; events {{}}\n\
         http {{ {temporary}\n{site} }}"
    );
    std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-c").arg(folder.path().join("nginx.conf"));
    let log = folder.path().join("nginx.out");
    run_process(Command::new("nginx").arg("-t").arg("-c").arg(folder.path().join("nginx.conf")));
    let _nginx = Process::start(&mut nginx, &log);
    app.url = format!("http://127.0.0.1:{port}");
    wait_until(&format!("{}/healthz", app.url), &log, |status| status == 200).await;

    let file = async |n: usize| app.begin(&format!("{n}.mp4"), PART + n).await.finish().await;
    let all_is_over = Cell::new(false);
    let uploads = async {
        let mut n = 0;
        while !all_is_over.get() {
            let pair = tokio::join!(file(n + 1), file(n + 2));
            assert_eq!((pair.0.size, pair.1.size), ((PART + n + 1) as u64, (PART + n + 2) as u64));
            n += 2;
        }
        n
    };
    let kills = async {
        for _ in 0..3 {
            // Begun with one of them, and carried on by whoever is left.
            let begun = app.begin("long.mp4", 3 * PART).await;
            begun.send([1]).await;
            one.kill();
            begun.send([2]).await;
            one.revive().await;
            two.kill();
            begun.finish().await;
            two.revive().await;
        }
        all_is_over.set(true);
    };
    let (uploaded, ()) = tokio::join!(uploads, kills);
    assert!(uploaded > 2, "{uploaded} files came while six replicas died");

    // What a client puts where it does not belong is in no log.
    let token = app.begin("a.bin", 10).await.token();
    app.get(&format!("/v1/uploads/{token}/parts?token={token}")).await.refused(ErrorCode::NotFound);
    let logged = std::fs::read_to_string(folder.path().join("partway.log")).unwrap();
    assert!(
        logged.contains(" POST /v1/uploads/sign 200 ") && logged.contains(" GET (other) 404 "),
        "{logged}"
    );
    assert!(token.split('.').all(|part| !logged.contains(part)));
}
