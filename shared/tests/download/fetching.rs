//! Stories of how bytes come: in ranges, in parallel, again where they were cut, and on other ways where a store has its own.

use std::time::Duration;

use partway_shared::download::{Settings, Sink, State};
use partway_shared::error::ErrorCode;
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId};

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

/// A world with one object of so many bytes, which is being downloaded to a file.
fn film(size: usize, settings: Settings, faults: Faults) -> (World, FileId) {
    let mut world = World::new(7, settings, faults);
    world.store.put("film", size, Knows::Crc64Nvme, 1);
    let id = world.add("film", Sink::Random);
    (world, id)
}

fn count(world: &World, what: &str) -> usize {
    world.trace.iter().filter(|line| line.contains(what)).count()
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.status(id);
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    let etag = &status.object.unwrap().etag;
    assert_eq!(world.sinks[&id].bytes(), world.store.bytes[etag]);
}

fn error(world: &World, id: FileId) -> ErrorCode {
    world.status(id).error.expect("it has failed").code
}

/// Nothing is asked for a second time but what was lost.
fn patient() -> Settings {
    Settings { straggler_min: Duration::from_secs(3_600), ..settings() }
}

#[test]
fn ranges_come_in_parallel_and_half_of_them_get_a_head_start() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run_while(|world| count(world, " Head ") == 0);
    assert_eq!(world.gets.len(), 3);
    completes(&mut world, id);
    assert_eq!(world.peak, 6);
    assert_eq!(world.gets.len(), 31);
    assert_eq!(world.received, 1_234);
    assert_eq!((world.store.calls, world.store.looks), (1, 1));
}

#[test]
fn a_small_object_is_one_get_and_an_empty_one_is_none() {
    for (size, gets) in [(0, 0), (1, 1), (40, 1), (41, 2)] {
        let (mut world, id) = film(size, settings(), Faults::none());
        completes(&mut world, id);
        assert_eq!(world.gets.len(), gets, "{size}");
    }
}

#[test]
fn a_cut_goes_on_at_the_byte_reached() {
    let (mut world, id) = film(1_234, patient(), Faults { cut: 0.5, ..Faults::none() });
    completes(&mut world, id);
    assert!(world.gets.len() > 40, "{} requests for 31 ranges", world.gets.len());
    assert_eq!(world.received, 1_234, "no byte came twice");
}

#[test]
fn a_body_that_ends_early_is_a_cut() {
    let (mut world, id) = film(1_234, patient(), Faults { short: 0.5, ..Faults::none() });
    completes(&mut world, id);
    assert_eq!(world.received, 1_234);
}

#[test]
fn a_connection_that_stands_still_is_given_up_and_goes_on() {
    let (mut world, id) = film(400, patient(), Faults { black_hole: 0.4, ..Faults::none() });
    completes(&mut world, id);
    assert!(count(&world, " Stop ") > 0);
    assert!(world.now > Time::from_millis(30_000));
    assert_eq!(world.received, 400);
}

#[test]
fn what_does_not_begin_is_waited_for_longer_at_each_try() {
    let (mut world, id) = film(30, patient(), Faults::none());
    world.run_while(|world| world.gets.is_empty());
    world.faults.black_hole = 1.0;
    world.run_while(|world| world.gets.len() < 4);
    world.faults.black_hole = 0.0;
    let at = |line: &String| line.split(' ').next().unwrap().parse().unwrap();
    let at: Vec<u64> = world.trace.iter().filter(|line| line.contains(" Get ")).map(at).collect();
    let waits: Vec<_> = at.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000 / 20).collect();
    assert_eq!(waits, [3, 6, 12], "60, 120 and 240 s");
    completes(&mut world, id);
}

#[test]
fn a_line_that_is_cut_after_each_byte_still_brings_them_all() {
    let mut settings = patient();
    settings.retry.max_attempts = 2;
    let (mut world, id) = film(120, settings, Faults { cut: 0.95, ..Faults::none() });
    world.run();
    // Failures count only in a row without a byte between them.
    while world.state(id) != State::Completed {
        assert!(world.downloader.retry(id));
        world.run();
    }
    assert_eq!(world.received, 120);
}

#[test]
fn slow_down_is_obeyed() {
    let (mut world, id) = film(12_340, settings(), Faults::none());
    world.run_while(|world| world.peak < 6);
    world.faults.slow_down = 1.0;
    let until = world.now + Duration::from_millis(1_500);
    world.run_while(|world| world.now < until);
    world.faults.slow_down = 0.0;
    world.peak = 0;
    let until = world.now + Duration::from_secs(2);
    world.run_while(|world| world.now < until);
    assert!((1..=3).contains(&world.peak), "{} at once after being told to slow down", world.peak);
    completes(&mut world, id);
}

#[test]
fn a_cap_on_the_bytes_a_second_holds() {
    let settings = Settings { max_bytes_per_second: Some(400), ..settings() };
    let (mut world, id) = film(4_000, settings, Faults::none());
    completes(&mut world, id);
    let took = world.now.as_millis();
    assert!((8_500..13_000).contains(&took), "4,000 bytes at 400 a second took {took} ms");
}

#[test]
fn a_ceiling_given_by_the_page_holds_and_each_host_brings_its_own_connections() {
    let (mut world, id) = film(4_000, Settings { concurrency: Some(2), ..settings() }, Faults::none());
    completes(&mut world, id);
    assert_eq!(world.peak, 2);
    let (mut world, first) = film(4_000, settings(), Faults::none());
    world.store.hosts = 2;
    world.store.put("films", 4_000, Knows::Crc64Nvme, 2);
    let second = world.add("films", Sink::Random);
    completes(&mut world, first);
    assert_eq!(world.state(second), State::Completed);
    assert!((10..=12).contains(&world.peak), "{}", world.peak);
}

#[test]
fn a_url_is_renewed_before_it_expires() {
    let faults = Faults { url_life: Duration::from_secs(10), bytes_per_second: 50, ..Faults::none() };
    let (mut world, id) = film(4_000, settings(), faults);
    completes(&mut world, id);
    assert_eq!(count(&world, "status: 403"), 0);
    assert!((2..=5).contains(&world.store.calls), "{}", world.store.calls);
    for line in world.trace.iter().filter(|line| line.contains(" Get ")) {
        let begun: u64 = line.split(' ').next().unwrap().parse().unwrap();
        let expires: u64 = line.split(['|', '"']).nth_back(1).unwrap().parse().unwrap();
        assert!(expires >= begun + 4_900, "{line}");
    }
    assert_eq!(world.store.looks, 1, "the ETag of each answer says whether it is the same object");
}

#[test]
fn a_refused_url_is_renewed_at_once() {
    let (mut world, id) = film(4_000, settings(), Faults::none());
    world.run_while(|world| world.received < 1_000);
    world.store.revoke(world.now);
    let refused = world.now;
    completes(&mut world, id);
    let refusals = count(&world, "status: 403");
    assert!((2..=6).contains(&refusals), "{refusals}");
    assert_eq!(world.store.calls, 2, "one for all that were refused together");
    assert!(world.now.since(refused) < Duration::from_secs(1), "nobody waited");
}

#[test]
fn what_is_refused_again_and_again_fails() {
    let (mut world, id) = film(30, settings(), Faults::none());
    world.store.refuses_urls = u32::MAX;
    world.run();
    assert_eq!(error(&world, id), ErrorCode::DownloadRefused);
    assert!(world.store.calls <= 7, "{}", world.store.calls);
}

#[test]
fn a_straggler_is_asked_for_a_second_time_and_whichever_is_ahead_goes_on() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.stuck.insert(1_200, 1);
    completes(&mut world, id);
    assert!(world.now < Time::from_millis(7_000), "the watchdog would have taken 30 s: {:?}", world.now);
    assert_eq!(count(&world, " Stop "), 1);
    let last = world.gets.last().unwrap().1.unwrap();
    assert_eq!(last, ByteRange { start: 1_203, end: 1_234 }, "what had come is not asked for again");
}

#[test]
fn of_two_requests_the_one_that_is_behind_is_given_up() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run_while(|world| world.gets.len() < 30);
    world.faults.crawl = 1.0;
    world.run_while(|world| count(world, " Head ") < 31);
    // The last ones crawl on, and what is asked for a second time stands still.
    world.faults.black_hole = 1.0;
    completes(&mut world, id);
    assert!(world.gets.len() > 31);
    assert!(world.now < Time::from_millis(30_000), "{:?}", world.now);
    assert_eq!(world.received, 1_234);
}

#[test]
fn a_store_that_ignores_ranges_sends_one_stream() {
    for size in [30, 400] {
        let (mut world, id) = film(size, settings(), Faults::none());
        world.store.ignores_ranges = true;
        completes(&mut world, id);
        assert_eq!(world.received, size as u64, "the first answer is used, the others are dropped unread");
        let asked = world.gets.len();
        assert!(asked <= 3, "{asked} requests, of which all but one are given up");
    }
}

#[test]
fn a_stream_that_is_cut_begins_again_and_gives_out_nothing_twice() {
    for sink in [Sink::Random, Sink::Ordered { window_bytes: 100 }] {
        let mut world = World::new(7, settings(), Faults { cut: 1.0, ..Faults::none() });
        world.store.put("film", 400, Knows::PartMd5s(64), 1);
        world.store.ignores_ranges = true;
        let id = world.add("film", sink);
        world.run_while(|world| world.received < 500);
        world.faults.cut = 0.0;
        completes(&mut world, id);
        assert!(world.gets.iter().any(|(_, range)| range.is_none()), "without a range");
    }
}

#[test]
fn what_came_by_ranges_counts_when_the_store_begins_to_ignore_them() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run_while(|world| world.received < 600);
    world.store.ignores_ranges = true;
    completes(&mut world, id);
    assert!(world.gets.len() < 31);
}

#[test]
fn an_object_that_is_not_there_says_so() {
    let mut world = World::new(7, settings(), Faults::none());
    let id = world.add("nothing", Sink::Random);
    world.run();
    assert_eq!(error(&world, id), ErrorCode::ObjectNotFound);
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run_while(|world| world.received < 100);
    world.store.objects.clear();
    world.run();
    assert_eq!(error(&world, id), ErrorCode::ObjectNotFound);
}

#[test]
fn an_archived_object_says_what_to_do() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.store.is_archived = true;
    world.run();
    let error = world.status(id).error.unwrap();
    assert_eq!(error.code, ErrorCode::ObjectArchived);
    assert!(error.detail.contains("restored"), "{error}");
    world.store.is_archived = false;
    assert!(world.downloader.retry(id));
    completes(&mut world, id);
}

#[test]
fn a_store_that_hides_the_etag_is_named() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.store.hides_etag = true;
    world.run();
    assert_eq!(error(&world, id), ErrorCode::StoreEtagHidden);
    assert!(world.status(id).error.unwrap().detail.contains("CORS"));
}

#[test]
fn what_cannot_be_written_fails_and_begins_anew() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run_while(|world| world.received < 600);
    world.downloader.handle_write_failed(id, "the disk is full");
    world.run();
    assert_eq!(error(&world, id), ErrorCode::FileUnwritable);
    assert!(world.journal.is_empty(), "nobody knows what of it was written");
    assert!(world.downloader.retry(id));
    completes(&mut world, id);
    assert!(world.restarted.contains(&id));
}

#[test]
fn what_cannot_be_saved_fails() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.unsaved = Some("the disk is full".to_owned());
    world.run();
    assert_eq!(error(&world, id), ErrorCode::FileUnwritable);
    assert!(world.downloader.retry(id));
    completes(&mut world, id);
}

#[test]
fn what_comes_late_or_twice_is_passed_over() {
    let (mut world, id) = film(1_234, settings(), Faults::none());
    world.run();
    for job in 0..50 {
        let job = JobId(job);
        let mut late = b"late".as_slice();
        assert_eq!(world.downloader.handle_get_data(job, &mut late, world.now), None);
        assert!(late.is_empty(), "nobody waits for it");
        assert!(!world.downloader.handle_get_head(job, &Default::default(), world.now));
        world.downloader.handle_get_done(job, Ok(()), world.now);
        world.downloader.handle_get_done(job, Err(Failure::NoAnswer), world.now);
        world.downloader.handle_call_done(job, Err(Failure::NoAnswer), world.now);
        world.downloader.handle_save_done(job, Err(String::new()));
    }
    completes(&mut world, id);
    assert!(world.downloader.remove(id));
    assert!(!world.downloader.remove(id));
}
