//! One slice on its way to the store: as a PUT, or as a form for small files.
//!
//! By `XMLHttpRequest`, since `fetch` tells nothing of a body on its way. The body is a
//! `Blob`: the browser reads it from disk as it sends it, and it never enters memory here.

use std::time::Duration;

use partway_shared::part::ETag;
use partway_shared::upload::Failure;
use partway_shared::wire::SignedPut;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FormData, ProgressEvent, XmlHttpRequest};

/// How a PUT ended: the ETag of a 2xx, if the header could be read.
pub(crate) type Outcome = Result<Option<ETag>, Failure>;

/// A PUT on its way. Dropping it cuts it off, and nothing more is heard of it.
pub(crate) struct Put {
    xhr: XmlHttpRequest,
    on_progress: Option<Closure<dyn FnMut(ProgressEvent)>>,
    _on_end: Closure<dyn FnMut()>,
}

impl Put {
    /// Sends `body`; tells how many bytes have left, and once how it ended.
    pub(crate) fn start(
        put: &SignedPut,
        body: &Blob,
        mut on_progress: impl FnMut(u64) + 'static,
        mut on_end: impl FnMut(Outcome) + 'static,
    ) -> Result<Self, JsValue> {
        let xhr = XmlHttpRequest::new()?;
        let ended = xhr.clone();
        // One listener for load, error, abort and timeout: Safari fires `abort` where others
        // fire `error` when the network goes.
        let on_end = Closure::<dyn FnMut()>::new(move || on_end(outcome(&ended)));
        xhr.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
        let on_progress = match &put.form {
            // No header and no upload listener, either of which would cost a preflight
            // (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
            Some(fields) => {
                let form = FormData::new()?;
                for (name, value) in fields {
                    form.append_with_str(name, value)?;
                }
                form.append_with_blob("file", body)?;
                xhr.open("POST", &put.url)?;
                xhr.send_with_opt_form_data(Some(&form))?;
                None
            }
            None => {
                xhr.open("PUT", &put.url)?;
                for (name, value) in &put.headers {
                    xhr.set_request_header(name, value)?;
                }
                let on_progress = Closure::<dyn FnMut(_)>::new(move |event: ProgressEvent| {
                    on_progress(event.loaded() as u64);
                });
                xhr.upload()?.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
                xhr.send_with_opt_blob(Some(body))?;
                Some(on_progress)
            }
        };
        Ok(Self { xhr, on_progress, _on_end: on_end })
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        if self.on_progress.is_some()
            && let Ok(upload) = self.xhr.upload()
        {
            upload.set_onprogress(None);
        }
        self.xhr.set_onloadend(None);
        let _ = self.xhr.abort();
    }
}

fn outcome(xhr: &XmlHttpRequest) -> Outcome {
    match xhr.status().unwrap_or(0) {
        0 => Err(Failure::NoAnswer),
        // The answer to a form names the ETag in its body, whatever CORS exposes.
        200..=299 => {
            let tag = header(xhr, "ETag").or_else(|| element(&text(xhr), "ETag").map(unquoted));
            Ok(tag.map(|tag| ETag::new(&tag)))
        }
        status => {
            let body = text(xhr);
            let retry_after = header(xhr, "Retry-After").and_then(|seconds| seconds.parse().ok());
            Err(Failure::Status {
                status,
                code: element(&body, "Code"),
                detail: element(&body, "Message").unwrap_or_default(),
                field: None,
                retry_after: retry_after.map(Duration::from_secs),
            })
        }
    }
}

fn text(xhr: &XmlHttpRequest) -> String {
    xhr.response_text().ok().flatten().unwrap_or_default()
}

/// A header of the answer, if there is one and CORS exposes it.
fn header(xhr: &XmlHttpRequest, name: &str) -> Option<String> {
    xhr.get_response_header(name).ok().flatten()
}

/// The text of an element of S3's error document, which has no attributes and no nesting.
fn element(xml: &str, name: &str) -> Option<String> {
    let opening = ["<", name, ">"].concat();
    let start = find(xml, &opening)? + opening.len();
    let rest = xml.get(start..)?;
    rest.get(..find(rest, "</")?).map(str::to_owned)
}

/// Without the quotes that an ETag stands in, which XML may escape.
fn unquoted(tag: String) -> String {
    let inner = tag.strip_prefix("&quot;").and_then(|tag| tag.strip_suffix("&quot;"));
    match inner {
        Some(inner) => inner.to_owned(),
        None => tag,
    }
}

/// Where a text begins in another one. What the standard library searches with is made for
/// long texts, and weighs 2 kB.
fn find(text: &str, sought: &str) -> Option<usize> {
    text.as_bytes().windows(sought.len()).position(|window| window == sought.as_bytes())
}
