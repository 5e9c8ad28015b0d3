//! One story at a time.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::limits::{GIB, MIB, TIB};
use partway_shared::part::{ETag, PartNumber};
use partway_shared::plan::PlanLimits;
use partway_shared::time::Time;
use partway_shared::transfer::Failure;
use partway_shared::upload::{Action, ControlCall, InFlight, Settings, State};
use partway_shared::wire::StoredPart;

use crate::backend::{Backend, End, Upload, content};
use crate::faults::Faults;
use crate::simulated::{problem, refusal};
use crate::world::World;
use crate::{settings, tiny};

fn world(faults: Faults) -> World {
    let backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life);
    World::new(7, settings(), backend, faults)
}

fn actions<'a>(world: &'a World, kind: &'a str) -> impl Iterator<Item = &'a String> {
    world.trace.iter().filter(move |line| line.split(' ').nth(1) == Some(kind))
}

#[test]
fn the_first_bytes_leave_one_round_trip_after_the_drop() {
    let mut world = world(Faults::none());
    world.add("film", 400);
    world.run();
    // The create request brought the first part's checksum and came back with its URL.
    let first_put = world.trace.iter().position(|line| line.contains(" Put ")).unwrap();
    let answers = world.trace[..first_put].iter().filter(|line| line.contains(" Ok(Created"));
    assert_eq!(answers.count(), 1);
    assert_eq!(world.backend.creates, 1);
    let answered = |line: &&String| line.contains(" Ok(Signed");
    assert_eq!(world.trace[..first_put].iter().filter(answered).count(), 0);
    assert!(world.peak > 1, "parts go in parallel");
}

#[test]
fn five_hundred_small_files_cost_few_calls() {
    let mut world = world(Faults::none());
    for n in 0..500 {
        world.add(&format!("photo-{n}"), 30);
    }
    world.run();
    assert_eq!(world.backend.creates, 1);
    assert_eq!(world.backend.signs, 0, "the URLs came with the answer");
    assert!(world.backend.uploads.values().all(|upload| upload.end.is_some()));
    let completes = world.backend.completes;
    assert!(completes <= 200, "{completes} calls to complete 500 files, of which six leave at a time");
}

#[test]
fn of_files_completed_together_each_has_its_own_result() {
    let mut world = world(Faults::none());
    let files: Vec<_> = (0..20).map(|n| world.add(&format!("photo-{n}"), 30)).collect();
    world.run_while(|world| world.state(files[7]) != State::Finishing);
    // The store forgets one of them.
    let lost = world.backend.uploads.values_mut().find(|upload| upload.name == "photo-7").unwrap();
    lost.parts.clear();
    world.run();
    for id in files {
        assert_eq!(world.state(id), State::Completed);
    }
    let sent_twice = |upload: &&Upload| upload.puts[&PartNumber::FIRST] == 2;
    let sent_twice: Vec<_> = world.backend.uploads.values().filter(sent_twice).map(|one| &one.name).collect();
    assert_eq!(sent_twice, ["photo-7"], "it was missed, and sent again; the others were not");
}

#[test]
fn nobody_waits_for_a_completion_once_the_last_of_its_files_was_cancelled() {
    let mut world = world(Faults::none());
    let id = world.add("photo", 30);
    world.run_while(|world| world.peak == 0);
    world.faults.black_hole = 1.0;
    world.run_while(|world| world.state(id) != State::Finishing);
    assert!(actions(&world, "Call").any(|line| line.contains("Complete(")));
    world.faults.black_hole = 0.0;
    assert!(world.uploader.cancel(id));
    world.run();
    assert_eq!(world.state(id), State::Cancelled);
    assert!(world.now < Time::from_millis(60_000), "the call that nobody answered was given up at once");
}

#[test]
fn a_small_file_is_not_starved_by_a_large_one() {
    let mut world = world(Faults::none());
    let large = world.add("large", 4_000);
    world.run_while(|world| world.uploader.status(large, world.now).unwrap().parts_stored < 10);
    let small = world.add("small", 30);
    world.run_while(|world| world.state(small) != State::Completed);
    assert_eq!(world.state(large), State::Uploading);
    world.run();
}

#[test]
fn one_refused_file_fails_no_other() {
    let mut world = world(Faults::none());
    world.backend.refused.push("bad".to_owned());
    let (good, bad) = (world.add("good", 100), world.add("bad", 100));
    world.run();
    assert_eq!(world.state(good), State::Completed);
    let status = world.uploader.status(bad, world.now).unwrap();
    assert_eq!(status.error.unwrap().code, ErrorCode::FileTooLarge);
}

#[test]
fn the_servers_plan_holds() {
    let backend = Backend::new(
        PlanLimits { part_size: 64, ..tiny() },
        ChecksumKind::Crc64Nvme,
        Duration::from_secs(900),
    );
    let mut world = World::new(7, settings(), backend, Faults::none());
    let id = world.add("film", 400);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(world.uploader.status(id, world.now).unwrap().part_count, Some(7));
}

#[test]
fn without_checksums_nothing_is_hashed_after_the_first_part() {
    let backend = Backend::new(tiny(), ChecksumKind::None, Duration::from_secs(900));
    let mut world = World::new(7, settings(), backend, Faults::none());
    let id = world.add("film", 4_000);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let hashed = actions(&world, "Hash").count();
    assert!(hashed < 20, "{hashed} of 100 parts were hashed");
    let signs = world.backend.signs;
    assert!(signs <= 5, "{signs} requests for 100 signatures");
    world.add("next", 4_000);
    let before = actions(&world, "Hash").count();
    world.run();
    assert_eq!(actions(&world, "Hash").count(), before, "the next file is not hashed at all");
}

#[test]
fn urls_that_expired_together_are_renewed_together() {
    let mut world = world(Faults { url_life: Duration::from_secs(10), ..Faults::none() });
    let id = world.add("film", 400);
    world.run_while(|world| world.peak == 0);
    // The laptop sleeps: everything signed so far is stale, and nothing was refused yet.
    world.now = world.now + Duration::from_secs(3_600);
    let signs = world.backend.signs;
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(world.backend.signs - signs <= 3, "{} requests to renew", world.backend.signs - signs);
}

#[test]
fn a_refused_signature_is_renewed_before_it_counts() {
    let mut world = world(Faults::none());
    world.add("film", 30);
    let (job, now) = loop {
        match world.uploader.poll_action(world.now) {
            Some(Action::Put { job, .. }) => break (job, world.now),
            Some(Action::Hash { job, range, .. }) => {
                world.uploader.handle_hash_done(job, Ok(crate::backend::content("film", range).into()));
            }
            Some(Action::Call { job, call }) => {
                let reply = world.backend.call(&call, world.now);
                world.uploader.handle_call_done(job, reply, world.now);
            }
            other => panic!("{other:?}"),
        }
    };
    world.uploader.handle_put_done(job, Err(refusal(403, "AccessDenied")), now);
    let next = world.uploader.poll_action(now);
    assert!(matches!(next, Some(Action::Call { call: ControlCall::Sign(_), .. })), "{next:?}");
}

#[test]
fn a_connection_that_stands_still_is_given_up() {
    let mut world = world(Faults { black_hole: 0.6, ..Faults::none() });
    let id = world.add("film", 400);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(actions(&world, "Stop").count() > 0, "nothing stalled, so nothing was shown");
    assert!(world.now > Time::from_millis(30_000));
}

#[test]
fn an_outage_spends_no_tries() {
    let mut world = world(Faults::none());
    let id = world.add("film", 4_000);
    world.outage(Duration::from_millis(400), Duration::from_secs(36_000));
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_server_that_is_down_is_named_and_retry_goes_on() {
    let mut world = world(Faults { request_lost: 1.0, ..Faults::none() });
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().waiting_for.is_none());
    assert_eq!(world.uploader.status(id, world.now).unwrap().waiting_for, Some(ErrorCode::ServerUnreachable));
    world.run_while(|world| !world.shown.contains_key(&id));
    assert_eq!(world.state(id), State::Waiting, "it is told while it is tried again");
    world.run();
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.retryable());
    world.faults = Faults::none();
    assert!(world.uploader.retry(id));
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_retry_sends_only_what_is_missing() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < 5);
    world.faults.request_lost = 1.0;
    world.run();
    assert_eq!(world.state(id), State::Failed);
    let stored = world.uploader.status(id, world.now).unwrap().parts_stored;
    assert!(stored >= 5);
    world.faults = Faults::none();
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let upload = world.backend.uploads.values().next().unwrap();
    assert!(upload.puts.values().all(|&puts| puts == 1), "{:?}", upload.puts);
}

#[test]
fn a_lost_answer_to_complete_is_asked_for_again() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.state(id) != State::Finishing);
    world.faults.answer_lost = 1.0;
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().waiting_for.is_none());
    world.faults.answer_lost = 0.0;
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn an_object_that_is_there_is_known_for_ones_own() {
    let mut world = world(Faults::none());
    world.backend.keeps_existing = true;
    // Nobody sees that it has left, or the store would be asked.
    world.faults.unseen = true;
    let id = world.add("photo", 30);
    world.run_while(|world| world.backend.creates == 0);
    world.faults.answer_lost = 1.0;
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().waiting_for.is_none());
    world.faults.answer_lost = 0.0;
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(world.trace.iter().any(|line| line.contains("412")), "the second PUT was refused");
    assert_eq!(world.backend.uploads.values().next().unwrap().puts[&PartNumber::FIRST], 1);
}

#[test]
fn an_object_of_somebody_elses_is_left_alone() {
    let mut world = world(Faults::none());
    world.backend.keeps_existing = true;
    world.backend.taken.push("photo".to_owned());
    let id = world.add("photo", 30);
    world.run();
    assert_eq!(world.state(id), State::Failed);
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::ObjectExists);
}

#[test]
fn a_part_that_the_store_lost_is_sent_again() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < 4);
    let upload = world.backend.uploads.values_mut().next().unwrap();
    let (lost, _) = upload.parts.pop_first().unwrap();
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(world.backend.uploads.values().next().unwrap().puts[&lost], 2);
}

#[test]
fn a_body_that_was_altered_on_the_way_is_hashed_and_sent_anew() {
    let mut world = world(Faults { altered: 0.3, ..Faults::none() });
    let id = world.add("film", 400);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(world.trace.iter().any(|line| line.contains("BadDigest")));
}

#[test]
fn a_store_that_hides_the_etag_is_named() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.peak == 0);
    let job = world
        .trace
        .iter()
        .find_map(|line| line.split_once("Put { job: JobId(")?.1.split(')').next()?.parse().ok())
        .unwrap();
    world.uploader.handle_put_done(partway_shared::transfer::JobId(job), Ok(None), world.now);
    world.run();
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::StoreEtagHidden);
    assert!(error.detail.contains("CORS"));
}

#[test]
fn cancelling_leaves_nothing() {
    for parts in [0, 1, 5] {
        let mut world = world(Faults::none());
        let id = world.add("film", 400);
        world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < parts);
        assert!(world.uploader.cancel(id));
        assert!(!world.uploader.cancel(id), "cancelling twice is once");
        world.run();
        assert_eq!(world.state(id), State::Cancelled);
        assert!(world.backend.uploads.values().all(|upload| upload.end == Some(End::Aborted)));
        assert!(world.uploader.remove(id));
        assert!(!world.uploader.remove(id));
    }
}

#[test]
fn cancelling_while_it_is_being_created_aborts_what_was_created() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| actions(world, "Call").count() == 0);
    world.uploader.cancel(id);
    assert_eq!(world.state(id), State::Cancelling);
    world.run();
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.backend.uploads.values().next().unwrap().end, Some(End::Aborted));
}

#[test]
fn cancelling_what_is_already_complete_tells_so() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.state(id) != State::Finishing);
    world.faults.answer_lost = 1.0;
    world.run_while(|world| world.backend.uploads.values().all(|upload| upload.end.is_none()));
    world.faults.answer_lost = 0.0;
    world.uploader.cancel(id);
    world.run();
    assert_eq!(
        world.state(id),
        State::Completed,
        "too late: the object is there, and the user is told where"
    );
}

/// What was sent straight to its key is complete, whether or not anybody has asked for that.
#[test]
fn cancelling_what_is_stored_as_a_whole_comes_too_late() {
    let mut world = world(Faults { answer_takes: Duration::from_secs(20), ..Faults::none() });
    world.backend.keeps_existing = true;
    let id = world.add("photo", 30);
    world.run_while(|world| world.backend.uploads.values().all(|upload| upload.parts.is_empty()));
    assert_ne!(world.state(id), State::Finishing, "the machine has not heard of it");
    assert!(world.uploader.cancel(id));
    world.run_while(|world| !actions(world, "Call").any(|line| line.contains("List")));
    assert_eq!(world.state(id), State::Cancelling);
    assert!(!world.uploader.cancel(id), "it is being cancelled");
    assert!(!world.uploader.pause(id, InFlight::Abandon));
    world.run();
    assert_eq!(world.state(id), State::Completed, "the user is told where it is");
}

/// The answer to a PUT was lost and its URL has expired: there is nothing to sign any more.
#[test]
fn what_is_complete_is_not_signed_again() {
    let mut world = world(Faults { url_life: Duration::from_millis(1), ..Faults::none() });
    world.backend.keeps_existing = true;
    let id = world.add("photo", 30);
    world.run_while(|world| world.backend.uploads.is_empty());
    // It came by a way that the machine knows nothing of.
    let upload = world.backend.uploads.values_mut().next().unwrap();
    let (number, range) = (PartNumber::FIRST, upload.plan.range(PartNumber::FIRST).unwrap());
    let checksum = content(&upload.name, range);
    let etag = ETag::new(&checksum.to_string());
    let part = StoredPart { part_number: number, size: range.len(), etag, checksum: Some(checksum.into()) };
    upload.parts.insert(number, part);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert!(world.backend.signs > 0, "it was asked for a signature");
}

/// Two requests to one key at the same moment: S3 lets neither replace the other, and says so with 409.
#[test]
fn a_conflict_at_the_store_passes() {
    let mut world = world(Faults { conflict: 0.5, ..Faults::none() });
    world.backend.keeps_existing = true;
    let files: Vec<_> = (0..20).map(|n| world.add(&format!("photo-{n}"), 30)).collect();
    world.run();
    assert!(files.into_iter().all(|id| world.state(id) == State::Completed));
    assert!(world.trace.iter().any(|line| line.contains("409")), "there was one");
}

#[test]
fn a_file_that_changes_fails_with_that_reason() {
    let mut world = world(Faults::none());
    let id = world.add("film", 4_000);
    world.changes.insert(id, Time::from_millis(500));
    world.run();
    let error = world.uploader.status(id, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::FileChanged);
    assert!(!error.retryable());
}

#[test]
fn an_upload_that_is_gone_starts_anew() {
    let mut world = world(Faults::none());
    let id = world.add("film", 400);
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < 4);
    world.backend.uploads.values_mut().next().unwrap().end = Some(End::Aborted);
    world.run();
    assert_eq!(world.uploader.status(id, world.now).unwrap().error.unwrap().code, ErrorCode::UploadGone);
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn what_comes_late_or_twice_is_passed_over() {
    let mut world = world(Faults::none());
    let id = world.add("film", 30);
    world.run();
    for job in 0..20 {
        let job = partway_shared::transfer::JobId(job);
        world.uploader.handle_put_done(job, Ok(Some(ETag::new("late"))), world.now);
        world.uploader.handle_call_done(job, Err(problem(ErrorCode::Internal)), world.now);
        world.uploader.handle_put_progress(job, 99, world.now);
        world.uploader.handle_put_done(job, Err(Failure::NoAnswer), world.now);
    }
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

/// 48.8 TiB are ten thousand parts of 5 GiB, and the machine holds a few numbers for each.
#[test]
fn the_largest_object_runs_to_its_end() {
    for size in [100 * GIB, 48 * TIB] {
        let backend =
            Backend::new(PlanLimits::default(), ChecksumKind::Crc64Nvme, Duration::from_secs(90_000));
        let faults = Faults { bytes_per_second: GIB, ..Faults::none() };
        let mut world = World::new(7, Settings::default(), backend, faults);
        let id = world.add("archive", size);
        world.run();
        assert_eq!(world.state(id), State::Completed);
        let upload = world.backend.uploads.values().next().unwrap();
        let first = upload.parts[&PartNumber::FIRST].size;
        assert!(first >= 16 * MIB && upload.parts.len() <= 10_000);
    }
}

/// However often the answer is lost, the server is asked for the same creation; once it was granted, the next is another.
#[test]
fn a_creation_keeps_its_name_until_it_is_granted() {
    let mut world = world(Faults { answer_lost: 1.0, ..Faults::none() });
    let id = world.add("film", 400);
    world.run_while(|world| world.backend.creates < 3);
    world.faults.answer_lost = 0.0;
    world.run_while(|world| world.uploader.status(id, world.now).unwrap().parts_stored < 4);
    let names = |world: &World| {
        let asked = world
            .trace
            .iter()
            .filter_map(|line| line.split_once("id: Some(CreationId(")?.1.split(')').next());
        asked.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(world.backend.creates >= 3);
    assert_eq!(names(&world).len(), 1);
    world.backend.uploads.values_mut().for_each(|upload| upload.end = Some(End::Aborted));
    world.run();
    world.uploader.retry(id);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(names(&world).len(), 2, "what is gone is not asked for again");
}
