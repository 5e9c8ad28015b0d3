//! Stories of what is compared at the end.

use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::download::{Sink, State};
use partway_shared::error::ErrorCode;
use partway_shared::transfer::FileId;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

const ORDERED: Sink = Sink::Ordered { window_bytes: 160 };

fn film(size: usize, knows: Knows, sink: Sink, faults: Faults) -> (World, FileId) {
    let mut world = World::new(7, settings(), faults);
    world.store.put("film", size, knows, 1);
    let id = world.add("film", sink);
    (world, id)
}

fn verified(world: &World, id: FileId) -> ChecksumKind {
    let status = world.status(id);
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    assert_eq!(world.sinks[&id].bytes(), world.store.bytes[&status.object.unwrap().etag]);
    status.result.unwrap().verified
}

fn saves(world: &World) -> usize {
    world.trace.iter().filter(|line| line.contains(" Save ")).count()
}

#[test]
fn the_best_check_that_there_is_is_made() {
    use ChecksumKind::{Crc64Nvme, Md5, None};
    for (size, knows, in_file, in_order) in [
        (1_234, Knows::Crc64Nvme, Crc64Nvme, Crc64Nvme),
        (1_234, Knows::PartMd5s(64), Md5, Md5),
        (1_234, Knows::Nothing, None, None),
        // In a file, one run is for what is not too large.
        (1_234, Knows::Md5, None, Md5),
        (400, Knows::Md5, Md5, Md5),
        (30, Knows::Md5, Md5, Md5),
        (0, Knows::Md5, Md5, Md5),
        (0, Knows::Crc64Nvme, Crc64Nvme, Crc64Nvme),
    ] {
        for (sink, expected) in [(Sink::Random, in_file), (ORDERED, in_order)] {
            let (mut world, id) = film(size, knows, sink, Faults::none());
            world.run();
            assert_eq!(verified(&world, id), expected, "{size} {knows:?} {sink:?}");
        }
    }
}

#[test]
fn the_checksum_of_all_bytes_is_told() {
    let (mut world, id) = film(1_234, Knows::Nothing, Sink::Random, Faults::none());
    world.run();
    let expected = Crc64Nvme::of(world.sinks[&id].bytes());
    assert_eq!(world.status(id).result.unwrap().checksum, Some(expected));
}

#[test]
fn a_bit_that_flips_is_noticed_and_a_retry_begins_anew() {
    for knows in [Knows::Crc64Nvme, Knows::Md5, Knows::PartMd5s(64)] {
        let (mut world, id) = film(400, knows, Sink::Random, Faults { altered: 1.0, ..Faults::none() });
        world.run();
        let error = world.status(id).error.unwrap();
        assert_eq!(error.code, ErrorCode::DownloadCorrupt, "{knows:?}");
        assert!(error.retryable());
        assert!(world.journal.is_empty(), "nothing of it is to be trusted");
        assert_eq!(saves(&world), 0, "what is not verified is not saved");
        world.faults.altered = 0.0;
        assert!(world.downloader.retry(id));
        world.run();
        assert_ne!(verified(&world, id), ChecksumKind::None);
        assert_eq!(world.store.looks, 2);
    }
}

#[test]
fn what_a_consumer_has_cannot_be_taken_back() {
    let (mut world, id) = film(400, Knows::Crc64Nvme, ORDERED, Faults { altered: 1.0, ..Faults::none() });
    world.run();
    assert_eq!(world.status(id).error.unwrap().code, ErrorCode::DownloadCorrupt);
    assert!(!world.downloader.retry(id));
    assert_eq!(saves(&world), 0, "the consumer is not told that this was all");
}

#[test]
fn ranges_are_cut_at_the_parts_whose_md5s_make_the_etag() {
    let (mut world, id) = film(1_234, Knows::PartMd5s(64), Sink::Random, Faults::none());
    world.run();
    assert_eq!(verified(&world, id), ChecksumKind::Md5);
    assert_eq!(world.gets.len(), 20);
    assert!(world.gets.iter().all(|(_, range)| range.unwrap().start.is_multiple_of(64)));
}

#[test]
fn one_md5_of_all_bytes_is_one_request_at_a_time() {
    for sink in [Sink::Random, ORDERED] {
        let (mut world, id) = film(400, Knows::Md5, sink, Faults { cut: 0.5, ..Faults::none() });
        world.run();
        assert_eq!(verified(&world, id), ChecksumKind::Md5);
        assert_eq!(world.peak, 1, "{sink:?}");
    }
}

#[test]
fn a_hash_goes_on_where_its_range_was_cut() {
    for knows in [Knows::Crc64Nvme, Knows::PartMd5s(500)] {
        let (mut world, id) = film(1_234, knows, Sink::Random, Faults { cut: 0.7, ..Faults::none() });
        world.run();
        assert_ne!(verified(&world, id), ChecksumKind::None);
        assert!(world.gets.iter().any(|(_, range)| !range.unwrap().start.is_multiple_of(20)));
    }
}
