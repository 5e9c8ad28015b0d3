//! Stories of parts that grow while a file is on its way.

use std::collections::BTreeSet;

use partway_shared::checksum::ChecksumKind;
use partway_shared::limits::{GIB, MIB};
use partway_shared::plan::PlanLimits;
use partway_shared::transfer::FileId;
use partway_shared::upload::{Settings, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;

fn fast() -> Faults {
    Faults { bytes_per_second: 100 * MIB, ..Faults::none() }
}

fn world(checksum: ChecksumKind, faults: Faults, settings: Settings) -> World {
    let mut backend = Backend::new(PlanLimits::default(), checksum, faults.url_life);
    backend.may_recut = true;
    World::new(7, settings, backend, faults)
}

fn sizes(world: &World) -> Vec<u64> {
    let upload = world.backend.uploads.values().next().unwrap();
    upload.parts.values().map(|part| part.size / MIB).collect()
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.uploader.status(id, world.now).unwrap();
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    assert_eq!(Some(status.uploaded), status.size);
}

#[test]
fn the_first_file_on_a_fast_line_has_larger_parts_from_the_middle_on() {
    for checksum in [ChecksumKind::Crc64Nvme, ChecksumKind::Md5, ChecksumKind::None] {
        let mut world = world(checksum, fast(), Settings::default());
        let id = world.add("film", 4 * GIB);
        completes(&mut world, id);
        let sizes = sizes(&world);
        assert_eq!(sizes.first(), Some(&16), "nothing was known yet");
        assert_eq!(sizes.iter().max(), Some(&64));
        assert_eq!(sizes[sizes.len() - 6..], [16; 6], "all connections end together");
        assert!(sizes.len() < 100, "{}", sizes.len());
    }
}

#[test]
fn a_slow_line_keeps_its_parts() {
    let faults = Faults { bytes_per_second: 300_000, ..Faults::none() };
    let mut world = world(ChecksumKind::Crc64Nvme, faults, Settings::default());
    let id = world.add("film", GIB);
    completes(&mut world, id);
    assert_eq!(BTreeSet::from_iter(sizes(&world)), BTreeSet::from([16]));
}

#[test]
fn where_the_size_was_asked_for_or_the_store_wants_equal_parts_all_stays() {
    let asked = Settings { part_size: Some(20 * MIB), ..Settings::default() };
    let mut given = world(ChecksumKind::Crc64Nvme, fast(), asked);
    let id = given.add("film", 2_000 * MIB);
    completes(&mut given, id);
    assert_eq!(BTreeSet::from_iter(sizes(&given)), BTreeSet::from([20]));
    let mut equal = world(ChecksumKind::Crc64Nvme, fast(), Settings::default());
    equal.backend.may_recut = false;
    let id = equal.add("film", 2_000 * MIB);
    completes(&mut equal, id);
    assert_eq!(BTreeSet::from_iter(sizes(&equal)), BTreeSet::from([16]));
}

#[test]
fn a_page_that_dies_goes_on_by_the_plan_of_the_token_that_it_has() {
    for stored in [1, 5, 9, 20, 30, 40] {
        let mut world = world(ChecksumKind::Crc64Nvme, fast(), Settings::default());
        world.add("film", 4 * GIB);
        let stored_parts = |world: &World| {
            world
                .uploader
                .files()
                .map(|id| world.uploader.status(id, world.now).unwrap().parts_stored)
                .sum::<u32>()
        };
        world.run_while(|world| stored_parts(world) < stored);
        world.crash(stored.into());
        let id = world.uploader.files().next().unwrap();
        completes(&mut world, id);
        let puts: u32 = world.backend.uploads.values().next().unwrap().puts.values().sum();
        assert!(puts < 140, "{puts} parts were sent");
    }
}

#[test]
fn answers_that_are_lost_change_nothing() {
    for seed in 0..50 {
        let faults = Faults { answer_lost: 0.2, request_lost: 0.1, ..fast() };
        let mut backend = Backend::new(PlanLimits::default(), ChecksumKind::Crc64Nvme, faults.url_life);
        backend.may_recut = true;
        let mut world = World::new(seed, Settings::default(), backend, faults);
        let id = world.add("film", 2 * GIB);
        completes(&mut world, id);
        let upload = world.backend.uploads.values().last().unwrap();
        assert!(upload.recut.len() <= 3, "asked twice is asked once");
    }
}
