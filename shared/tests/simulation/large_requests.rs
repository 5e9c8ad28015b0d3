//! Stories of requests that are too large, for the server or for a proxy before it.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::transfer::FileId;
use partway_shared::upload::{InFlight, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

/// A server that takes so many at once.
fn world(most: usize, is_proxy: bool, checksum: ChecksumKind) -> World {
    let faults = Faults::none();
    let backend = Backend { most, is_proxy, ..Backend::new(tiny(), checksum, faults.url_life) };
    World::new(7, settings(), backend, faults)
}

fn files(world: &mut World, count: usize) -> Vec<FileId> {
    (0..count).map(|n| world.add(&format!("photo-{n}"), 30)).collect()
}

fn count(world: &World, what: &str) -> usize {
    world.trace.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn they_are_cut_in_two_and_sent_again_down_to_one_file() {
    for is_proxy in [false, true] {
        for most in [1, 3, 40] {
            let mut world = world(most, is_proxy, ChecksumKind::Crc64Nvme);
            let files = files(&mut world, 100);
            world.run();
            for id in files {
                let status = world.uploader.status(id, world.now).unwrap();
                assert_eq!(status.state, State::Completed, "{:?}", status.error);
            }
            assert_eq!(world.backend.uploads.len(), 100, "each is created once");
            let refused = count(&world, "status: 413");
            assert!(refused <= 7 + 7, "{refused} requests were too large: what passes is remembered");
        }
    }
}

#[test]
fn one_file_that_is_too_much_fails_alone() {
    let mut world = world(0, true, ChecksumKind::Crc64Nvme);
    let files = files(&mut world, 10);
    world.run();
    for id in files {
        let status = world.uploader.status(id, world.now).unwrap();
        assert_eq!((status.state, status.error.unwrap().status), (State::Failed, Some(413)));
    }
}

#[test]
fn signatures_are_asked_for_in_smaller_windows() {
    let mut world = world(3, false, ChecksumKind::None);
    let id = world.add("film", 4_000);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let refused = count(&world, "status: 413");
    assert!((1..=6).contains(&refused), "{refused} requests were too large");
}

#[test]
fn what_was_cancelled_or_paused_meanwhile_is_not_asked_for_again() {
    let mut world = world(3, true, ChecksumKind::Crc64Nvme);
    let files = files(&mut world, 8);
    world.run_while(|world| count(world, "Create(") == 0);
    world.uploader.cancel(files[0]);
    world.uploader.pause(files[7], InFlight::Abandon);
    world.run_while(|world| world.state(files[6]) != State::Completed);
    assert_eq!((world.state(files[0]), world.state(files[7])), (State::Cancelled, State::Paused));
    world.now = world.now + Duration::from_secs(1);
    world.uploader.resume(files[7]);
    world.run();
    assert_eq!(world.state(files[7]), State::Completed);
    assert_eq!(world.backend.uploads.len(), 7);
}
