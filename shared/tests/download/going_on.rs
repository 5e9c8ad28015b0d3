//! Stories of downloads that are halted and go on: paused, offline, asleep, killed.

use std::time::Duration;

use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use partway_shared::download::{NewDownload, Partial, Settings, Sink, State, StoredRange};
use partway_shared::error::ErrorCode;
use partway_shared::part::ETag;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;
use partway_shared::wire::ObjectName;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

const ORDERED: Sink = Sink::Ordered { window_bytes: 160 };

fn film(size: usize, sink: Sink) -> (World, FileId) {
    let patient = Settings { straggler_min: Duration::from_secs(3_600), ..settings() };
    let mut world = World::new(7, patient, Faults::none());
    world.store.put("film", size, Knows::Crc64Nvme, 1);
    let id = world.add("film", sink);
    (world, id)
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.status(id);
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    assert_eq!(world.sinks[&id].bytes(), world.store.bytes[&status.object.unwrap().etag]);
}

#[test]
fn a_pause_asks_for_nothing_and_loses_nothing() {
    for sink in [Sink::Random, ORDERED] {
        let (mut world, id) = film(4_000, sink);
        world.run_while(|world| world.received < 1_000);
        assert!(world.downloader.pause(id));
        assert!(!world.downloader.pause(id), "paused it is already");
        let before = world.received;
        world.run_while(|_| true);
        assert_eq!(world.received, before);
        assert_eq!(world.downloader.poll_timeout(), None, "no timer runs");
        // Long enough for the URL to expire.
        world.now = world.now + Duration::from_secs(3_600);
        assert!(world.downloader.resume(id));
        completes(&mut world, id);
        assert_eq!(world.received, 4_000, "what had come goes on");
    }
}

#[test]
fn a_pause_or_the_end_can_come_at_any_moment() {
    for millis in 0..400 {
        for sink in [Sink::Random, ORDERED] {
            let (mut world, id) = film(300, sink);
            world.run_while(|world| world.now < Time::from_millis(millis));
            let paused = world.downloader.pause(id);
            world.run_while(|_| true);
            assert_eq!(world.state(id) == State::Paused, paused, "after {millis} ms");
            world.downloader.resume(id);
            completes(&mut world, id);

            let (mut world, id) = film(300, sink);
            world.run_while(|world| world.now < Time::from_millis(millis));
            let cancelled = world.downloader.cancel(id);
            assert!(!world.downloader.cancel(id), "cancelling twice is once");
            world.run();
            assert_eq!(world.state(id) == State::Cancelled, cancelled, "after {millis} ms");
            assert!(world.journal.is_empty());
        }
    }
}

#[test]
fn a_crash_can_come_at_any_moment() {
    for millis in 0..400 {
        let (mut world, id) = film(300, Sink::Random);
        world.run_while(|world| world.now < Time::from_millis(millis));
        world.crash(9);
        if world.downloader.files().next().is_some() {
            completes(&mut world, id);
            assert!(world.restarted.is_empty());
        }
    }
}

#[test]
fn an_outage_spends_no_tries() {
    for sink in [Sink::Random, ORDERED] {
        let mut strict = Settings { straggler_min: Duration::from_secs(3_600), ..settings() };
        strict.retry.max_attempts = 1;
        let mut world = World::new(7, strict, Faults::none());
        world.store.put("film", 4_000, Knows::Crc64Nvme, 1);
        let id = world.add("film", sink);
        world.outage(Duration::from_millis(400), Duration::from_secs(36_000));
        completes(&mut world, id);
        assert_eq!(world.received, 4_000);
    }
}

#[test]
fn after_a_sleep_it_goes_on_at_once() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 1_000);
    world.sleep(Duration::from_secs(3_600));
    let woken = world.now;
    completes(&mut world, id);
    let took = world.now.since(woken);
    assert!(took < Duration::from_secs(20), "dead connections were waited for, {took:?}");
}

#[test]
fn what_has_survived_a_sleep_has_time_to_move() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 1_000);
    world.now = world.now + Duration::from_secs(3_600);
    for _ in 0..2 {
        world.downloader.handle_timeout(world.now);
        world.run_while(|_| false);
    }
    completes(&mut world, id);
    assert!(!world.trace.iter().any(|line| line.contains(" Stop ")));
    assert_eq!(world.received, 4_000);
}

#[test]
fn a_retry_asks_only_for_what_is_missing() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 1_000);
    world.faults.request_lost = 1.0;
    world.run();
    let error = world.status(id).error.unwrap();
    assert_eq!(error.code, ErrorCode::StoreUnreachable);
    assert!(error.retryable());
    assert_eq!(world.journal.len(), 1, "it can go on after a crash, too");
    world.faults.request_lost = 0.0;
    assert!(world.downloader.retry(id));
    completes(&mut world, id);
    assert_eq!(world.received, 4_000);
    assert!(world.restarted.is_empty());
}

#[test]
fn what_is_waited_for_is_told() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.faults.request_lost = 1.0;
    world.run_while(|world| world.status(id).waiting_for.is_none());
    assert_eq!(world.status(id).waiting_for, Some(ErrorCode::ServerUnreachable));
    world.faults.request_lost = 0.0;
    completes(&mut world, id);
}

#[test]
fn a_crash_costs_only_what_was_under_way() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 2_000);
    let kept = world.journal[&id].bytes();
    assert!(kept >= 2_000 - 6 * 40, "{kept}");
    let ranges = world.journal[&id].ranges.len();
    assert!(ranges <= 6, "{ranges} ranges: what joins is one");
    world.crash(9);
    assert_eq!(world.status(id).downloaded, kept, "progress begins where it was");
    completes(&mut world, id);
    assert!(world.received <= 4_000 + 6 * 40, "{} bytes came", world.received);
    assert!(world.restarted.is_empty());
    assert_eq!(world.store.looks, 2, "the object was looked at again");
}

/// A driver that is told to end keeps all that has come, and not only whole ranges.
#[test]
fn what_is_kept_when_it_halts_is_all_that_has_come() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 2_001);
    assert!(world.downloader.pause(id));
    let downloaded = world.status(id).downloaded;
    let partial = world.downloader.partial(id).unwrap();
    assert_eq!(partial.bytes(), downloaded);
    assert!(partial.ranges.is_sorted_by_key(|range| range.start));
    world.journal.insert(id, partial);
    world.crash(9);
    completes(&mut world, id);
    assert_eq!(world.restarted.len(), 0);
}

#[test]
fn a_crash_after_the_last_byte_is_no_loss() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.state(id) != State::Saving);
    world.crash(9);
    completes(&mut world, id);
    assert_eq!(world.received, 4_000);
}

#[test]
fn after_a_crash_another_object_begins_anew() {
    for size in [3_000, 4_000] {
        let (mut world, id) = film(4_000, Sink::Random);
        world.run_while(|world| world.received < 2_000);
        world.store.put("film", size, Knows::Crc64Nvme, 2);
        world.crash(9);
        completes(&mut world, id);
        assert!(world.restarted.contains(&id), "and says so");
        assert_eq!(world.status(id).size, Some(size as u64));
    }
}

#[test]
fn after_a_crash_ranges_are_checked_as_parts_are() {
    let mut world = World::new(7, settings(), Faults::none());
    world.store.put("film", 4_000, Knows::PartMd5s(64), 1);
    let id = world.add("film", Sink::Random);
    world.run_while(|world| world.received < 2_000);
    world.crash(9);
    completes(&mut world, id);
    assert!(world.received < 4_000 + 7 * 64);
}

#[test]
fn a_journal_is_json_without_a_url() {
    let (mut world, id) = film(4_000, Sink::Random);
    world.run_while(|world| world.received < 2_000);
    let partial = &world.journal[&id];
    let json = serde_json::to_string(partial).unwrap();
    assert!(!json.contains("s3://"), "{json}");
    assert_eq!(serde_json::from_str::<Partial>(&json).unwrap(), *partial);
}

/// A journal that somebody has written into costs a longer download, and nothing else.
#[test]
fn ranges_that_make_no_sense_are_passed_over() {
    let bytes = |world: &World| world.store.bytes[&ETag::new("etag-film-1")].clone();
    let name = || ObjectName { key: "film".to_owned(), ..ObjectName::default() };
    let range = |start, end, checksum: u64| StoredRange { start, end, checksum: Crc64Nvme(checksum).into() };
    let (world, _) = film(100, Sink::Random);
    let all = bytes(&world);
    let good = StoredRange { start: 20, end: 50, checksum: Crc64Nvme::of(&all[20..50]).into() };
    let odd = StoredRange { checksum: Checksum::Md5(Md5::of(b"")), ..range(60, 70, 0) };
    for (ranges, is_used) in [
        (vec![good], true),
        (vec![good, good], true),
        (vec![good, range(40, 60, 5), range(30, 20, 5), range(90, 101, 5), range(55, 55, 5), odd], true),
        (vec![range(u64::MAX, u64::MAX, 1), range(0, u64::MAX, 1)], false),
        (vec![], false),
    ] {
        let mut world = film(100, Sink::Random).0;
        let etag = ETag::new("etag-film-1");
        let partial = Partial { object: name(), etag, size: 100, ranges };
        let id = world.downloader.restore(NewDownload { object: name(), ..NewDownload::default() }, partial);
        let mut sink = crate::sink::Target::file();
        sink.open(100, false);
        if is_used {
            sink.write(20, &all[20..50]);
        }
        world.sinks.insert(id, sink);
        completes(&mut world, id);
    }
}

/// Their MD5s are of no use for the object's ETag.
#[test]
fn ranges_that_are_no_parts_are_passed_over() {
    let mut world = World::new(7, settings(), Faults::none());
    world.store.put("film", 400, Knows::PartMd5s(64), 1);
    let object = world.store.objects["film"].clone();
    let all = world.store.bytes[&object.etag].clone();
    let range = |start: usize, end: usize| StoredRange {
        start: start as u64,
        end: end as u64,
        checksum: Checksum::Md5(Md5::of(&all[start..end])),
    };
    let name = ObjectName { key: "film".to_owned(), ..ObjectName::default() };
    let ranges = vec![range(0, 64), range(64, 100), range(110, 192), range(192, 320), range(384, 400)];
    let partial = Partial { object: name.clone(), etag: object.etag, size: 400, ranges };
    let id = world.downloader.restore(NewDownload { object: name, ..NewDownload::default() }, partial);
    let mut sink = crate::sink::Target::file();
    sink.open(400, false);
    sink.write(0, &all[..64]);
    sink.write(384, &all[384..]);
    world.sinks.insert(id, sink);
    completes(&mut world, id);
    assert_eq!(world.received, 320);
    assert_eq!(world.status(id).result.unwrap().verified, ChecksumKind::Md5);
}

#[test]
fn what_was_kept_of_another_object_counts_as_nothing() {
    let mut world = World::new(7, settings(), Faults::none());
    // Of the same bytes, and so of the same ETag: a name is a name.
    for key in ["film", "other"] {
        world.store.put(key, 4_000, Knows::PartMd5s(64), 1);
    }
    let id = world.add("film", Sink::Random);
    world.run_while(|world| world.received < 2_000);
    let kept = world.journal[&id].clone();
    let wanted = world.downloader.wanted(id).unwrap().clone();
    let other = ObjectName { key: "other".to_owned(), ..ObjectName::default() };
    for wanted in [NewDownload { object: other, ..wanted.clone() }, NewDownload { sink: ORDERED, ..wanted }] {
        let sink = match wanted.sink {
            Sink::Random => crate::sink::Target::file(),
            Sink::Ordered { window_bytes } => crate::sink::Target::stream(window_bytes),
        };
        let id = world.downloader.restore(wanted, kept.clone());
        world.sinks.insert(id, sink);
        completes(&mut world, id);
        assert!(world.restarted.contains(&id));
    }
}

#[test]
fn a_consumer_has_no_journal() {
    let (mut world, id) = film(4_000, ORDERED);
    world.run_while(|world| world.received < 2_000);
    assert_eq!(world.downloader.partial(id), None);
    assert!(world.journal.is_empty());
}
