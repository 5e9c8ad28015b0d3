//! What outlives the process, a crash and a full disk, and how much memory a large body takes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::*;

const CHILD_DIR: &str = "STORE_TEST_CHILD_DIR";

/// A store in a process of its own: this test binary, running `child_process` only.
struct Process {
    child: Child,
    addr: SocketAddr,
}

impl Process {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::child_process", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines.find_map(|line| {
            line.unwrap().split_once("listening on ").map(|(_, addr)| addr.parse().unwrap())
        });
        Self { child, addr: addr.expect("the child's address") }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
#[ignore = "is what the other tests here start as a process of its own"]
fn child_process() {
    let dir = std::env::var_os(CHILD_DIR).expect("started by another test");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Store::open(options(Path::new(&dir))).unwrap().serve(listener).unwrap();
    println!("\nlistening on {}", server.local_addr());
    // Until the parent kills it, or ends.
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let store = TestStore::start();
    store.put("a", b"hello").await;
    let id = store.create("b").await;
    let part = store.part("b", &id, 1, b"part").await;
    let store = store.restart().await;
    assert_eq!(store.get("a").await, b"hello");
    let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("b").upload_id(&id);
    complete.multipart_upload(completed([part])).send().await.unwrap();
    assert_eq!(store.get("b").await, b"part");
    store.settles_at(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_folder_is_locked_while_it_is_open() {
    let store = TestStore::start();
    let error = Store::open(options(store.dir.path())).unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    let store = store.restart().await;
    assert!(store.keys().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_record_names_are_swept() {
    let mut store = TestStore::start();
    store.put("a", b"hello").await;
    store.server.take().unwrap().shutdown().await;
    for name in
        ["00/00000000000000000000000000000001", "ff/ff000000000000000000000000000001", "a0/not a name"]
    {
        std::fs::write(store.dir.path().join("contents").join(name), b"orphan").unwrap();
    }
    assert_eq!(content_files(store.dir.path()), 4);
    let store = TestStore::on(store.dir, |_| {});
    assert_eq!(content_files(store.dir.path()), 1);
    assert_eq!(store.get("a").await, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_and_goes_on() {
    let store = TestStore::with(|options| options.max_bytes = Some(3 * MIB as u64));
    store.put("a", &noise(2 * MIB, 1)).await;
    let full = ("InsufficientStorage".to_owned(), 507);
    let put = || store.client.put_object().bucket(BUCKET).key("b").body(noise(2 * MIB, 2).into());
    assert_eq!(put().send().await.refused(), full);
    let id = store.create("c").await;
    let part = store.client.upload_part().bucket(BUCKET).key("c").upload_id(&id).part_number(1);
    assert_eq!(part.body(noise(2 * MIB, 2).into()).send().await.refused(), full);
    assert_eq!(store.keys().await, ["a"]);
    store.settles_at(1).await;
    // A copy takes no room, and what is deleted gives it back.
    store
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source(format!("{BUCKET}/a"))
        .send()
        .await
        .unwrap();
    assert_eq!(put().send().await.refused(), full);
    for key in ["a", "copy"] {
        store.client.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    put().send().await.unwrap();
    assert!(store.get("b").await == noise(2 * MIB, 2));
    // What is there is counted when the store is opened again.
    let mut store = store;
    store.server.take().unwrap().shutdown().await;
    let store = TestStore::on(store.dir, |options| {
        options.max_bytes = Some(3 * MIB as u64);
    });
    let more = store.client.put_object().bucket(BUCKET).key("d").body(noise(2 * MIB, 2).into()).send().await;
    assert_eq!(more.refused(), full);
}

/// Run it with `cargo test --test store_durability -- --ignored a_full_disk`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a tmpfs, which needs root"]
async fn a_full_disk_refuses_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mount =
        |args: &[&str]| Command::new(args[0]).args(&args[1..]).arg(dir.path()).status().unwrap().success();
    assert!(mount(&["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs"]), "a tmpfs cannot be mounted here");
    let options = options(&dir.path().join("data"));
    let folder = options.data_dir.clone();
    let server =
        Store::open(options.clone()).unwrap().serve(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let client = client(server.local_addr(), SECRET);
    let put =
        |key: &str, len: usize| client.put_object().bucket(BUCKET).key(key).body(noise(len, 1).into()).send();
    put("a", 4 * MIB).await.unwrap();
    assert_eq!(put("b", 32 * MIB).await.refused(), ("InsufficientStorage".to_owned(), 507));
    put("c", 4 * MIB).await.unwrap();
    // The index cannot grow either once something else has taken the last byte.
    let filler = dir.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    let mut stored = Vec::new();
    let refused = loop {
        let key = format!("{:05}-{}", stored.len(), "k".repeat(900));
        match put(&key, 0).await {
            Ok(_) => stored.push((key, 0)),
            refused => break refused.refused(),
        }
    };
    assert_eq!(refused, ("InsufficientStorage".to_owned(), 507));
    assert_eq!(put("b", 100).await.refused().1, 507);
    assert!(client.get_object().bucket(BUCKET).key("a").send().await.is_ok());
    std::fs::remove_file(&filler).unwrap();
    for n in 0..20 {
        let key = format!("more-{n}");
        put(&key, 100).await.unwrap();
        stored.push((key, 100));
    }
    for (key, size) in &stored {
        let got = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert!(got.body.collect().await.unwrap().to_vec() == noise(*size, 1));
    }
    server.shutdown().await;
    assert_eq!(content_files(&folder), 2 + 20);
    let server = Store::open(options).unwrap().serve(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let client = crate::support::client(server.local_addr(), SECRET);
    for (key, size) in &stored {
        let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(head.content_length, Some(*size as i64));
    }
    server.shutdown().await;
    assert!(mount(&["umount"]));
}

/// What clients of a process that is killed were told, by key: seed and length of each object, and
/// of each part.
#[derive(Default)]
struct Told {
    objects: BTreeMap<String, (u64, usize)>,
    parts: BTreeMap<(String, String, i32), (u64, usize)>,
}

async fn upload_until_it_dies(addr: SocketAddr, worker: u64, round: u64, told: Arc<Mutex<Told>>) {
    let client = client(addr, SECRET);
    for n in 0_u64.. {
        let seed = round << 40 | worker << 32 | n;
        let len = (seed.wrapping_mul(7919) % 300_000) as usize;
        let key = format!("{round}-{worker}-{n}");
        if n % 3 == 2 {
            let Ok(created) = client.create_multipart_upload().bucket(BUCKET).key(&key).send().await else {
                return;
            };
            let id = created.upload_id.unwrap();
            let sizes = [5 * MIB, len];
            let mut parts = Vec::new();
            for (number, size) in (1..).zip(sizes) {
                let part = client.upload_part().bucket(BUCKET).key(&key).upload_id(&id).part_number(number);
                let Ok(sent) = part.body(noise(size, seed).into()).send().await else {
                    return;
                };
                told.lock().unwrap().parts.insert((key.clone(), id.clone(), number), (seed, size));
                parts.push(
                    aws_sdk_s3::types::CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(sent.e_tag)
                        .build(),
                );
            }
            let complete = client.complete_multipart_upload().bucket(BUCKET).key(&key).upload_id(&id);
            // From here on the parts may be gone, told or not.
            told.lock().unwrap().parts.retain(|(_, known, _), _| *known != id);
            if complete.multipart_upload(completed(parts)).send().await.is_err() {
                return;
            }
            told.lock().unwrap().objects.insert(key, (seed, 5 * MIB + len));
        } else {
            let put = client.put_object().bucket(BUCKET).key(&key).metadata("seed", seed.to_string());
            if put.body(noise(len, seed).into()).send().await.is_err() {
                return;
            }
            told.lock().unwrap().objects.insert(key, (seed, len));
        }
    }
}

fn expected(seed: u64, len: usize) -> Vec<u8> {
    if len >= 5 * MIB {
        [noise(5 * MIB, seed), noise(len - 5 * MIB, seed)].concat()
    } else {
        noise(len, seed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_it_acknowledged_and_shows_nothing_partial() {
    let mut dir = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Told::default()));
    for round in 0..6 {
        let path = dir.path().to_owned();
        let process = tokio::task::spawn_blocking(move || Process::start(&path)).await.unwrap();
        let workers = (0..4)
            .map(|worker| tokio::spawn(upload_until_it_dies(process.addr, worker, round, Arc::clone(&told))));
        let workers: Vec<_> = workers.collect();
        tokio::time::sleep(Duration::from_millis(150 + round * 83)).await;
        process.kill();
        for worker in workers {
            worker.await.unwrap();
        }

        let mut store = TestStore::on(dir, |_| {});
        let (objects, parts) = {
            let told = told.lock().unwrap();
            (told.objects.clone(), told.parts.clone())
        };
        for (key, (seed, len)) in &objects {
            assert!(store.get(key).await == expected(*seed, *len), "{key}");
        }
        // Whatever else is listed was not acknowledged in time, and is whole all the same.
        let mut files = 0;
        for key in store.keys().await {
            let (bytes, numbers) = (store.get(&key).await, key.split('-').map(|n| n.parse::<u64>().unwrap()));
            let numbers: Vec<u64> = numbers.collect();
            assert!(
                bytes == expected(numbers[0] << 40 | numbers[1] << 32 | numbers[2], bytes.len()),
                "{key}"
            );
            files += if bytes.len() > 5 * MIB { 2 } else { usize::from(!bytes.is_empty()) };
        }
        let uploads = store.client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
        let mut there = BTreeMap::new();
        for upload in uploads.uploads() {
            let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
            let listed =
                store.client.list_parts().bucket(BUCKET).key(key).upload_id(id).send().await.unwrap();
            for part in listed.parts() {
                let (size, number) = (part.size.unwrap() as usize, part.part_number.unwrap());
                files += usize::from(size > 0);
                there.insert((key.to_owned(), id.to_owned(), number), size);
            }
        }
        for (part, (_, size)) in &parts {
            assert_eq!(there.get(part), Some(size), "{part:?}");
        }
        assert_eq!(content_files(store.dir.path()), files, "round {round}: content files");
        assert!(!objects.is_empty());
        store.server.take().unwrap().shutdown().await;
        dir = store.dir;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_one_gibibyte_fits_into_little_memory() {
    const LEN: usize = 1 << 30;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let process = tokio::task::spawn_blocking(move || Process::start(&path)).await.unwrap();
    let client = client(process.addr, SECRET);
    let id =
        client.create_multipart_upload().bucket(BUCKET).key("a").send().await.unwrap().upload_id.unwrap();
    let part = client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
    let put = part.presigned(presigned()).await.unwrap().uri().to_owned();
    let get =
        client.get_object().bucket(BUCKET).key("a").presigned(presigned()).await.unwrap().uri().to_owned();
    let addr = process.addr;
    let etag = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        let path = target(&put);
        write!(
            stream,
            "PUT {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {LEN}\r\n\r\n"
        )
        .unwrap();
        let piece = noise(MIB, 1);
        (0..LEN / MIB).for_each(|_| stream.write_all(&piece).unwrap());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned()
    });
    let part = aws_sdk_s3::types::CompletedPart::builder().part_number(1).e_tag(etag.await.unwrap()).build();
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    complete.multipart_upload(completed([part])).send().await.unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        write!(stream, "GET {} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n", target(&get)).unwrap();
        let (mut buffer, mut read) = (vec![0; MIB], 0);
        loop {
            match stream.read(&mut buffer).unwrap() {
                0 => break read,
                n => read += n,
            }
        }
    });
    assert!(read.await.unwrap() > LEN);
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    let kib: u64 = peak.trim_end_matches(" kB").parse().unwrap();
    println!("peak memory: {} MiB", kib >> 10);
    process.kill();
    assert!(kib < 64 << 10, "{peak}");
}
