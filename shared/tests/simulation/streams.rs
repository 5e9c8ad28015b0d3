//! Stories of streams, whose end nobody knows.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::plan::PartSizes;
use partway_shared::transfer::FileId;
use partway_shared::upload::{Settings, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world_of(checksum: ChecksumKind, faults: Faults) -> World {
    let backend = Backend::new(tiny(), checksum, faults.url_life);
    World::new(7, settings(), backend, faults)
}

fn world() -> World {
    world_of(ChecksumKind::Crc64Nvme, Faults::none())
}

fn count(world: &World, what: &str) -> usize {
    world.trace.iter().filter(|line| line.contains(what)).count()
}

fn completes(world: &mut World, id: FileId, size: u64) {
    world.run();
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!(
        (status.state, status.uploaded, status.size),
        (State::Completed, size, Some(size)),
        "{:?}",
        status.error
    );
    assert_eq!(status.result.unwrap().size, size);
}

#[test]
fn every_length_around_every_boundary_arrives() {
    for checksum in [ChecksumKind::Crc64Nvme, ChecksumKind::Md5, ChecksumKind::None] {
        for total in (0..=260).chain([479, 480, 481, 1_280]) {
            let mut world = world_of(checksum, Faults::none());
            let id = world.add_stream("pipe", total);
            completes(&mut world, id, total);
        }
    }
}

#[test]
fn a_stream_that_ends_in_its_first_part_is_a_file_like_any_other() {
    let mut world = world();
    let (empty, small) = (world.add_stream("empty", 0), world.add_stream("small", 19));
    completes(&mut world, empty, 0);
    completes(&mut world, small, 19);
    assert!(world.backend.uploads.values().all(|upload| !upload.plan.is_multipart()), "each is one PUT");
    assert_eq!(world.backend.creates, 1, "and both are created together");
}

#[test]
fn parts_grow_by_the_schedule_and_the_last_is_as_long_as_it_is() {
    let mut world = world();
    let id = world.add_stream("pipe", 400);
    completes(&mut world, id, 400);
    let upload = world.backend.uploads.values().next().unwrap();
    let sizes: Vec<_> = upload.parts.values().map(|part| part.size).collect();
    assert_eq!(sizes, [20, 20, 20, 20, 40, 40, 40, 40, 80, 80]);
    assert_eq!(upload.plan.size(), None, "the server was never told how long it would be");
}

#[test]
fn a_store_that_wants_equal_parts_gets_them() {
    let mut world = world();
    world.backend.part_sizes = PartSizes::Equal;
    let id = world.add_stream("pipe", 400);
    completes(&mut world, id, 400);
    let upload = world.backend.uploads.values().next().unwrap();
    let sizes: Vec<_> = upload.parts.values().map(|part| part.size).collect();
    assert_eq!(sizes, [60, 60, 60, 60, 60, 60, 40], "what was read by another plan is cut anew");
    assert!(count(&world, " Hash {") > 0);
}

#[test]
fn no_more_is_kept_than_the_window_however_slow_the_line() {
    for window in [20, 50, 200] {
        let backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, Faults::none().url_life);
        let settings = Settings { stream_window: window, ..settings() };
        let faults = Faults { bytes_per_second: 50, ..Faults::none() };
        let mut world = World::new(7, settings, backend, faults);
        let id = world.add_stream("pipe", 1_000);
        completes(&mut world, id, 1_000);
        let most = world.streams[&id].most_kept;
        assert!(most <= window.max(80), "{most} bytes were kept of a window of {window}");
    }
}

#[test]
fn what_the_store_has_lost_of_a_stream_is_lost() {
    let mut world = world();
    let id = world.add_stream("pipe", 400);
    world.run_while(|world| world.state(id) != State::Finishing);
    world.backend.uploads.values_mut().next().unwrap().parts.pop_first();
    world.run();
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!(status.error.unwrap().code, ErrorCode::PartMissing);
    assert!(!world.uploader.retry(id), "its bytes were let go");
    assert!(world.uploader.cancel(id));
    world.run();
    assert!(world.backend.uploads.values().all(|upload| upload.parts.is_empty()), "nothing is left of it");
}

#[test]
fn a_stream_is_paused_and_goes_on() {
    let mut world = world();
    let id = world.add_stream("pipe", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().uploaded < 100);
    world.uploader.pause(id, Default::default());
    world.run_while(|_| true);
    assert_eq!(world.state(id), State::Paused);
    world.uploader.resume(id);
    completes(&mut world, id, 400);
}

#[test]
fn nothing_is_kept_of_a_stream_for_after_a_crash() {
    let mut world = world();
    world.add_stream("pipe", 400);
    world.run_while(|world| world.peak == 0);
    assert!(world.journal.is_empty(), "nobody can read it again");
}
