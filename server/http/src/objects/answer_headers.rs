//! What the store's answer says of an object: the overrides of a request, checked, and what keeps a browser from executing it.

use partway_s3::attributes::check_value;
use partway_s3::signing::AnswerHeaders;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{Disposition, ObjectInfo, ResponseHeaders};

use crate::policy::{MediaType, Policy, is_executable, with_filename};

use super::access::Place;

/// Returns the headers of the store's answer.
pub(super) fn answer_headers(
    policy: &Policy,
    key: &str,
    asked: &ResponseHeaders,
    object: Option<&ObjectInfo>,
    place: Place,
) -> Result<AnswerHeaders, Problem> {
    let refuse =
        |field: &str, why: String| Problem::new(ErrorCode::InvalidField, why).with_field(place.field(field));
    for (field, value) in [
        ("cache_control", &asked.cache_control),
        ("content_language", &asked.content_language),
        ("content_encoding", &asked.content_encoding),
    ] {
        value.as_deref().map_or(Ok(()), check_value).map_err(|why| refuse(field, why))?;
    }
    if asked.expires.as_ref().is_some_and(|date| httpdate::parse_http_date(date).is_err()) {
        let why = "it must be an HTTP date such as Wed, 21 Oct 2026 07:28:00 GMT";
        return Err(refuse("expires", why.to_owned()));
    }
    let content_type = asked.content_type.as_deref().map(MediaType::parse).transpose();
    let content_type = content_type.map_err(|why| refuse("type", why))?;
    let executes = !policy.inline_active_types && may_execute(content_type.as_ref(), object);
    Ok(AnswerHeaders {
        cache_control: asked.cache_control.clone(),
        content_disposition: disposition(key, asked, executes),
        content_encoding: asked.content_encoding.clone(),
        content_language: asked.content_language.clone(),
        content_type: content_type.map(|content_type| content_type.to_string()),
        expires: asked.expires.clone(),
    })
}

/// Returns whether a browser could execute the object. One that nobody looked at could be anything.
fn may_execute(asked: Option<&MediaType>, object: Option<&ObjectInfo>) -> bool {
    match (asked, object) {
        (Some(asked), _) => is_executable(asked),
        (None, Some(object)) => object
            .content_type
            .as_deref()
            // A type that cannot be read here may be read by a browser.
            .is_some_and(|stored| MediaType::parse(stored).map_or(true, |stored| is_executable(&stored))),
        (None, None) => true,
    }
}

/// Returns the `Content-Disposition`; `None` for the one that is stored.
fn disposition(key: &str, asked: &ResponseHeaders, executes: bool) -> Option<String> {
    // Of a folder's marker, what is before its slash.
    let last = || key.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = asked.filename.as_deref();
    match asked.disposition {
        Some(Disposition::Inline) if !executes => {
            Some(name.map_or_else(|| "inline".to_owned(), |name| with_filename(Disposition::Inline, name)))
        }
        None if name.is_none() && !executes => None,
        _ => Some(with_filename(Disposition::Attachment, name.unwrap_or_else(last))),
    }
}

#[cfg(test)]
mod tests {
    use partway_shared::part::ETag;

    use super::*;

    fn object(content_type: Option<&str>) -> ObjectInfo {
        ObjectInfo {
            key: "a/b.html".to_owned(),
            size: 1,
            etag: ETag::new("x"),
            has_md5_etag: true,
            content_type: content_type.map(str::to_owned),
            last_modified: None,
            version_id: None,
            checksum: None,
            part_size: None,
        }
    }

    fn disposition(policy: &Policy, asked: &ResponseHeaders, object: Option<&ObjectInfo>) -> Option<String> {
        answer_headers(policy, "a/b.html", asked, object, Place::Alone).unwrap().content_disposition
    }

    #[test]
    fn what_would_run_is_downloaded_whatever_is_asked() {
        let policy = Policy::default();
        let inline = ResponseHeaders { disposition: Some(Disposition::Inline), ..ResponseHeaders::default() };
        let plain = ResponseHeaders::default();
        let attached = |asked: &ResponseHeaders, object: Option<&ObjectInfo>| {
            disposition(&policy, asked, object)
                .is_some_and(|text| text.starts_with("attachment; filename=\"b.html\""))
        };
        for content_type in
            ["text/html", "image/svg+xml", "TEXT/HTML; charset=utf-8", "text/html, image/png", "html"]
        {
            assert!(attached(&plain, Some(&object(Some(content_type)))), "{content_type}");
            assert!(attached(&inline, Some(&object(Some(content_type)))), "{content_type}");
        }
        // Nobody has looked.
        assert!(attached(&plain, None) && attached(&inline, None));
        let as_html = ResponseHeaders { content_type: Some("text/html".to_owned()), ..inline.clone() };
        assert!(attached(&as_html, Some(&object(Some("image/png")))));
        let as_image = ResponseHeaders { content_type: Some("image/png".to_owned()), ..inline.clone() };
        assert_eq!(disposition(&policy, &as_image, None).as_deref(), Some("inline"));
        for harmless in [Some("image/png"), None] {
            assert_eq!(disposition(&policy, &plain, Some(&object(harmless))), None);
            assert_eq!(disposition(&policy, &inline, Some(&object(harmless))).as_deref(), Some("inline"));
        }
        let shows = Policy { inline_active_types: true, ..Policy::default() };
        assert_eq!(disposition(&shows, &plain, Some(&object(Some("text/html")))), None);
        assert_eq!(disposition(&shows, &inline, None).as_deref(), Some("inline"));
    }

    #[test]
    fn a_name_alone_makes_an_attachment() {
        let named = ResponseHeaders { filename: Some("ü.png".to_owned()), ..ResponseHeaders::default() };
        let header = disposition(&Policy::default(), &named, Some(&object(Some("image/png")))).unwrap();
        assert_eq!(header, "attachment; filename=\"_.png\"; filename*=UTF-8''%C3%BC.png");
        let inline = ResponseHeaders { disposition: Some(Disposition::Inline), ..named };
        let header = disposition(&Policy::default(), &inline, Some(&object(Some("image/png")))).unwrap();
        assert!(header.starts_with("inline; filename=\"_.png\""), "{header}");
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let text = |text: &str| Some(text.to_owned());
        let none = ResponseHeaders::default;
        for (asked, field) in [
            (ResponseHeaders { cache_control: text("a\r\nb: c"), ..none() }, "objects[1].cache_control"),
            (ResponseHeaders { content_language: text(""), ..none() }, "objects[1].content_language"),
            (ResponseHeaders { content_encoding: text("ü"), ..none() }, "objects[1].content_encoding"),
            (ResponseHeaders { content_type: text("html"), ..none() }, "objects[1].type"),
            (ResponseHeaders { content_type: text("text/html\r\nx: y"), ..none() }, "objects[1].type"),
            (ResponseHeaders { expires: text("tomorrow"), ..none() }, "objects[1].expires"),
        ] {
            let problem = answer_headers(&Policy::default(), "a", &asked, None, Place::At(1)).unwrap_err();
            assert_eq!((problem.code, problem.field.as_deref()), (ErrorCode::InvalidField, Some(field)));
        }
        let dated = ResponseHeaders { expires: text("Wed, 21 Oct 2026 07:28:00 GMT"), ..none() };
        assert!(answer_headers(&Policy::default(), "a", &dated, None, Place::Alone).is_ok());
    }
}
