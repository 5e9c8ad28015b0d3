//! One suite, over each store that is supported: the embedded one, Garage and Ceph's RADOS Gateway.
//!
//! The latter two are programs of their own, started here on loopback; `just test-stores` gets them. A test for each
//! store runs all stories one after another, since to start a store takes longer than to tell a story.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod copies;
mod faults;
mod objects;
mod operations;
mod replicas;
mod stores;
mod stories;

#[path = "../routes/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the routes' tests use more of it")]
mod support;

use stores::{Ceph, Embedded, Garage, Traits};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded() {
    let store = Embedded::start().await;
    let traits = Traits {
        checksum: support::ChecksumKind::Crc64Nvme,
        plain_crc: true,
        has_rules: false,
        forms: true,
        tags: [true, true],
        copied_tags: true,
        copied_keys: true,
        direct: true,
        part_sizes: true,
        weak: &[],
    };
    run(&store.site, &traits).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garage() {
    let store = Garage::start().await;
    let traits = Traits {
        checksum: support::ChecksumKind::Crc64Nvme,
        plain_crc: false,
        has_rules: true,
        forms: true,
        tags: [false, false],
        copied_tags: false,
        copied_keys: true,
        direct: false,
        part_sizes: true,
        weak: &["If-None-Match, PUT", "If-None-Match, complete", "If-None-Match, copy"],
    };
    run(&store.site, &traits).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ceph() {
    let store = Box::pin(Ceph::start()).await;
    let traits = Traits {
        checksum: support::ChecksumKind::Md5,
        plain_crc: false,
        has_rules: true,
        // It passes over their MD5.
        forms: false,
        tags: [true, false],
        copied_tags: false,
        // Of parts it decodes them twice.
        copied_keys: false,
        direct: true,
        part_sizes: false,
        weak: &[
            "unsigned copy, PUT",
            // It passes over the condition on the source.
            "copy within the bucket",
            "If-None-Match, complete",
            "If-None-Match, copy",
            "copied keys",
            "copied tags",
            "uploads are checked by",
            "errors from https://app.example.com",
        ],
    };
    run(&store.site, &traits).await;
}

/// Tells every story, with a word before each, so that a failure says which it was.
macro_rules! tell {
    ($site:expr, $traits:expr, $($story:path),* $(,)?) => {
        $(
            eprintln!("{}", stringify!($story));
            Box::pin($story($site, $traits)).await;
        )*
    };
}

async fn run(site: &stores::Site, traits: &Traits) {
    tell!(
        site,
        traits,
        operations::doctor_finds_and_mends,
        stories::files_of_all_sizes_arrive,
        stories::many_small_files_arrive,
        stories::several_are_completed_in_one_call,
        stories::objects_have_what_their_destination_says,
        stories::an_object_that_is_there_stays,
        stories::completed_objects_are_final,
        stories::unsigned_headers_are_not_stored,
        stories::an_application_is_told_once,
        stories::a_file_that_is_something_else_is_removed,
        stories::all_parts_are_listed_in_order,
        stories::an_upload_goes_on_at_another_replica,
        stories::names_do_no_harm,
        stories::an_aborted_upload_is_gone,
        objects::what_is_there_is_reached,
        objects::listings_have_pages_and_folders,
        objects::what_is_deleted_is_gone,
        objects::a_link_leads_to_the_bytes,
        copies::objects_are_copied_with_what_they_have,
        copies::the_object_that_was_named_is_copied,
        copies::what_was_verified_is_verified_again,
        copies::a_source_that_changes_is_noticed,
        copies::objects_are_copied_to_another_bucket,
        faults::what_differs_is_refused,
        faults::altered_bytes_are_refused,
        faults::terms_of_urls_hold,
        faults::a_late_part_changes_nothing,
        faults::expired_urls_are_refused,
        operations::lost_tags_are_noticed,
        operations::readiness_knows_good_credentials,
        operations::sweeping_leaves_nothing,
    );
}
