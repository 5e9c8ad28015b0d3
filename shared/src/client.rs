//! Partway's server over HTTP, as a client sees it: the path and body of each call, and what its answer means.
//!
//! It owns paths and what is read of an answer. It never knows how a request is made, nor what parses JSON: a browser has `fetch`
//! and `JSON.parse`, a native client libraries of its own, and both report what came back as an [`Answer`]. That no answer came is
//! for them to say, with [`Failure::NoAnswer`].

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::transfer::Failure;
use crate::upload::{ControlCall, ControlReply};
use crate::wire::{CallerInfo, SignedObjects};

/// The path, to be appended to the endpoint, that tells who the caller is by `GET`. Its answer is read by [`read_caller`].
pub const CALLER_PATH: &str = "/v1/caller";

/// The path, to be appended to the endpoint, that takes a [`SignObjects`](crate::wire::SignObjects) by `POST`, as
/// `application/json`. Its answer is read by [`read_signed_objects`].
pub const SIGN_OBJECTS_PATH: &str = "/v1/objects/sign";

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer<B> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: B,
    /// The header `Retry-After`, by [`parse_retry_after`]. A page of another origin sees it only where CORS exposes it.
    pub retry_after: Option<Duration>,
}

/// A body, as it came.
pub trait Body {
    /// Returns its text.
    fn text(&self) -> &str;

    /// Parses it as JSON.
    fn parse<T: DeserializeOwned>(&self) -> Result<T, Unexpected>;
}

/// Why a body is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// It is not JSON.
    NotJson,
    /// It is JSON of another form, as this text says.
    Form(String),
}

/// Which of the [`ControlCall`]s a call is. It outlives the call, for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// [`ControlCall::Create`]
    Create,
    /// [`ControlCall::Copy`]
    Copy,
    /// [`ControlCall::Sign`]
    Sign,
    /// [`ControlCall::List`]
    List,
    /// [`ControlCall::Complete`]
    Complete,
    /// [`ControlCall::Abort`]
    Abort,
}

impl ControlCall {
    /// Returns which call it is.
    #[must_use]
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::Create(_) => CallKind::Create,
            Self::Copy(_) => CallKind::Copy,
            Self::Sign(_) => CallKind::Sign,
            Self::List(_) => CallKind::List,
            Self::Complete(_) => CallKind::Complete,
            Self::Abort(_) => CallKind::Abort,
        }
    }
}

impl CallKind {
    /// Returns the path, to be appended to the endpoint, that takes it by `POST`, as `application/json`.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Create => "/v1/uploads",
            Self::Copy => "/v1/copies",
            Self::Sign => "/v1/uploads/sign",
            Self::List => "/v1/uploads/list",
            Self::Complete => "/v1/uploads/complete",
            Self::Abort => "/v1/uploads/abort",
        }
    }

    /// Returns what an answer to such a call means.
    pub fn read_answer(self, answer: &Answer<impl Body>) -> Result<ControlReply, Failure> {
        match self {
            Self::Create => read_body(answer).map(ControlReply::Created),
            Self::Copy => read_body(answer).map(ControlReply::Copied),
            Self::Sign => read_body(answer).map(ControlReply::Signed),
            Self::List => read_body(answer).map(ControlReply::Listed),
            Self::Complete => read_body(answer).map(ControlReply::Completed),
            Self::Abort => ensure_success(answer).map(|()| ControlReply::Aborted),
        }
    }
}

/// Returns what an answer from [`CALLER_PATH`] means.
pub fn read_caller(answer: &Answer<impl Body>) -> Result<CallerInfo, Failure> {
    read_body(answer)
}

/// Returns what an answer from [`SIGN_OBJECTS_PATH`] means.
pub fn read_signed_objects(answer: &Answer<impl Body>) -> Result<SignedObjects, Failure> {
    read_body(answer)
}

/// Parses the header `Retry-After` where it is a number of seconds. A date is `None`: the clocks of two machines differ.
#[must_use]
pub fn parse_retry_after(header: &str) -> Option<Duration> {
    header.trim_ascii().parse().ok().map(Duration::from_secs)
}

/// Returns what an answer to any other call means, whose body is one of [`wire`](crate::wire).
pub fn read_body<T: DeserializeOwned>(answer: &Answer<impl Body>) -> Result<T, Failure> {
    ensure_success(answer)?;
    answer.body.parse().map_err(|unexpected| {
        let what = match unexpected {
            _ if answer.body.text().trim_ascii_start().starts_with('<') => {
                "a page of HTML came back, perhaps from a proxy".to_owned()
            }
            Unexpected::NotJson => "the answer is not JSON".to_owned(),
            Unexpected::Form(error) => format!("the answer is not what was expected ({error})"),
        };
        Failure::Unusable(format!("{what}; is the endpoint the address of a Partway server?"))
    })
}

/// The fields of a [`Problem`](crate::error::Problem) that a failure has. The code may be one of a later server's.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    detail: String,
    field: Option<String>,
    retry_after: Option<u64>,
}

/// Fails unless the status is 2xx: with the server's own problem, or with the status that something before it answered.
fn ensure_success(answer: &Answer<impl Body>) -> Result<(), Failure> {
    let &Answer { status, ref body, retry_after } = answer;
    if (200..300).contains(&status) {
        return Ok(());
    }
    Err(match body.parse() {
        Ok(Refusal { code, detail, field, retry_after: seconds }) => Failure::Status {
            status,
            code: Some(code),
            detail,
            field,
            retry_after: retry_after.max(seconds.map(Duration::from_secs)),
        },
        Err(_) => Failure::Status { status, code: None, detail: String::new(), field: None, retry_after },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::error::Category;
    use serde_json::{Value, json};

    use crate::checksum::ChecksumKind;
    use crate::error::{ErrorCode, Problem};
    use crate::part::{ETag, PartNumber};
    use crate::wire::{
        AbortUpload, CompleteUpload, CompleteUploads, CompletedPart, CompletedUpload, CompletedUploads,
        CopyFrom, CreateCopy, CreateUploads, CreatedCopy, CreatedUpload, CreatedUploads, ListParts,
        ListedParts, NewUpload, PartToSign, SignParts, SignedParts,
    };

    use super::*;

    const KINDS: [CallKind; 6] = [
        CallKind::Create,
        CallKind::Copy,
        CallKind::Sign,
        CallKind::List,
        CallKind::Complete,
        CallKind::Abort,
    ];

    impl Body for String {
        fn text(&self) -> &str {
            self
        }

        fn parse<T: DeserializeOwned>(&self) -> Result<T, Unexpected> {
            serde_json::from_str(self).map_err(|error| match error.classify() {
                Category::Data => Unexpected::Form(error.to_string()),
                Category::Io | Category::Syntax | Category::Eof => Unexpected::NotJson,
            })
        }
    }

    fn answer(status: u16, body: impl Into<String>) -> Answer<String> {
        Answer { status, body: body.into(), retry_after: None }
    }

    fn ensure_request(call: &ControlCall, kind: CallKind, path: &str, body: &Value) {
        assert_eq!(call.kind().path(), path);
        assert_eq!(&serde_json::to_value(call).unwrap(), body);
        assert_eq!(call.kind(), kind);
    }

    #[test]
    fn every_call_is_a_request() {
        let token = || "token".to_owned();
        let create = CreateUploads {
            files: vec![NewUpload { name: "a".to_owned(), size: Some(5), ..NewUpload::default() }],
        };
        let body = json!({ "files": [{ "name": "a", "size": 5 }] });
        ensure_request(&ControlCall::Create(create), CallKind::Create, "/v1/uploads", &body);
        let from = CopyFrom { key: "a".to_owned(), ..CopyFrom::default() };
        let copy = ControlCall::Copy(Box::new(CreateCopy { from, ..CreateCopy::default() }));
        let body = json!({ "from": { "key": "a" }, "to": {} });
        ensure_request(&copy, CallKind::Copy, "/v1/copies", &body);
        let parts = vec![PartToSign { part_number: PartNumber::FIRST, size: None, checksum: None }];
        let body = json!({ "token": "token", "parts": [{ "part_number": 1 }] });
        let sign = ControlCall::Sign(SignParts { token: token(), parts, strategy: None });
        ensure_request(&sign, CallKind::Sign, "/v1/uploads/sign", &body);
        let list = ControlCall::List(ListParts { token: token() });
        ensure_request(&list, CallKind::List, "/v1/uploads/list", &json!({ "token": "token" }));
        let parts = vec![CompletedPart { part_number: PartNumber::FIRST, etag: ETag::new("abc") }];
        let uploads = vec![CompleteUpload { token: token(), parts, checksum: None }];
        let complete = ControlCall::Complete(CompleteUploads { uploads });
        let parts = json!([{ "part_number": 1, "etag": "abc" }]);
        let body = json!({ "uploads": [{ "token": "token", "parts": parts }] });
        ensure_request(&complete, CallKind::Complete, "/v1/uploads/complete", &body);
        let abort = ControlCall::Abort(AbortUpload { token: token() });
        ensure_request(&abort, CallKind::Abort, "/v1/uploads/abort", &json!({ "token": "token" }));
    }

    #[test]
    fn every_reply_is_read() {
        let text = |body: &dyn Fn() -> serde_json::Result<String>| answer(200, body().unwrap());
        let refused =
            CreatedUpload::Refused(Problem::new(ErrorCode::FileTooLarge, "by far").with_field("size"));
        let created = CreatedUploads { owner: "somebody".to_owned(), uploads: vec![refused] };
        let signed = SignedParts { parts: Vec::new(), token: None };
        let listed = ListedParts { parts: Vec::new(), completed: None };
        let completed = CompletedUploads { uploads: Vec::new() };
        let read = |kind: CallKind, answer: Answer<String>| kind.read_answer(&answer).unwrap();
        let reply = read(CallKind::Create, text(&|| serde_json::to_string(&created)));
        assert_eq!(reply, ControlReply::Created(created));
        let copied = CreatedCopy::Copied(Box::new(CompletedUpload {
            bucket: "bucket".to_owned(),
            key: "a".to_owned(),
            location: "https://store.test/bucket/a".to_owned(),
            etag: ETag::new("abc"),
            size: 5,
            verified: ChecksumKind::None,
            checksum: None,
            version_id: None,
            part_count: 1,
        }));
        let reply = read(CallKind::Copy, text(&|| serde_json::to_string(&copied)));
        assert_eq!(reply, ControlReply::Copied(copied));
        let reply = read(CallKind::Sign, text(&|| serde_json::to_string(&signed)));
        assert_eq!(reply, ControlReply::Signed(signed));
        let reply = read(CallKind::List, text(&|| serde_json::to_string(&listed)));
        assert_eq!(reply, ControlReply::Listed(listed));
        let reply = read(CallKind::Complete, text(&|| serde_json::to_string(&completed)));
        assert_eq!(reply, ControlReply::Completed(completed));
        assert_eq!(read(CallKind::Abort, answer(204, "")), ControlReply::Aborted);
        let info = CallerInfo { owner: "somebody".to_owned() };
        assert_eq!(read_caller(&text(&|| serde_json::to_string(&info))), Ok(info));
        let signed = SignedObjects { objects: Vec::new() };
        assert_eq!(read_signed_objects(&text(&|| serde_json::to_string(&signed))), Ok(signed));
    }

    #[test]
    fn fields_of_a_later_server_are_left_alone() {
        let later = answer(200, json!({ "owner": "somebody", "uploads": [], "later": [1] }).to_string());
        assert!(CallKind::Create.read_answer(&later).is_ok());
    }

    #[test]
    fn an_answer_of_something_else_is_unusable() {
        for (body, expected) in [
            ("<!doctype html>", "a page of HTML"),
            ("\n  <html>", "a page of HTML"),
            ("", "not JSON"),
            ("{", "not JSON"),
            ("{\"a\":1}", "not what was expected"),
            ("{\"uploads\":{}}", "not what was expected"),
        ] {
            for kind in KINDS.into_iter().filter(|&kind| kind != CallKind::Abort) {
                let Err(Failure::Unusable(detail)) = kind.read_answer(&answer(200, body)) else {
                    panic!("{kind:?} {body}");
                };
                assert!(detail.contains(expected), "{kind:?} {body}: {detail}");
            }
            assert!(matches!(read_caller(&answer(200, body)), Err(Failure::Unusable(_))), "{body}");
            assert!(matches!(read_signed_objects(&answer(200, body)), Err(Failure::Unusable(_))), "{body}");
        }
    }

    #[test]
    fn an_answer_that_lacks_a_field_names_it() {
        let Err(Failure::Unusable(detail)) = CallKind::Create.read_answer(&answer(200, "{\"uploads\":[]}"))
        else {
            panic!("it has no owner");
        };
        assert!(detail.contains("owner"), "{detail}");
    }

    #[test]
    fn a_refusal_is_the_servers_problem_with_the_status_of_the_answer() {
        let problem = Problem::new(ErrorCode::InvalidField, "-1 is below 0").with_field("files[0].size");
        let body = serde_json::to_string(&problem).unwrap();
        for kind in KINDS {
            assert_eq!(
                kind.read_answer(&answer(400, body.clone())),
                Err(Failure::from(problem.clone())),
                "{kind:?}"
            );
        }
        assert_eq!(read_caller(&answer(400, body)), Err(Failure::from(problem)));
    }

    #[test]
    fn the_longer_of_two_waits_counts() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let problem =
            |wait: Option<u64>| Problem { retry_after: wait, ..Problem::new(ErrorCode::ServerBusy, "") };
        for (header, body, expected) in
            [(Some(3), Some(7), 7), (Some(7), Some(3), 7), (Some(7), None, 7), (None, Some(7), 7)]
        {
            let body = serde_json::to_string(&problem(body)).unwrap();
            let answer = Answer { status: 503, body, retry_after: header.map(Duration::from_secs) };
            let Err(Failure::Status { retry_after, .. }) = CallKind::Sign.read_answer(&answer) else {
                panic!("it is a refusal");
            };
            assert_eq!(retry_after, seconds(expected), "{header:?}");
        }
    }

    #[test]
    fn a_refusal_of_a_proxy_is_its_status() {
        for body in ["<html>Bad gateway", "", "{}", "{\"message\":\"no\"}", "null"] {
            let answer =
                Answer { status: 502, body: body.to_owned(), retry_after: Some(Duration::from_secs(2)) };
            let expected = Failure::Status {
                status: 502,
                code: None,
                detail: String::new(),
                field: None,
                retry_after: Some(Duration::from_secs(2)),
            };
            for kind in KINDS {
                assert_eq!(kind.read_answer(&answer), Err(expected.clone()), "{kind:?} {body}");
            }
        }
    }

    #[test]
    fn a_code_of_a_later_server_keeps_what_happened() {
        let body = json!({ "code": "no_such_code", "detail": "what happened", "status": 418 }).to_string();
        let Err(Failure::Status { status, code, detail, .. }) =
            CallKind::List.read_answer(&answer(418, body))
        else {
            panic!("it is a refusal");
        };
        assert_eq!((status, code.as_deref(), detail.as_str()), (418, Some("no_such_code"), "what happened"));
    }

    #[test]
    fn retry_after_is_read_where_it_is_a_number() {
        assert_eq!(parse_retry_after(" 120 "), Some(Duration::from_secs(120)));
        for other in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(parse_retry_after(other), None, "{other}");
        }
    }
}
