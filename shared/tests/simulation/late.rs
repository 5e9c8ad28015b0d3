//! Stories of what takes longer than anybody expected, and is not dead.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::part::PartNumber;
use partway_shared::transfer::FileId;
use partway_shared::upload::{InFlight, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world(faults: Faults) -> World {
    let backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life);
    World::new(7, settings(), backend, faults)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn count(world: &World, what: &str) -> usize {
    world.trace.iter().filter(|line| line.contains(what)).count()
}

/// How often each part was sent.
fn sent(world: &World) -> usize {
    count(world, " Put {")
}

/// How often each part arrived, at most.
fn most_puts(world: &World) -> u32 {
    world.backend.uploads.values().flat_map(|upload| upload.puts.values()).copied().max().unwrap()
}

fn arrives(world: &mut World, id: FileId) {
    world.run();
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
}

#[test]
fn what_was_stored_without_an_answer_is_asked_for_and_not_sent_again() {
    for size in [30, 400] {
        let mut world = world(Faults { answer_takes: seconds(3_600), ..Faults::none() });
        world.backend.keeps_existing = true;
        let id = world.add("film", size);
        arrives(&mut world, id);
        assert_eq!(sent(&world) as u64, size.div_ceil(40), "each part is sent once");
        assert!(count(&world, "List(") > 0);
    }
}

#[test]
fn a_store_that_takes_its_time_is_waited_for_longer_at_each_try() {
    let mut world = world(Faults { store_takes: seconds(200), ..Faults::none() });
    let id = world.add("film", 400);
    arrives(&mut world, id);
    assert!(sent(&world) <= 10 * 3, "{} PUTs for 10 parts: 60, 120 and 240 s are enough", sent(&world));
}

#[test]
fn what_shows_no_progress_is_waited_for_longer_at_each_try() {
    // A part takes 150 s.
    let mut world = world(Faults { unseen: true, bytes_per_second: 40, ..Faults::none() });
    world.faults.latency = seconds(75);
    let id = world.add("film", 400);
    arrives(&mut world, id);
    assert!(sent(&world) <= 10 * 3, "{} PUTs for 10 parts", sent(&world));
}

#[test]
fn a_form_that_shows_no_progress_is_asked_for_before_it_is_sent_again() {
    let mut world = world(Faults { answer_takes: seconds(3_600), ..Faults::none() });
    world.backend.gives_forms = true;
    world.backend.keeps_existing = true;
    let id = world.add("photo", 30);
    arrives(&mut world, id);
    assert_eq!(sent(&world), 1);
}

#[test]
fn a_part_whose_connection_broke_after_its_last_byte_is_asked_for() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < 2);
    world.faults.answer_lost = 1.0;
    world.run_while(|world| count(world, "Err(NoAnswer)") < 3);
    world.faults.answer_lost = 0.0;
    arrives(&mut world, id);
    assert_eq!(most_puts(&world), 1, "nothing is stored twice");
}

#[test]
fn what_the_store_has_otherwise_is_sent_again() {
    for altered in [0, 1] {
        let mut world = world(Faults::none());
        let id = world.add("film", 400);
        world.run_while(|world| world.peak == 0);
        world.faults.answer_lost = 1.0;
        world.run_while(|world| count(world, "List(") == 0);
        world.faults.answer_lost = 0.0;
        for part in world.backend.uploads.values_mut().flat_map(|upload| upload.parts.values_mut()) {
            match altered {
                0 => part.size = 7,
                _ => part.checksum = None,
            }
        }
        arrives(&mut world, id);
        assert_eq!(most_puts(&world), 2);
    }
}

#[test]
fn a_pause_after_the_last_byte_does_not_send_it_again() {
    let mut world = world(Faults { answer_takes: seconds(20), ..Faults::none() });
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().uploaded < 120);
    world.run_while(|world| world.backend.uploads.values().next().unwrap().parts.len() < 3);
    world.uploader.pause(id, InFlight::Abandon);
    world.faults.answer_takes = Duration::ZERO;
    world.uploader.resume(id);
    arrives(&mut world, id);
    let upload = world.backend.uploads.values().next().unwrap();
    assert_eq!(upload.puts[&PartNumber::FIRST], 1);
}

#[test]
fn a_server_that_takes_its_time_is_waited_for_longer_at_each_try() {
    let mut world = world(Faults { server_takes: seconds(100), ..Faults::none() });
    let (large, small) = (world.add("film", 400), world.add("photo", 30));
    arrives(&mut world, large);
    assert_eq!(world.state(small), State::Completed);
    assert!(world.backend.creates <= 3, "{} requests to create: 30, 60 and 120 s", world.backend.creates);
}

#[test]
fn what_never_answers_ends_all_the_same() {
    let mut world = world(Faults { store_takes: seconds(360_000), ..Faults::none() });
    let id = world.add("photo", 30);
    world.run();
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::Stalled);
    assert!(error.retryable());
}

/// Each try of the user's is a fresh one: attempts, waits, refusals and missing parts count from the beginning.
#[test]
fn retrying_forgets_what_was_tried_before() {
    let mut world = world(Faults { store_takes: seconds(360_000), ..Faults::none() });
    let id = world.add("photo", 30);
    world.run();
    assert_eq!(world.state(id), State::Failed);
    let waits = |world: &World, from: usize| {
        let puts = world.trace[from..].iter().filter(|line| line.contains(" Put {"));
        let at: Vec<u64> = puts.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        (at.len(), at[1] - at[0])
    };
    let before = world.trace.len();
    let (tries, first_wait) = waits(&world, 0);
    assert!(world.uploader.retry(id));
    world.run();
    let (tries_again, first_wait_again) = waits(&world, before);
    assert_eq!(tries, tries_again, "as many attempts");
    assert!(first_wait.abs_diff(first_wait_again) < 5_000, "{first_wait} ms, then {first_wait_again} ms");

    // A store that goes on losing what it has acknowledged.
    let mut world = self::world(Faults { part_lost: 1.0, ..Faults::none() });
    let id = world.add("film", 400);
    let mut lists = Vec::new();
    for _ in 0..2 {
        let before = count(&world, "List(");
        world.run();
        assert_eq!(world.state(id), State::Failed);
        lists.push(count(&world, "List(") - before);
        world.uploader.retry(id);
    }
    assert_eq!(lists[0], lists[1], "the store is asked as often what it lacks");
}
