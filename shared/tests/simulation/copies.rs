//! Stories of copies: the store has the bytes already.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;
use partway_shared::upload::{InFlight, Settings, State};

use crate::backend::{Backend, End};
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world(faults: Faults, settings: Settings) -> World {
    let backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life);
    World::new(7, settings, backend, faults)
}

fn good() -> World {
    world(Faults::none(), settings())
}

fn count(world: &World, what: &str) -> usize {
    world.trace.iter().filter(|line| line.contains(what)).count()
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!(
        (status.state, status.uploaded),
        (State::Completed, status.size.unwrap()),
        "{:?}",
        status.error
    );
}

fn fails(world: &mut World, id: FileId) -> ErrorCode {
    world.run();
    world.uploader.status(id, world.now).unwrap().error.unwrap().code
}

#[test]
fn a_small_object_takes_one_call() {
    let mut world = good();
    let id = world.copy("a/b.txt", 40);
    assert_eq!(world.uploader.info(id).unwrap().name, "a/b.txt");
    completes(&mut world, id);
    assert_eq!(world.uploader.status(id, world.now).unwrap().size, Some(40));
    assert_eq!((count(&world, "Call {"), count(&world, " Copy {"), count(&world, "Hash")), (1, 0, 0));
}

#[test]
fn a_large_object_is_copied_part_by_part_and_nothing_is_hashed() {
    let mut world = good();
    let id = world.copy("film", 1_234);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().uploaded < 600);
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!((status.state, status.size), (State::Uploading, Some(1_234)));
    completes(&mut world, id);
    assert_eq!((count(&world, " Copy {"), count(&world, "Hash"), count(&world, " Put {")), (31, 0, 0));
    assert!(world.journal.is_empty(), "there is no file that could be chosen again");
    assert_eq!(world.peak, 6, "it begins with all connections");
}

#[test]
fn files_and_copies_share_the_connections_and_one_kind_of_checksum_each() {
    let mut world = good();
    let copy = world.copy("film", 400);
    let file = world.add("photo", 400);
    completes(&mut world, copy);
    completes(&mut world, file);
    let another = world.add("another", 30);
    completes(&mut world, another);
    assert_eq!(world.backend.creates, 2, "the copy did not unlearn how files are hashed");
    assert!(count(&world, "Hash") >= 11);
}

#[test]
fn a_copy_that_was_made_twice_is_one() {
    for size in [40, 400] {
        let mut world = world(Faults { answer_lost: 0.5, ..Faults::none() }, settings());
        let id = world.copy("film", size);
        completes(&mut world, id);
        assert_eq!(world.backend.uploads.len(), 1, "asked for by one name");
    }
}

#[test]
fn an_object_that_is_replaced_or_deleted_fails_with_that_reason() {
    for is_deleted in [false, true] {
        let mut world = good();
        let id = world.copy("film", 1_234);
        world.run_while(|world| world.uploader.status(id, world.now).unwrap().uploaded < 200);
        if is_deleted {
            world.backend.objects.clear();
            assert_eq!(fails(&mut world, id), ErrorCode::ObjectNotFound);
        } else {
            world.backend.objects.get_mut("film").unwrap().version += 1;
            assert_eq!(fails(&mut world, id), ErrorCode::ObjectChanged);
        }
        assert!(world.uploader.cancel(id), "what is stored of it is removed");
        world.run();
        assert!(world.backend.uploads.values().all(|upload| upload.end == Some(End::Aborted)));
    }
    let mut world = good();
    let id = world.copy("film", 1_234);
    world.backend.objects.clear();
    assert_eq!(fails(&mut world, id), ErrorCode::ObjectNotFound);
}

#[test]
fn what_is_cancelled_while_it_is_created_is_aborted_and_what_is_copied_stays() {
    for (size, state, end) in [(400, State::Cancelled, Some(End::Aborted)), (40, State::Completed, None)] {
        let mut world = good();
        let id = world.copy("film", size);
        world.run_while(|world| count(world, "Call {") == 0);
        assert!(world.uploader.cancel(id));
        assert_eq!(world.state(id), State::Cancelling);
        world.run();
        assert_eq!(world.state(id), state);
        let upload = world.backend.uploads.values().next().unwrap();
        assert!(end.is_none() || upload.end == end);
    }
    let mut world = good();
    let id = world.copy("film", 400);
    world.uploader.cancel(id);
    world.run();
    assert!(world.backend.uploads.is_empty());
}

#[test]
fn it_is_paused_and_goes_on_at_every_stage() {
    for at in [0, 30, 60, 200] {
        let mut world = good();
        let id = world.copy("film", 400);
        world.run_while(|world| world.now < Time::from_millis(at));
        assert!(world.uploader.pause(id, InFlight::Abandon));
        world.run_while(|world| world.now < Time::from_millis(60_000));
        assert_eq!(world.state(id), State::Paused, "at {at}");
        assert!(world.uploader.resume(id));
        completes(&mut world, id);
        assert_eq!(world.backend.uploads.len(), 1);
    }
}

#[test]
fn a_store_that_copies_slowly_is_waited_for() {
    let mut world = world(Faults { store_takes: Duration::from_secs(100), ..Faults::none() }, settings());
    let id = world.copy("film", 100);
    completes(&mut world, id);
    assert_eq!(count(&world, " Copy {"), 3, "nothing moves for as long as it takes");
}

#[test]
fn a_cap_on_what_is_sent_does_not_slow_the_store_down() {
    let capped = Settings { max_bytes_per_second: Some(1), ..settings() };
    let mut world = world(Faults::none(), capped);
    let id = world.copy("film", 400);
    completes(&mut world, id);
    assert!(world.now < Time::from_millis(5_000), "{:?}", world.now);
}

#[test]
fn many_are_open_only_as_many_as_files_would_be() {
    let mut world = world(Faults::none(), Settings { open_files: 3, ..settings() });
    let ids: Vec<_> = (0..20).map(|n| world.copy(&format!("film-{n}"), 400)).collect();
    for _ in 0..200 {
        let until = world.now + Duration::from_millis(10);
        world.run_while(|world| world.now < until);
        assert!(world.backend.uploads.values().filter(|upload| upload.end.is_none()).count() <= 3);
    }
    for id in ids {
        completes(&mut world, id);
    }
}
