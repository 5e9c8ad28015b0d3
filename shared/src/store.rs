//! A store over HTTP, as a client sees it: what its answer to a signed request means.
//!
//! As with [`client`](crate::client), how a request is made is the driver's to know.

use crate::client::Answer;
use crate::part::ETag;
use crate::transfer::Failure;

/// Returns what an answer to a part's PUT, or to its form, means: the ETag of a 2xx, if it can be read.
///
/// `etag` is the header of that name, which a page sees only where CORS exposes it. The answer to a form has the ETag in its body
/// as well.
pub fn read_put(answer: &Answer<String>, etag: Option<&str>) -> Result<Option<ETag>, Failure> {
    ensure_success(answer)?;
    Ok(etag.map(ETag::new).or_else(|| in_body(answer)))
}

/// Returns what an answer to a part's copy means: the part's ETag.
///
/// A store may say that it will succeed, with status 200, and fail afterwards, so that the body alone tells
/// ([S3](https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html)).
pub fn read_copied(answer: &Answer<String>) -> Result<ETag, Failure> {
    ensure_success(answer)?;
    if let Some(etag) = in_body(answer) {
        return Ok(etag);
    }
    let Failure::Status { code: Some(code), detail, .. } = refusal(answer) else {
        return Err(Failure::Unusable("the store's answer to a copy has no ETag".to_owned()));
    };
    let status = match code.as_str() {
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => 404,
        "PreconditionFailed" => 412,
        "SlowDown" | "ServiceUnavailable" => 503,
        _ => 500,
    };
    Err(Failure::Status { status, code: Some(code), detail, field: None, retry_after: answer.retry_after })
}

/// Returns the failure that an answer other than 2xx is.
#[must_use]
pub fn refusal(answer: &Answer<String>) -> Failure {
    Failure::Status {
        status: answer.status,
        code: element(&answer.body, "Code"),
        detail: element(&answer.body, "Message").unwrap_or_default(),
        field: None,
        retry_after: answer.retry_after,
    }
}

fn ensure_success(answer: &Answer<String>) -> Result<(), Failure> {
    if (200..300).contains(&answer.status) { Ok(()) } else { Err(refusal(answer)) }
}

fn in_body(answer: &Answer<String>) -> Option<ETag> {
    element(&answer.body, "ETag").map(|etag| ETag::new(&etag))
}

/// Returns the text of an element of S3's documents, which have no attributes and no nesting here, and in which nothing but an
/// ETag's quotes is escaped.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text.replace("&quot;", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer<String> {
        Answer { status, body: body.to_owned(), retry_after: None }
    }

    fn failure(status: u16, code: Option<&str>) -> Failure {
        let code = code.map(str::to_owned);
        Failure::Status { status, code, detail: String::new(), field: None, retry_after: None }
    }

    #[test]
    fn elements_are_found_by_their_names() {
        let xml = "<Error><Code>SlowDown</Code><ETag>&quot;a&quot;</ETag></Error>";
        assert_eq!(element(xml, "Code").as_deref(), Some("SlowDown"));
        assert_eq!(element(xml, "ETag").as_deref(), Some("\"a\""));
        assert_eq!(element(xml, "Message"), None);
    }

    #[test]
    fn a_part_has_an_etag_or_hides_it() {
        let form = answer(201, "<PostResponse><ETag>&quot;b&quot;</ETag></PostResponse>");
        assert_eq!(read_put(&form, None), Ok(Some(ETag::new("b"))));
        assert_eq!(read_put(&answer(200, ""), Some("\"a\"")), Ok(Some(ETag::new("a"))));
        assert_eq!(read_put(&answer(200, ""), None), Ok(None));
        let refused = answer(503, "<Error><Code>SlowDown</Code></Error>");
        assert_eq!(read_put(&refused, Some("a")), Err(failure(503, Some("SlowDown"))));
        assert_eq!(read_put(&answer(502, "<html>"), None), Err(failure(502, None)));
    }

    #[test]
    fn a_copy_has_failed_whose_body_says_so() {
        let copied = "<?xml version=\"1.0\"?>\n<CopyPartResult><ETag>&quot;a&quot;</ETag></CopyPartResult>";
        assert_eq!(read_copied(&answer(200, copied)), Ok(ETag::new("a")));
        for (code, status) in
            [("InternalError", 500), ("SlowDown", 503), ("NoSuchKey", 404), ("PreconditionFailed", 412)]
        {
            let error = answer(200, &format!("   <Error><Code>{code}</Code></Error>"));
            assert_eq!(read_copied(&error), Err(failure(status, Some(code))));
        }
        // Spaces keep the connection awake while it is copied, and then the store may go.
        for cut in ["", "    ", "<CopyPartResult><LastModified>"] {
            assert!(matches!(read_copied(&answer(200, cut)), Err(Failure::Unusable(_))), "{cut:?}");
        }
        assert_eq!(
            read_copied(&answer(412, "<Error><Code>PreconditionFailed</Code></Error>")),
            Err(failure(412, Some("PreconditionFailed")))
        );
    }
}
