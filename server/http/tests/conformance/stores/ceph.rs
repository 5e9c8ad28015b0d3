//! Ceph's RADOS Gateway with a monitor and one storage daemon in memory, from Debian's packages.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{OTHER_BUCKET, Process, Site, free_port, run_process, wait_until};
use crate::support::BUCKET;

const FSID: &str = "2f7b6a5e-3c1d-4b8a-9e0f-6a5b4c3d2e1f";
const OSD: &str = "5e2f7b6a-3c1d-4b8a-9e0f-6a5b4c3d2e10";
const KEY_ID: &str = "PARTWAYTESTS";
const SECRET: &str = "nobody else needs to know";

pub(crate) struct Ceph {
    pub(crate) site: Site,
    // They end in this order: the gateway first.
    _gateway: Process,
    _osd: Process,
    _monitor: Process,
    _folder: TempDir,
}

impl Ceph {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (port, monitor_port) = (free_port(), free_port());
        for name in ["mon", "osd", "rgw", "run"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        std::fs::write(root.join("keyring"), "").unwrap();
        std::fs::write(root.join("ceph.conf"), config(root, port, monitor_port)).unwrap();
        let ceph = |program: &str, args: &[&str]| {
            let mut command = Command::new(program);
            command.current_dir(root).arg("-c").arg(root.join("ceph.conf")).args(args);
            command
        };
        let log = |name: &str| root.join(name).with_extension("out");

        let monitor_at = format!("[v2:127.0.0.1:{monitor_port}/0]");
        let mut map = Command::new("monmaptool");
        map.current_dir(root).args(["--create", "--addv", "a", &monitor_at, "--fsid", FSID, "monmap"]);
        run_process(&mut map);
        run_process(&mut ceph("ceph-mon", &["-i", "a", "--mkfs", "--monmap", "monmap"]));
        let monitor = Process::start(&mut ceph("ceph-mon", &["-i", "a", "-f"]), &log("monitor"));
        run_process(&mut ceph("ceph", &["--connect-timeout", "60", "osd", "new", OSD]));
        run_process(&mut ceph("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", OSD]));
        let osd = Process::start(&mut ceph("ceph-osd", &["-i", "0", "-f"]), &log("storage"));
        let user = ["-n", "client.rgw", "user", "create", "--uid", "partway", "--display-name", "Partway"];
        run_process(&mut ceph(
            "radosgw-admin",
            &[&user[..], &["--access-key", KEY_ID, "--secret", SECRET]].concat(),
        ));
        let gateway = Process::start(&mut ceph("radosgw", &["-n", "client.rgw", "-f"]), &log("gateway"));
        let endpoint = format!("http://127.0.0.1:{port}");
        wait_until(&endpoint, &log("gateway"), |status| status == 200).await;

        let site = Site { endpoint, access_key_id: KEY_ID.to_owned(), secret_access_key: SECRET.to_owned() };
        // Buckets are its users' to make.
        let app = site
            .server_with(|settings| settings.uploads.checksum = crate::support::ChecksumSetting::Md5)
            .await;
        for bucket in [BUCKET, OTHER_BUCKET] {
            app.store.create_bucket().bucket(bucket).send().await.unwrap();
        }
        Self { site, _gateway: gateway, _osd: osd, _monitor: monitor, _folder: folder }
    }
}

fn config(root: &Path, port: u16, monitor_port: u16) -> String {
    let root = root.display();
    format!(
        "[global]
fsid = {FSID}
mon host = [v2:127.0.0.1:{monitor_port}/0]
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
ms client mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail crit = 1
osd crush chooseleaf type = 0
run dir = {root}/run
admin socket = {root}/run/$name.asok
log file = {root}/run/$name.log
pid file = {root}/run/$name.pid
keyring = {root}/keyring
[mon]
mon data = {root}/mon
[osd]
osd data = {root}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw data = {root}/rgw
rgw thread pool size = 32
"
    )
}
