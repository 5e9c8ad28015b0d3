//! Whatever goes wrong, a download ends, and what ended as done is the object.

use std::time::Duration;

use fastrand::Rng;
use partway_shared::checksum::ChecksumKind;
use partway_shared::download::{Sink, State};
use partway_shared::error::ErrorCode;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

const RUNS: u64 = 12_000;

/// Builds a run from nothing but its seed, and runs it to its end.
fn run(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let faults = Faults::random(&mut rng);
    let mut world = World::new(seed, settings(), faults);
    world.store.hosts = rng.usize(1..4);
    world.store.ignores_ranges = rng.u8(..6) == 0;
    let mut keys = Vec::new();
    for n in 0..rng.u64(1..5) {
        let size = [0, 1, 39, 40, 41, 400, 1_234][rng.usize(..7)];
        let part_size = [1, 40, 64, 500][rng.usize(..4)];
        let knows =
            [Knows::Crc64Nvme, Knows::Crc64Nvme, Knows::Md5, Knows::PartMd5s(part_size), Knows::Nothing];
        let knows = knows[rng.usize(..5)];
        // Hosts go by the length of the key.
        let key = format!("object-{n}{}", "x".repeat(rng.usize(..3)));
        world.store.put(&key, size, knows, seed.wrapping_add(n));
        let sink = match rng.u8(..3) {
            0 => Sink::Ordered { window_bytes: [1, 33, 160, 4_000][rng.usize(..4)] },
            _ => Sink::Random,
        };
        world.add(&key, sink);
        keys.push((key, size, knows));
    }
    let files: Vec<_> = world.downloader.files().collect();
    if rng.u8(..4) == 0 {
        world.outage(Duration::from_millis(rng.u64(..5_000)), Duration::from_secs(rng.u64(..60)));
    }
    if rng.u8(..6) == 0 {
        let at = rng.u64(..3_000);
        world.run_while(|world| world.now < Time::from_millis(at));
        world.downloader.cancel(files[0]);
    }
    if rng.u8(..6) == 0 {
        let at = rng.u64(..3_000);
        world.run_while(|world| world.now < Time::from_millis(at));
        let (key, size, knows) = &keys[rng.usize(..keys.len())];
        let size = if rng.bool() { *size } else { [0, 1, 40, 300][rng.usize(..4)] };
        world.store.put(key, size, *knows, !seed);
    }
    if rng.u8(..3) == 0 {
        let (from, to) = (rng.u64(..3_000), rng.u64(3_000..60_000));
        let file = files[rng.usize(..files.len())];
        world.run_while(|world| world.now < Time::from_millis(from));
        world.downloader.pause(file);
        world.run_while(|world| world.now < Time::from_millis(to));
        world.downloader.resume(file);
    }
    if rng.u8(..8) == 0 {
        let until = world.now + Duration::from_millis(rng.u64(..2_000));
        world.run_while(|world| world.now < until);
        world.sleep(Duration::from_secs(rng.u64(..3_600)));
    }
    if rng.u8(..4) == 0 {
        for life in 0..rng.u64(1..4) {
            let until = world.now + Duration::from_millis(rng.u64(..4_000));
            world.run_while(|world| world.now < until);
            world.crash(seed + life);
        }
    }
    world.run();
    for id in world.downloader.files().collect::<Vec<_>>() {
        check(&world, id);
    }
    // Whatever failed is retried once, on a line that has become good.
    world.faults = Faults { url_life: world.faults.url_life, ..Faults::none() };
    let retried: Vec<_> = world.downloader.files().collect();
    let retried: Vec<_> = retried.into_iter().filter(|&id| world.downloader.retry(id)).collect();
    world.run();
    for id in retried {
        check(&world, id);
        let status = world.status(id);
        // What came before may be of an object that was replaced, or altered on the way.
        let reason = status.error.map(|error| error.code);
        let is_stale = matches!(reason, Some(ErrorCode::ObjectChanged | ErrorCode::DownloadCorrupt));
        assert!(status.state == State::Completed || is_stale, "{:?} on a good line", status.error);
        if is_stale && world.downloader.retry(id) {
            world.run();
            check(&world, id);
            assert_eq!(world.state(id), State::Completed);
        }
    }
    world
}

fn check(world: &World, id: FileId) {
    let status = world.status(id);
    match status.state {
        State::Completed => {
            let result = status.result.expect("a completed download has its result");
            let object = status.object.expect("it was looked at");
            let bytes = world.sinks[&id].bytes();
            assert_eq!(bytes.len() as u64, object.size);
            assert_eq!(status.downloaded, object.size);
            if result.verified != ChecksumKind::None || !world.was_altered {
                assert_eq!(bytes, world.store.bytes[&object.etag], "these are not the object's bytes");
            }
            if object.checksum.is_some() {
                assert_eq!(result.verified, ChecksumKind::Crc64Nvme);
            }
            assert!(!world.journal.contains_key(&id), "nothing is left to go on with");
        }
        State::Failed => {
            let error = status.error.expect("a failed download has its reason");
            assert!(error.code != ErrorCode::DownloadCorrupt || world.was_altered, "{error}");
        }
        State::Cancelled => assert!(status.error.is_none()),
        other => panic!("{other:?} is no end"),
    }
}

#[test]
fn every_run_ends_well() {
    let (mut ends, mut corrupt, mut changed, mut verified) = ([0_u32; 3], 0, 0, [0_u32; 3]);
    for seed in 0..RUNS {
        let outcome = std::panic::catch_unwind(|| {
            let world = run(seed);
            let files: Vec<_> = world.downloader.files().collect();
            let of = |&id: &FileId| {
                let status = world.status(id);
                (status.state, status.error.map(|error| error.code), status.result)
            };
            files.iter().map(of).collect::<Vec<_>>()
        });
        let Ok(files) = outcome else { panic!("the run with seed {seed} went wrong, see above") };
        for (state, error, result) in files {
            match state {
                State::Completed => ends[0] += 1,
                State::Cancelled => ends[1] += 1,
                _ => ends[2] += 1,
            }
            corrupt += u32::from(error == Some(ErrorCode::DownloadCorrupt));
            changed += u32::from(error == Some(ErrorCode::ObjectChanged));
            match result.map(|result| result.verified) {
                Some(ChecksumKind::Crc64Nvme) => verified[0] += 1,
                Some(ChecksumKind::Md5) => verified[1] += 1,
                Some(ChecksumKind::None) => verified[2] += 1,
                None => {}
            }
        }
    }
    // Each way to end was reached, or the faults are not what they seem.
    assert!(ends.iter().all(|&count| count > 20), "{ends:?}");
    assert!(corrupt > 5 && changed > 5, "{corrupt} {changed}");
    assert!(verified.iter().all(|&count| count > 100), "{verified:?}");
}

#[test]
fn same_seed_same_run() {
    for seed in [1, 2, 3, 77] {
        assert_eq!(run(seed).trace, run(seed).trace);
    }
    assert_ne!(run(1).trace, run(2).trace);
}
