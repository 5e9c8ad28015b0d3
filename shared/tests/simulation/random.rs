//! Whatever goes wrong, every upload ends in one of its three ways.

use std::time::Duration;

use fastrand::Rng;
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::plan::{PartSizes, PlanLimits};
use partway_shared::time::Time;
use partway_shared::upload::{InFlight, Settings, State};

use crate::backend::{Backend, End};
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

const RUNS: u64 = 10_000;

/// Builds a run from nothing but its seed, and runs it to its end.
fn run(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let faults = Faults::random(&mut rng);
    let kinds = [ChecksumKind::Crc64Nvme, ChecksumKind::Crc64Nvme, ChecksumKind::Md5, ChecksumKind::None];
    let checksum = kinds[rng.usize(..kinds.len())];
    // Sometimes the server cuts otherwise than the client expects.
    let plan = if rng.u8(..4) == 0 { PlanLimits { part_size: 64, ..tiny() } } else { tiny() };
    let mut backend = Backend::new(plan, checksum, faults.url_life);
    backend.hosts = rng.u32(1..4);
    backend.lists_checksums = rng.u8(..4) > 0;
    backend.gives_forms = rng.bool();
    backend.refuses_forms = rng.u8(..4) == 0;
    backend.may_recut = rng.bool();
    backend.part_sizes = if rng.u8(..4) == 0 { PartSizes::Equal } else { PartSizes::Any };
    // Some lines are so fast that parts grow.
    let faults = if rng.bool() { Faults { bytes_per_second: 100_000, ..faults } } else { faults };
    let settings = Settings { stream_window: [40, 100, 1_000][rng.usize(..3)], ..settings() };
    let mut world = World::new(seed, settings, backend, faults);
    let mut files: Vec<_> = (0..rng.u32(1..6))
        .map(|n| {
            let size = [0, 1, 39, 40, 41, 400, 1_234][rng.usize(..7)];
            world.add(&format!("file-{n}"), size)
        })
        .collect();
    for n in 0..rng.u32(..3) {
        let total = [0, 1, 19, 20, 21, 40, 41, 80, 81, 400, 1_234][rng.usize(..11)];
        files.push(world.add_stream(&format!("stream-{n}"), total));
    }
    for n in 0..rng.u32(..3) {
        let size = [0, 40, 41, 400, 1_234][rng.usize(..5)];
        files.push(world.copy(&format!("object-{n}"), size));
    }
    let replaced_at = (rng.u8(..8) == 0).then(|| Time::from_millis(rng.u64(..3_000)));
    if rng.u8(..4) == 0 {
        world.outage(Duration::from_millis(rng.u64(..5_000)), Duration::from_secs(rng.u64(..60)));
    }
    if rng.u8(..8) == 0 {
        world.changes.insert(files[0], Time::from_millis(rng.u64(..3_000)));
    }
    let cancel_at = (rng.u8(..6) == 0).then(|| Time::from_millis(rng.u64(..3_000)));
    if let Some(at) = cancel_at {
        world.run_while(|world| world.now < at);
        world.uploader.cancel(files[0]);
    }
    if rng.u8(..4) == 0 {
        let (from, to) = (rng.u64(..3_000), rng.u64(3_000..60_000));
        let in_flight = if rng.bool() { InFlight::Finish } else { InFlight::Abandon };
        let file = files[rng.usize(..files.len())];
        world.run_while(|world| world.now < Time::from_millis(from));
        world.uploader.pause(file, in_flight);
        world.run_while(|world| world.now < Time::from_millis(to));
        world.uploader.resume(file);
    }
    if let Some(at) = replaced_at {
        world.run_while(|world| world.now < at);
        for object in world.backend.objects.values_mut() {
            object.version += 1;
        }
    }
    if rng.u8(..6) == 0 && world.changes.is_empty() {
        for life in 0..rng.u64(1..4) {
            let until = world.now + Duration::from_millis(rng.u64(..4_000));
            world.run_while(|world| world.now < until);
            world.crash(seed + life);
        }
        files = world.uploader.files().collect();
    }
    world.run();
    // Whoever failed is retried once, on a line that has become good.
    world.faults = Faults { url_life: world.faults.url_life, ..Faults::none() };
    let mut lost = Vec::new();
    for &id in &files {
        let is_failed = world.state(id) == State::Failed;
        if !world.uploader.retry(id) && is_failed {
            assert!(world.streams.contains_key(&id), "a file can be read again");
            lost.push(id);
        }
    }
    world.run();
    for &id in files.iter().filter(|id| !lost.contains(id)) {
        check(&world, id, checksum);
    }
    for (id, stream) in &world.streams {
        let most = world.settings.stream_window.max(80);
        assert!(stream.most_kept <= most, "{id:?} kept {} bytes of a stream", stream.most_kept);
    }
    world
}

fn check(world: &World, id: partway_shared::transfer::FileId, checksum: ChecksumKind) {
    let status = world.uploader.status(id, world.now).unwrap();
    match status.state {
        State::Completed => {
            let result = status.result.expect("a completed upload has its result");
            let upload = &world.backend.uploads[&result.key];
            assert_eq!(upload.end, Some(End::Completed(result.clone())));
            assert_eq!(Some(status.uploaded), status.size, "every byte was acknowledged");
            assert_eq!(upload.parts.values().map(|part| part.size).sum::<u64>(), status.uploaded, "once");
            let is_hashed = checksum == ChecksumKind::Crc64Nvme && upload.source.is_none();
            assert_eq!(result.checksum.is_some(), is_hashed, "copies are compared by the server");
        }
        State::Failed => {
            let error = status.error.expect("a failed upload has its reason");
            let is_replaced = error.code == ErrorCode::ObjectChanged
                && world.backend.objects.values().any(|object| object.version > 0);
            let hopeless = world.changes.contains_key(&id) || is_replaced;
            assert!(hopeless, "{error} on a good line");
        }
        State::Cancelled => assert!(status.error.is_none()),
        other => panic!("{other:?} is no end"),
    }
}

#[test]
fn every_run_ends_well() {
    let mut ends = [0_u32; 3];
    for seed in 0..RUNS {
        let outcome = std::panic::catch_unwind(|| {
            let world = run(seed);
            world.uploader.files().map(|id| world.state(id)).collect::<Vec<_>>()
        });
        let Ok(states) = outcome else { panic!("the run with seed {seed} went wrong, see above") };
        for state in states {
            match state {
                State::Completed => ends[0] += 1,
                State::Cancelled => ends[1] += 1,
                _ => ends[2] += 1,
            }
        }
    }
    // All three ends were reached, or the faults are not what they seem.
    assert!(ends.iter().all(|&count| count > 100), "{ends:?}");
}

#[test]
fn same_seed_same_run() {
    for seed in [1, 2, 3, 77] {
        assert_eq!(run(seed).trace, run(seed).trace);
    }
    assert_ne!(run(1).trace, run(2).trace);
}
