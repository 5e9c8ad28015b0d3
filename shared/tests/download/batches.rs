//! Stories of many files.

use partway_shared::download::{Settings, Sink, State};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::time::Time;
use partway_shared::transfer::FileId;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

fn photos(count: usize, settings: Settings) -> (World, Vec<FileId>) {
    let faults = Faults { bytes_per_second: 100_000, ..Faults::none() };
    let mut world = World::new(7, settings, faults);
    let add = |n: usize| {
        let key = format!("photo-{n}");
        world.store.put(&key, 30, Knows::Crc64Nvme, n as u64);
        world.add(&key, Sink::Random)
    };
    let files = (0..count).map(add).collect();
    (world, files)
}

fn all_complete(world: &World, files: &[FileId]) {
    for &id in files {
        let status = world.status(id);
        assert_eq!(status.state, State::Completed, "{:?}", status.error);
    }
}

#[test]
fn many_small_files_cost_few_calls_and_one_get_each() {
    for (count, most) in [(500, 1), (2_500, 12)] {
        let (mut world, files) = photos(count, settings());
        world.run();
        all_complete(&world, &files);
        let calls = world.store.calls;
        assert!(calls <= most, "{calls} calls for {count} files");
        assert_eq!(world.gets.len(), count);
        assert_eq!(world.store.looks as usize, count);
    }
}

#[test]
fn files_that_come_one_by_one_gather() {
    let (mut world, mut files) = photos(0, settings());
    for n in 0..200 {
        let key = format!("photo-{n}");
        world.store.put(&key, 30, Knows::Crc64Nvme, n);
        files.push(world.add(&key, Sink::Random));
        // The driver asks after each.
        world.run_while(|world| world.now < Time::from_millis(0));
    }
    world.run();
    all_complete(&world, &files);
    assert!(world.store.calls <= 4, "{} calls", world.store.calls);
}

#[test]
fn one_refused_file_fails_no_other() {
    let (mut world, files) = photos(10, settings());
    world.store.objects.remove("photo-3");
    let busy = Problem::new(ErrorCode::TooManyRequests, "for now").with_retry_after(20);
    world.store.postponed.insert("photo-5".to_owned(), busy);
    world.run_while(|world| world.now < Time::from_millis(10_000));
    for (n, &id) in files.iter().enumerate() {
        let expected = match n {
            3 => State::Failed,
            5 => State::Waiting,
            _ => State::Completed,
        };
        assert_eq!(world.state(id), expected, "{n}");
    }
    assert_eq!(world.status(files[3]).error.unwrap().code, ErrorCode::ObjectNotFound);
    assert_eq!(world.status(files[5]).waiting_for, Some(ErrorCode::TooManyRequests));
    world.run();
    assert_eq!(world.state(files[5]), State::Completed);
    assert!(world.now >= Time::from_millis(20_000));
}

#[test]
fn a_call_that_is_too_large_is_cut_in_two() {
    let (mut world, files) = photos(100, settings());
    world.store.most = 7;
    world.run();
    all_complete(&world, &files);
    let (mut world, files) = photos(3, settings());
    world.store.most = 0;
    world.run();
    for id in files {
        assert_eq!(world.status(id).error.unwrap().status, Some(413), "one object alone is too much");
    }
}

#[test]
fn no_more_files_are_open_than_may_be() {
    let (mut world, files) = photos(100, Settings { open_files: 10, ..settings() });
    world.run_while(|world| world.received < 300);
    let begun = files.iter().filter(|&&id| world.status(id).object.is_some()).count();
    assert!(begun <= 30, "{begun}");
    world.run();
    all_complete(&world, &files);
}

#[test]
fn a_small_file_is_not_starved_by_a_large_one() {
    let (mut world, _) = photos(0, settings());
    world.faults.bytes_per_second = 1_000;
    world.store.put("film", 12_340, Knows::Crc64Nvme, 1);
    world.store.put("photo", 30, Knows::Crc64Nvme, 2);
    let large = world.add("film", Sink::Random);
    world.run_while(|world| world.received < 1_000);
    let small = world.add("photo", Sink::Random);
    world.run_while(|world| world.state(small) != State::Completed);
    assert_eq!(world.state(large), State::Downloading);
    assert!(world.received < 2_500, "{}", world.received);
    world.run();
}

#[test]
fn large_files_share_the_line() {
    let (mut world, _) = photos(0, settings());
    world.faults.bytes_per_second = 1_000;
    for (key, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        world.store.put(key, 4_000, Knows::Crc64Nvme, seed);
        world.add(key, Sink::Random);
    }
    world.run_while(|world| world.received < 6_000);
    for id in world.downloader.files().collect::<Vec<_>>() {
        let downloaded = world.status(id).downloaded;
        assert!((1_700..2_300).contains(&downloaded), "{downloaded} of 6,000");
    }
    world.run();
}
