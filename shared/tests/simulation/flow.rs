//! Stories of how much is on its way at once.

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::upload::{Settings, State};

use crate::backend::Backend;
use crate::faults::Faults;
use crate::world::World;
use crate::{settings, tiny};

fn world(settings: Settings, hosts: u32) -> World {
    let faults = Faults::none();
    let mut backend = Backend::new(tiny(), ChecksumKind::Crc64Nvme, faults.url_life);
    backend.hosts = hosts;
    World::new(7, settings, backend, faults)
}

#[test]
fn each_host_name_brings_its_own_connections() {
    let mut one = world(settings(), 1);
    one.add("film", 4_000);
    one.run();
    assert_eq!(one.peak, 6);
    let mut two = world(settings(), 2);
    two.add("film", 4_000);
    two.run();
    assert!((10..=12).contains(&two.peak), "{}", two.peak);
}

#[test]
fn a_ceiling_given_by_the_page_holds() {
    let mut world = world(Settings { concurrency: Some(2), ..settings() }, 3);
    world.add("film", 4_000);
    world.run();
    assert_eq!(world.peak, 2);
}

#[test]
fn slow_down_is_obeyed() {
    let mut world = world(settings(), 1);
    let id = world.add("film", 4_000);
    world.run_while(|world| world.peak < 6);
    world.faults.slow_down = 1.0;
    let until = world.now + Duration::from_millis(1_500);
    world.run_while(|world| world.now < until);
    world.faults.slow_down = 0.0;
    world.peak = 0;
    let until = world.now + Duration::from_secs(2);
    world.run_while(|world| world.now < until);
    assert!((1..=3).contains(&world.peak), "{} at once after being told to slow down", world.peak);
    world.run();
    assert_eq!(world.state(id), State::Completed);
}

#[test]
fn a_cap_on_the_bytes_a_second_holds() {
    let mut world = world(Settings { max_bytes_per_second: Some(400), ..settings() }, 1);
    let id = world.add("film", 4_000);
    world.run();
    assert_eq!(world.state(id), State::Completed);
    let took = world.now.as_millis();
    assert!((8_500..13_000).contains(&took), "4,000 bytes at 400 a second took {took} ms");
}

#[test]
fn a_form_that_the_store_refuses_becomes_a_put() {
    let mut world = world(settings(), 1);
    world.backend.gives_forms = true;
    world.backend.refuses_forms = true;
    let id = world.add("photo", 30);
    world.run();
    assert_eq!(world.state(id), State::Completed);
}
