//! Stories of consumers that take one byte after the other. The sink fails a run in which more is held than the window, or a byte
//! is given out twice.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::download::{Sink, State};
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

fn film(size: usize, knows: Knows, window_bytes: u64, faults: Faults) -> (World, FileId) {
    let mut world = World::new(7, settings(), faults);
    world.store.put("film", size, knows, 1);
    let id = world.add("film", Sink::Ordered { window_bytes });
    (world, id)
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.status(id);
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    assert_eq!(world.sinks[&id].bytes(), world.store.bytes[&status.object.unwrap().etag]);
}

#[test]
fn ranges_come_in_parallel_within_the_window() {
    let (mut world, id) = film(4_000, Knows::Crc64Nvme, 160, Faults::none());
    completes(&mut world, id);
    assert!(world.peak >= 4, "{}", world.peak);
    assert_eq!(world.received, 4_000);
}

#[test]
fn what_is_small_and_fits_is_one_request() {
    for (size, window, gets) in [(40, 160, 1), (40, 40, 1), (40, 20, 8), (41, 160, 2)] {
        let (mut world, id) = film(size, Knows::Crc64Nvme, window, Faults::none());
        completes(&mut world, id);
        assert_eq!(world.gets.len(), gets, "{size} bytes in a window of {window}");
    }
}

#[test]
fn a_slow_consumer_is_waited_for() {
    let faults = Faults {
        taken_at_once: 7,
        taking: Duration::from_secs(5),
        bytes_per_second: 100_000,
        ..Faults::none()
    };
    let (mut world, id) = film(1_000, Knows::Crc64Nvme, 160, faults);
    completes(&mut world, id);
    assert!(world.now > Time::from_millis(700_000));
    assert_eq!(world.received, 1_000, "nothing was lost meanwhile");
    let gets = world.gets.len();
    assert!(gets <= 40, "{gets} requests: the window is asked for in steps, however little is taken at once");
}

#[test]
fn a_part_may_be_larger_than_the_window() {
    let (mut world, id) = film(1_234, Knows::PartMd5s(500), 100, Faults::none());
    completes(&mut world, id);
    assert_eq!(world.status(id).result.unwrap().verified, ChecksumKind::Md5);
}

#[test]
fn any_window_will_do() {
    for window in [0, 1, 2, 3, 7, 1_000_000] {
        for knows in [Knows::Crc64Nvme, Knows::PartMd5s(64), Knows::Md5, Knows::Nothing] {
            let (mut world, id) = film(100, knows, window.max(1), Faults::none());
            completes(&mut world, id);
        }
    }
}

#[test]
fn what_stands_still_at_the_head_of_the_window_is_asked_for_a_second_time() {
    let (mut world, id) = film(1_234, Knows::Crc64Nvme, 160, Faults::none());
    world.stuck.insert(0, 1);
    completes(&mut world, id);
    assert!(world.now < Time::from_millis(9_000), "the watchdog would have taken 30 s: {:?}", world.now);
    let second = world.gets.iter().filter_map(|(_, range)| *range).find(|range| range.start == 4);
    assert_eq!(second, Some(ByteRange { start: 4, end: 40 }));
}

#[test]
fn a_stream_that_has_no_room_is_not_dead() {
    let faults = Faults {
        taken_at_once: 10,
        taking: Duration::from_secs(100),
        bytes_per_second: 100_000,
        ..Faults::none()
    };
    let (mut world, id) = film(400, Knows::Crc64Nvme, 30, faults);
    world.store.ignores_ranges = true;
    completes(&mut world, id);
    assert_eq!(world.received, 400, "it was read to its end by one request");
}

#[test]
fn it_is_saved_when_the_consumer_has_all() {
    let faults = Faults { taking: Duration::from_secs(50), ..Faults::none() };
    let (mut world, id) = film(100, Knows::Crc64Nvme, 160, faults);
    world.run_while(|world| world.received < 100);
    assert!(world.now < Time::from_millis(50_000));
    assert_eq!(world.state(id), State::Downloading);
    completes(&mut world, id);
}
