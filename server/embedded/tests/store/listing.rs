//! Keys and listings: what may be a key, and in which order, groups and pages keys are shown.

use std::collections::BTreeSet;

use crate::support::*;
use aws_sdk_s3::types::EncodingType;

/// Keys that were trouble somewhere, and some of which a file system would take for something else.
fn nasty_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "..",
        "../x",
        "../../etc/passwd",
        "a/../b",
        ".",
        "./x",
        "/",
        "//",
        "///x",
        "a",
        "a/",
        "a/b",
        "a//b",
        "a/b/",
        "ü/é/漢字/🦀",
        " x",
        " a ",
        "a+b",
        "a%2Fb",
        "%",
        "%41",
        "a?b#c",
        "a&b=c",
        "a\\b",
        "con",
        "a\u{1}b\u{1f}\u{7f}",
        "tab\there",
        "line\nbreak",
        "quote\"'`<>",
        "*",
        "~",
        "index.redb",
        "contents/ab",
        "e\u{301}",
    ]
    .map(str::to_owned)
    .into();
    keys.push("k".repeat(1024));
    keys.push("ü".repeat(512));
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn any_key_is_stored_listed_and_kept_apart() {
    let store = TestStore::start();
    let keys = nasty_keys();
    for key in &keys {
        store.put(key, format!("at {key}").as_bytes()).await;
    }
    let store = store.restart().await;
    for key in &keys {
        assert_eq!(store.get(key).await, format!("at {key}").as_bytes(), "{key:?}");
    }
    let list = store.client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url).max_keys(7);
    let mut pages = list.into_paginator().send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let contents = page.unwrap().contents.unwrap_or_default();
        listed.extend(contents.into_iter().map(|object| percent_decode(object.key().unwrap())));
    }
    let sorted: BTreeSet<Vec<u8>> = keys.iter().map(|key| key.clone().into_bytes()).collect();
    assert_eq!(listed, sorted.into_iter().collect::<Vec<_>>());
    // Nothing left the data folder, and in it there is nothing that is named by a key.
    let names: BTreeSet<_> =
        std::fs::read_dir(store.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["contents", "index.redb"].map(Into::into).into());
    store.settles_at(keys.len()).await;

    let long = store.client.put_object().bucket(BUCKET).key("k".repeat(1025)).send().await;
    assert_eq!(long.refused(), ("KeyTooLongError".to_owned(), 400));
    let long = store.client.create_multipart_upload().bucket(BUCKET).key("k".repeat(1025)).send().await;
    assert_eq!(long.refused(), ("KeyTooLongError".to_owned(), 400));
    for key in &keys {
        store.client.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    assert!(store.keys().await.is_empty());
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_group_and_page() {
    let store = TestStore::start();
    for key in ["a", "b/1", "b/2", "b/c/3", "d", "e/4", "f"] {
        store.put(key, b"x").await;
    }
    // Every page size, with both versions, shows the same.
    for size in 1..=8 {
        let (mut names, mut token, mut marker) = (Vec::new(), None, None);
        loop {
            let page = store.client.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(size);
            let page = page.set_continuation_token(token).send().await.unwrap();
            assert!(page.key_count.unwrap() <= size);
            let mut here: Vec<_> =
                page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect();
            here.extend(page.common_prefixes().iter().map(|group| group.prefix().unwrap().to_owned()));
            here.sort();
            names.extend(here);
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names, ["a", "b/", "d", "e/", "f"], "version 2, {size} a page");
        names.clear();
        loop {
            let page = store.client.list_objects().bucket(BUCKET).delimiter("/").max_keys(size);
            let page = page.set_marker(marker).send().await.unwrap();
            let mut here: Vec<_> =
                page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect();
            here.extend(page.common_prefixes().iter().map(|group| group.prefix().unwrap().to_owned()));
            here.sort();
            names.extend(here);
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(names, ["a", "b/", "d", "e/", "f"], "version 1, {size} a page");
    }
    let list = || store.client.list_objects_v2().bucket(BUCKET);
    let inner = list().prefix("b/").delimiter("/").send().await.unwrap();
    assert_eq!(inner.contents().len(), 2);
    assert_eq!(inner.common_prefixes()[0].prefix(), Some("b/c/"));
    let after = list().start_after("b/2").send().await.unwrap();
    assert_eq!(after.contents()[0].key(), Some("b/c/3"));
    assert_eq!(list().max_keys(0).send().await.unwrap().is_truncated, Some(false));
    assert_eq!(list().continuation_token("?").send().await.refused().0, "InvalidArgument");
}
