//! What a refusal says of when to try again, in whichever answer it stands.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::time::Time;
use partway_shared::upload::{InFlight, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world() -> World {
    let faults = Faults::none();
    World::new(7, settings(), Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life), faults)
}

/// One of many files is over a limit: it waits as long as the server says, and holds up nothing else.
#[test]
fn a_file_that_is_refused_for_now_is_created_when_the_server_said() {
    let mut world = world();
    let busy = Problem::new(ErrorCode::TooManyUploads, "ten are open").with_retry_after(60);
    world.backend.postponed.insert("late".to_owned(), busy);
    let (late, prompt) = (world.add("late", 30), world.add("prompt", 30));
    world.run_while(|world| world.state(prompt) != State::Completed);
    let status = world.uploader.status(late, world.now).unwrap();
    assert_eq!((status.state, status.waiting_for), (State::Waiting, Some(ErrorCode::TooManyUploads)));
    let next = world.add("next", 30);
    world.run_while(|world| world.state(next) != State::Completed);
    assert!(world.now < Time::from_millis(10_000), "others are created meanwhile");
    assert_eq!(world.state(late), State::Waiting);
    world.run_while(|world| world.backend.uploads.len() < 3);
    assert!(world.now >= Time::from_millis(60_000), "it is asked for again at {:?}", world.now);
    world.run();
    assert_eq!(world.state(late), State::Completed);
}

#[test]
fn a_file_that_is_refused_for_now_can_be_paused_cancelled_and_is_given_up_in_the_end() {
    let mut world = world();
    let busy = || Problem::new(ErrorCode::TooManyUploads, "ten are open").with_retry_after(60);
    for name in ["paused", "cancelled"] {
        world.backend.postponed.insert(name.to_owned(), busy());
    }
    let (paused, cancelled) = (world.add("paused", 30), world.add("cancelled", 30));
    world.run_while(|world| world.backend.creates == 0 || world.uploader.is_busy());
    assert!(world.uploader.pause(paused, InFlight::Abandon) && world.uploader.cancel(cancelled));
    assert_eq!((world.state(paused), world.state(cancelled)), (State::Paused, State::Cancelled));
    assert!(world.uploader.resume(paused));
    world.run();
    assert_eq!(world.state(paused), State::Completed);

    let hopeless = world.add("hopeless", 30);
    while world.state(hopeless) == State::Waiting {
        world.backend.postponed.insert("hopeless".to_owned(), busy());
        let creates = world.backend.creates;
        world.run_while(|world| world.backend.creates == creates && world.state(hopeless) == State::Waiting);
    }
    let error = world.uploader.status(hopeless, world.now).unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::TooManyUploads);
    world.backend.postponed.clear();
    assert!(world.uploader.retry(hopeless));
    world.run();
    assert_eq!(world.state(hopeless), State::Completed);
}

#[test]
fn one_completion_of_many_that_is_refused_for_now_is_tried_when_the_server_said() {
    let mut world = world();
    let away = || Problem::new(ErrorCode::HookUnavailable, "no answer").with_retry_after(60);
    world.backend.uncompleted.insert("late".to_owned(), away());
    world.backend.uncompleted.insert("large".to_owned(), away());
    let files = [world.add("late", 30), world.add("large", 400), world.add("prompt", 30)];
    world.run_while(|world| world.state(files[2]) != State::Completed);
    assert!(world.now < Time::from_millis(10_000));
    world.run_while(|world| files.iter().all(|&id| world.state(id) != State::Completed || id == files[2]));
    assert!(world.now >= Time::from_millis(60_000), "tried again at {:?}", world.now);
    world.run();
    assert!(files.iter().all(|&id| world.state(id) == State::Completed));
}
