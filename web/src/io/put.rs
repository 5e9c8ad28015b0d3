//! One part on its way to the store: as a PUT, as a form for small files, or as a request to copy it.
//!
//! By `XMLHttpRequest`, since `fetch` tells nothing of a body on its way. The body is a `Blob`: the browser reads it from disk
//! as it sends it, and it never enters memory here.

use std::time::Duration;

use partway_shared::client::{Answer, parse_retry_after};
use partway_shared::part::ETag;
use partway_shared::store::{read_copied, read_put};
use partway_shared::time::Time;
use partway_shared::transfer::Failure;
use partway_shared::wire::SignedPut;
use partway_web_io::clock::now;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FormData, ProgressEvent, XmlHttpRequest};

/// Between two reports of progress, unless it is the last.
const INTERVAL: Duration = Duration::from_millis(100);

/// How a PUT ended: the ETag of a 2xx, if the header could be read.
pub(super) type Outcome = Result<Option<ETag>, Failure>;

/// A PUT on its way. Dropping it cuts it off, and nothing more is heard of it.
pub(super) struct Put {
    xhr: XmlHttpRequest,
    on_progress: Option<Closure<dyn FnMut(ProgressEvent)>>,
    _on_end: Closure<dyn FnMut()>,
}

impl Put {
    /// Sends `body`, or asks for a copy if there is none; tells how many bytes have left, and once how it ended.
    ///
    /// # Errors
    /// With what the browser throws when it refuses to send it.
    pub(super) fn send(
        put: &SignedPut,
        body: Option<&Blob>,
        on_progress: impl Fn(u64) + 'static,
        on_end: impl Fn(Outcome) + 'static,
    ) -> Result<Self, JsValue> {
        let xhr = XmlHttpRequest::new()?;
        let ended = xhr.clone();
        // One listener for load, error, abort and timeout: Safari fires `abort` where others fire `error` when the
        // network goes.
        let is_copy = body.is_none();
        let on_end = Closure::<dyn FnMut()>::new(move || on_end(outcome(&ended, is_copy)));
        xhr.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
        let mut guard = Self { xhr: xhr.clone(), on_progress: None, _on_end: on_end };
        if let (Some(fields), Some(body)) = (&put.form, body) {
            // No header and no upload listener, either of which would cost a preflight
            // (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
            let form = FormData::new()?;
            for (name, value) in fields {
                form.append_with_str(name, value)?;
            }
            form.append_with_blob("file", body)?;
            xhr.open("POST", &put.url)?;
            xhr.send_with_opt_form_data(Some(&form))?;
        } else {
            xhr.open("PUT", &put.url)?;
            for (name, value) in &put.headers {
                xhr.set_request_header(name, value)?;
            }
            if !is_copy {
                let on_progress = guard.on_progress.insert(throttled(on_progress));
                xhr.upload()?.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
            }
            xhr.send_with_opt_blob(body)?;
        }
        Ok(guard)
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

fn throttled(report: impl Fn(u64) + 'static) -> Closure<dyn FnMut(ProgressEvent)> {
    let mut reported: Option<Time> = None;
    Closure::new(move |event: ProgressEvent| {
        let now = now();
        let is_early = reported.is_some_and(|reported| now.since(reported) < INTERVAL);
        if !is_early || event.loaded() >= event.total() {
            reported = Some(now);
            report(event.loaded() as u64);
        }
    })
}

fn outcome(xhr: &XmlHttpRequest, is_copy: bool) -> Outcome {
    let Ok(status @ 1..) = xhr.status() else { return Err(Failure::NoAnswer) };
    let answer = Answer {
        status,
        body: xhr.response_text().ok().flatten().unwrap_or_default(),
        // Only of what may have it: browsers complain on the console where CORS does not expose it.
        retry_after: (status >= 300)
            .then(|| header(xhr, "Retry-After"))
            .flatten()
            .and_then(|header| parse_retry_after(&header)),
    };
    if is_copy { read_copied(&answer).map(Some) } else { read_put(&answer, header(xhr, "ETag").as_deref()) }
}

/// Returns a header of the answer, if there is one and CORS exposes it.
fn header(xhr: &XmlHttpRequest, name: &str) -> Option<String> {
    xhr.get_response_header(name).ok().flatten()
}
