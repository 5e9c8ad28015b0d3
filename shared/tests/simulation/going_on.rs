//! Stories of uploads that are halted and go on: paused, asleep, killed, reloaded.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::part::PartNumber;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;
use partway_shared::upload::{Difference, FileInfo, InFlight, Resumable, State};

use crate::backend::{Backend, End};
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world(faults: Faults) -> World {
    let backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life);
    World::new(7, settings(), backend, faults)
}

fn stored(world: &World, id: FileId) -> u32 {
    world.uploader.status(id, world.now).unwrap().parts_stored
}

/// A file of a hundred parts, of which so many are stored.
fn under_way(world: &mut World, parts: u32) -> FileId {
    let id = world.add("film", 4_000);
    world.run_while(|world| stored(world, id) < parts);
    id
}

/// PUTs that the store acknowledged, over all uploads.
fn puts(world: &World) -> u32 {
    world.backend.uploads.values().flat_map(|upload| upload.puts.values()).sum()
}

/// What the journal has of the only file.
fn journaled(world: &World) -> (FileInfo, Resumable) {
    world.journal.values().next().unwrap().clone()
}

#[test]
fn a_pause_sends_nothing_and_loses_nothing() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 30);
    assert!(world.uploader.pause(id, InFlight::Abandon));
    assert_eq!(world.state(id), State::Paused);
    let before = stored(&world, id);
    world.run_while(|_| true);
    assert_eq!(stored(&world, id), before, "nothing goes on");
    assert_eq!(world.uploader.poll_timeout(), None, "and no timer runs");
    assert!(!world.uploader.pause(id, InFlight::Abandon), "paused it is already");

    // Long enough for every URL to expire.
    world.now = world.now + Duration::from_secs(3_600);
    assert!(world.uploader.resume(id));
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(puts(&world) <= 100 + 6, "only what was broken off is sent again");
}

#[test]
fn a_pause_may_let_parts_under_way_arrive() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 30);
    world.uploader.pause(id, InFlight::Finish);
    let before = stored(&world, id);
    world.run_while(|_| true);
    let after = stored(&world, id);
    assert!((before + 1..=before + 6).contains(&after), "{before} parts became {after}");
    world.uploader.resume(id);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(puts(&world), 100, "none is sent twice");
}

#[test]
fn a_pause_can_come_at_any_moment() {
    for millis in 0..600 {
        for in_flight in [InFlight::Abandon, InFlight::Finish] {
            let mut world = world(Faults::none());
            let id = world.add("film", 400);
            world.run_while(|world| world.now < Time::from_millis(millis));
            let paused = world.uploader.pause(id, in_flight);
            world.run_while(|_| true);
            assert_eq!(world.state(id) == State::Paused, paused, "after {millis} ms");
            world.uploader.resume(id);
            world.run();
            assert_eq!(world.state(id), State::Completed, "after {millis} ms");
        }
    }
}

#[test]
fn what_is_paused_can_be_cancelled() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 3);
    world.uploader.pause(id, InFlight::Finish);
    assert!(world.uploader.cancel(id));
    world.run();
    assert_eq!(world.state(id), State::Cancelled);
    assert!(world.backend.uploads.values().all(|upload| upload.end == Some(End::Aborted)));
    assert!(world.journal.is_empty(), "there is nothing to go on with");
}

#[test]
fn after_a_sleep_it_goes_on_at_once() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 30);
    world.sleep(Duration::from_secs(3_600));
    let woken = world.now;
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let took = world.now.since(woken);
    assert!(took < Duration::from_secs(20), "dead connections were waited for, {took:?}");
}

#[test]
fn a_part_that_straggles_is_sent_a_second_time_and_the_first_to_arrive_wins() {
    let mut world = world(Faults::none());
    world.stuck.insert(100, 1);
    let id = under_way(&mut world, 99);
    let waiting = world.now;
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let took = world.now.since(waiting);
    assert!(took < Duration::from_secs(6), "the watchdog would have taken 30 s, this {took:?}");
}

#[test]
fn a_crash_costs_only_what_was_under_way() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(puts(&world) <= 100 + 6, "{} PUTs for 100 parts", puts(&world));
    assert_eq!(world.backend.creates, 1);
    assert!(world.journal.is_empty(), "what is complete is forgotten");
}

#[test]
fn progress_begins_where_it_was() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    assert!(world.uploader.status(id, world.now).unwrap().uploaded >= 40 * 40);
}

#[test]
fn a_crash_after_the_last_part_is_no_loss() {
    let mut world = world(Faults::none());
    let id = world.add("film", 4_000);
    world.run_while(|world| world.state(id) != State::Finishing);
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_crash_before_the_answer_to_complete_finds_the_object() {
    let mut world = world(Faults::none());
    world.add("film", 4_000);
    world.run_while(|world| world.backend.uploads.values().all(|upload| upload.end.is_none()));
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(puts(&world), 100);
}

#[test]
fn parts_that_the_store_has_otherwise_are_sent_again() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    let upload = world.backend.uploads.values_mut().next().unwrap();
    upload.parts.get_mut(&PartNumber::new(5).unwrap()).unwrap().size = 7;
    upload.parts.remove(&PartNumber::new(6).unwrap());
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_store_that_lists_no_checksums_gets_the_parts_again() {
    let mut world = world(Faults::none());
    world.backend.lists_checksums = false;
    under_way(&mut world, 40);
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed, "the object's checksum needs that of every part");
}

#[test]
fn another_file_of_the_same_name_and_size_is_refused_and_the_right_one_goes_on() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    let (info, saved) = journaled(&world);
    world.journal.clear();
    world.crash(9);
    // In this world the name decides on the content.
    let other = FileInfo { name: "other".to_owned(), ..info.clone() };
    let id = world.restore(other, saved.clone());
    world.run();
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::FileMismatch);
    assert_eq!(error.field.as_deref(), Some("content"));
    assert_eq!(world.journal.len(), 1, "the upload is still there for the right file");

    let id = world.restore(info, saved);
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_file_is_told_apart_without_reading_it() {
    let begun = FileInfo {
        name: "a.mov".to_owned(),
        size: Some(100),
        last_modified: Some(5),
        content_type: Some("video/quicktime".to_owned()),
        ..FileInfo::default()
    };
    assert_eq!(Difference::between(&begun, &FileInfo { content_type: None, ..begun.clone() }), None);
    for (chosen, difference) in [
        (FileInfo { name: "b.mov".to_owned(), ..begun.clone() }, Difference::Name),
        (FileInfo { size: Some(101), ..begun.clone() }, Difference::Size),
        (FileInfo { last_modified: Some(6), ..begun.clone() }, Difference::LastModified),
    ] {
        assert_eq!(Difference::between(&begun, &chosen), Some(difference));
    }
}

#[test]
fn an_upload_that_is_gone_meanwhile_says_so() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    world.backend.uploads.values_mut().next().unwrap().end = Some(End::Aborted);
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run();
    assert_eq!(world.uploader.status(id, world.now).unwrap().error.unwrap().code, ErrorCode::UploadGone);
    assert!(world.journal.is_empty(), "there is nothing left to go on with");
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed, "from the beginning");
}

#[test]
fn an_upload_that_runs_out_of_retries_is_parked_with_its_parts() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 40);
    world.faults.request_lost = 1.0;
    world.run();
    assert_eq!(world.state(id), State::Failed);
    assert!(world.backend.uploads.values().all(|upload| upload.end.is_none()), "nothing was aborted");
    assert_eq!(world.journal.len(), 1, "and it can be resumed after a reload, too");
    world.faults.request_lost = 0.0;
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(puts(&world), 100, "no part is stored twice");
}

#[test]
fn an_upload_of_somebody_elses_begins_anew_and_theirs_is_left_alone() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    let (_, theirs) = journaled(&world);
    world.backend.caller = "eve".to_owned();
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run_while(|world| world.foreign.is_empty());
    assert_eq!(journaled(&world).1, theirs, "it is neither written nor removed");
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(world.backend.creates, 2);
    let ends = world.backend.uploads.values().map(|upload| (upload.owner.as_str(), upload.end.is_some()));
    assert_eq!(ends.collect::<Vec<_>>(), [("ada", false), ("eve", true)]);
}

#[test]
fn an_upload_whose_token_has_expired_begins_anew() {
    let mut world = world(Faults::none());
    under_way(&mut world, 40);
    world.backend.expired = true;
    world.crash(9);
    let id = world.uploader.files().next().unwrap();
    world.run_while(|world| world.backend.creates < 2);
    assert!(world.foreign.is_empty() && world.journal.is_empty(), "what is of no use is forgotten");
    world.backend.expired = false;
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn when_the_user_changes_what_is_under_way_fails_and_stays_theirs() {
    let mut world = world(Faults::none());
    let id = under_way(&mut world, 40);
    world.backend.caller = "eve".to_owned();
    world.run();
    assert_eq!(world.uploader.status(id, world.now).unwrap().error.unwrap().code, ErrorCode::TokenForeign);
    assert_eq!(world.journal.len(), 1, "whoever began it can go on");
    assert!(world.backend.uploads.values().all(|upload| upload.end.is_none()));
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed, "as an upload of the new user's");
    assert_eq!(world.backend.uploads.len(), 2);
}
