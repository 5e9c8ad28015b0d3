//! What is there: read, listed, deleted, shared, over each store.

use crate::stores::{Site, Traits};
use crate::support::*;

async fn server(site: &Site) -> TestApp {
    site.server_with(objects(&ALL, "")).await
}

pub(crate) async fn what_is_there_is_reached(site: &Site, traits: &Traits) {
    let app = server(site).await;
    for (name, size) in [("none.bin", 0), ("ü 写+%.txt", 60), ("parts.bin", PART + 5)] {
        let path = Some(format!("reached/{name}"));
        let text = Some("text/plain".to_owned());
        let upload =
            app.begin_as(NewUpload { path, content_type: text, ..file(name, 0) }, noise(size, 1)).await;
        let completed = upload.complete(&upload.send_all().await).await;
        let signed =
            app.sign(json!({ "key": completed.key, "filename": name, "cache_control": "no-store" })).await;
        let object = signed.object.unwrap();
        assert_eq!(
            (object.size, &object.etag, object.content_type.as_deref()),
            (size as u64, &completed.etag, Some("text/plain"))
        );
        assert_eq!(object.checksum, completed.checksum);
        if traits.checksum == ChecksumKind::Md5 && size > PART {
            assert_eq!(object.part_size, traits.part_sizes.then_some(PART as u64));
        }
        let read = app.read(&signed.url).await;
        assert_eq!((read.status, &read.body), (200, &upload.bytes), "{}", read.text());
        assert!(read.header("content-disposition").unwrap().starts_with("attachment; filename="));
        assert_eq!(read.header("cache-control"), Some("no-store"));
        assert_eq!(ETag::new(read.header("etag").unwrap()), object.etag);
        if size > 5 {
            let part = Answer::to(app.http.get(&signed.url).header("range", "bytes=1-5")).await;
            assert_eq!((part.status, &part.body[..]), (206, &upload.bytes[1..6]));
            assert_eq!(ETag::new(part.header("etag").unwrap()), object.etag);
            assert_eq!(part.header("content-range"), Some(format!("bytes 1-5/{size}").as_str()));
        }
        let head = app.sign(json!({ "key": completed.key, "method": "head" })).await;
        let head = Answer::to(app.http.head(&head.url)).await;
        assert_eq!((head.status, head.header("content-length")), (200, Some(size.to_string().as_str())));
    }
    let refused = app.sign_refused(json!({ "key": "reached/never" })).await;
    assert_eq!(refused.code, ErrorCode::ObjectNotFound);
}

pub(crate) async fn listings_have_pages_and_folders(site: &Site, _: &Traits) {
    let app = server(site).await;
    let keys = ["l/a b+c", "l/a/1", "l/a/2/x", "l/a/2/y", "l/a/3", "l/a0", "l/b/1", "l/c&<\"", "l/ü"];
    app.put_all(&keys).await;
    let seen = async |query: &str| {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.list(&format!("{query}{after}")).await;
            let mut names: Vec<_> =
                page.objects.into_iter().map(|object| object.key).chain(page.prefixes).collect();
            names.sort();
            seen.extend(names);
            assert!(seen.len() <= keys.len(), "{seen:?}");
            let Some(next) = page.next else { return seen };
            let next = reqwest::Url::parse_with_params("x:", [("after", next)]).unwrap();
            after = format!("&{}", next.query().unwrap());
        }
    };
    for limit in [1, 2, 1_000] {
        assert_eq!(seen(&format!("prefix=l/&limit={limit}")).await, keys);
        let folders = seen(&format!("prefix=l/&delimiter=/&limit={limit}")).await;
        assert_eq!(folders, ["l/a b+c", "l/a/", "l/a0", "l/b/", "l/c&<\"", "l/ü"], "{limit}");
        assert_eq!(
            seen(&format!("prefix=l/a/&delimiter=/&limit={limit}")).await,
            ["l/a/1", "l/a/2/", "l/a/3"]
        );
    }
}

pub(crate) async fn what_is_deleted_is_gone(site: &Site, _: &Traits) {
    let app = server(site).await;
    app.put_all(&["d/1", "d/2", "d/3 ü&<"]).await;
    let tag = app.look(&["d/1"]).await.remove(0).unwrap().etag;
    let deleted = app
        .delete(json!([
            { "key": "d/1", "etag": tag },
            { "key": "d/2", "etag": "another" },
            { "key": "d/3 ü&<" },
            { "key": "d/never" },
        ]))
        .await;
    let codes: Vec<_> = deleted.iter().map(|one| one.as_ref().err().map(|problem| problem.code)).collect();
    assert_eq!(codes, [None, Some(ErrorCode::ObjectChanged), None, None]);
    assert_eq!(
        app.list("prefix=d/").await.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(),
        ["d/2"]
    );
}

pub(crate) async fn a_link_leads_to_the_bytes(site: &Site, _: &Traits) {
    let app = server(site).await;
    app.put("link/ü.txt", "text/plain", b"abc").await;
    let made: CreatedLink = app.post("/v1/links", &json!({ "key": "link/ü.txt" })).await.is(201);
    assert_eq!(app.read(&made.url).await.body, b"abc");
    app.delete(json!([{ "key": "link/ü.txt" }])).await;
    app.read(&made.url).await.refused(ErrorCode::ObjectNotFound);
}
