//! Stories of objects that are replaced while they are downloaded.

use partway_shared::download::{Sink, State};
use partway_shared::error::ErrorCode;
use partway_shared::part::ETag;
use partway_shared::transfer::FileId;

use crate::settings;
use crate::store::Knows;
use crate::world::{Faults, World};

const ORDERED: Sink = Sink::Ordered { window_bytes: 160 };

fn film(sink: Sink) -> (World, FileId) {
    let mut world = World::new(7, settings(), Faults::none());
    world.store.put("film", 1_234, Knows::Crc64Nvme, 1);
    let id = world.add("film", sink);
    (world, id)
}

fn completes(world: &mut World, id: FileId) {
    world.run();
    let status = world.status(id);
    assert_eq!(status.state, State::Completed, "{:?}", status.error);
    let object = &world.store.objects["film"];
    assert_eq!(status.object, Some(object));
    assert_eq!(world.sinks[&id].bytes(), world.store.bytes[&object.etag]);
}

#[test]
fn a_file_begins_anew_once() {
    for size in [0, 40, 300, 1_234, 2_000] {
        let (mut world, id) = film(Sink::Random);
        world.run_while(|world| world.received < 600);
        world.store.put("film", size, Knows::Crc64Nvme, 2);
        completes(&mut world, id);
        assert!(world.restarted.contains(&id), "it says so");
        assert_eq!(world.store.looks, 2);
    }
}

#[test]
fn what_is_replaced_again_and_again_fails_and_a_retry_begins_anew() {
    let (mut world, id) = film(Sink::Random);
    for seed in [2, 3] {
        let received = world.received;
        world.run_while(|world| world.received < received + 300);
        world.store.put("film", 1_234, Knows::Crc64Nvme, seed);
        world.run_while(|world| world.store.looks < 2 && world.state(id) != State::Failed);
    }
    world.run();
    assert_eq!(world.status(id).error.unwrap().code, ErrorCode::ObjectChanged);
    assert!(world.journal.is_empty());
    assert!(world.downloader.retry(id));
    completes(&mut world, id);
}

#[test]
fn a_consumer_that_has_bytes_of_it_gets_no_bytes_of_another() {
    let (mut world, id) = film(ORDERED);
    world.run_while(|world| world.received < 300);
    world.store.put("film", 1_234, Knows::Crc64Nvme, 2);
    world.run();
    let error = world.status(id).error.unwrap();
    assert_eq!(error.code, ErrorCode::ObjectChanged);
    assert!(error.detail.contains("given out"), "{error}");
    assert!(!world.downloader.retry(id), "the beginning cannot be taken back");
}

#[test]
fn a_consumer_that_has_nothing_yet_gets_the_new_object() {
    let (mut world, id) = film(ORDERED);
    // Between the look and the first answer.
    world.run_while(|world| world.gets.is_empty());
    world.store.put("film", 900, Knows::Crc64Nvme, 2);
    completes(&mut world, id);
    assert!(world.restarted.contains(&id));
}

#[test]
fn an_answer_of_another_object_is_not_read() {
    let (mut world, id) = film(Sink::Random);
    world.run_while(|world| world.received < 600);
    world.faults.foreign = 1.0;
    world.run_while(|world| world.restarted.is_empty());
    world.faults.foreign = 0.0;
    completes(&mut world, id);
}

#[test]
fn another_size_under_the_same_etag_is_another_object() {
    let (mut world, id) = film(Sink::Random);
    world.run_while(|world| world.received < 300);
    let etag = world.store.objects["film"].etag.clone();
    world.store.put("film", 2_000, Knows::Crc64Nvme, 2);
    let object = world.store.objects.get_mut("film").unwrap();
    let bytes = world.store.bytes[&object.etag].clone();
    object.etag = etag.clone();
    world.store.bytes.insert(etag, bytes);
    completes(&mut world, id);
    assert!(world.restarted.contains(&id));
}

#[test]
fn a_look_that_sees_another_object_is_believed() {
    let (mut world, id) = film(Sink::Random);
    world.run_while(|world| world.received < 300);
    let weak = ETag::new(&format!("W/\"{}\"", world.store.objects["film"].etag));
    assert_eq!(weak, world.store.objects["film"].etag, "a proxy that weakens the tag changes nothing");
    world.store.put("film", 1_000, Knows::Nothing, 3);
    completes(&mut world, id);
}
