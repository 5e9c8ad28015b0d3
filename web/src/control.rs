//! Calls to Partway's server.

use std::rc::Rc;
use std::time::Duration;

use gloo_net::http::{Method, RequestBuilder, Response};
use partway_shared::error::Problem;
use partway_shared::upload::{ControlCall, ControlReply, Failure};
use web_sys::AbortSignal;

use crate::headers::{Headers, Pairs};
use crate::replies::{self, Reply};
use crate::requests::Request;

/// Where the server is, and what it wants to be told with every call.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) headers: Rc<Headers>,
}

impl Server {
    /// Makes a call. The signal cuts it off.
    pub(crate) async fn call(
        &self,
        call: &ControlCall,
        signal: &AbortSignal,
    ) -> Result<ControlReply, Failure> {
        let uploads = "/v1/uploads";
        let (method, path, body) = match call {
            ControlCall::Create(request) => {
                (Method::POST, [uploads, "", ""].concat(), Some(request.to_json()))
            }
            ControlCall::Sign { token, request } => {
                (Method::POST, [uploads, "/", token, "/parts"].concat(), Some(request.to_json()))
            }
            ControlCall::List { token } => (Method::GET, [uploads, "/", token, "/parts"].concat(), None),
            ControlCall::Complete { token, request } => {
                (Method::POST, [uploads, "/", token, "/complete"].concat(), Some(request.to_json()))
            }
            ControlCall::CompleteMany(request) => {
                (Method::POST, [uploads, "/complete", ""].concat(), Some(request.to_json()))
            }
            ControlCall::Abort { token } => (Method::DELETE, [uploads, "/", token].concat(), None),
        };
        let answer = self.send(method, &path, body, signal).await?;
        match call {
            ControlCall::Create(_) => parse(&answer).map(ControlReply::Created),
            ControlCall::Sign { .. } => parse(&answer).map(ControlReply::Signed),
            ControlCall::List { .. } => parse(&answer).map(ControlReply::Listed),
            ControlCall::Complete { .. } => parse(&answer).map(ControlReply::Completed),
            ControlCall::CompleteMany(_) => parse(&answer).map(ControlReply::CompletedMany),
            ControlCall::Abort { .. } => Ok(ControlReply::Aborted),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        signal: &AbortSignal,
    ) -> Result<String, Failure> {
        let headers = self.headers.get().await?;
        let sent = self.send_with(&headers, method.clone(), path, body.as_deref(), signal).await;
        // A token that has expired is renewed once.
        if matches!(sent, Err(Failure::Status { status: 401, .. }))
            && let Some(headers) = self.headers.renew(&headers).await?
        {
            return self.send_with(&headers, method, path, body.as_deref(), signal).await;
        }
        sent
    }

    async fn send_with(
        &self,
        headers: &Pairs,
        method: Method,
        path: &str,
        body: Option<&str>,
        signal: &AbortSignal,
    ) -> Result<String, Failure> {
        let url = [self.endpoint.as_str(), path].concat();
        let mut request = RequestBuilder::new(&url)
            .method(method)
            .abort_signal(Some(signal))
            .header("Accept", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request.build(),
        };
        // A header that cannot be sent is reported by the browser as a failure of the request.
        let response = request.map_err(|_| Failure::NoAnswer)?.send().await.map_err(|_| Failure::NoAnswer)?;
        let text = response.text().await.map_err(|_| Failure::NoAnswer)?;
        if response.ok() { Ok(text) } else { Err(refusal(&response, &text)) }
    }
}

/// The server's own problem, or somebody else's status.
fn refusal(response: &Response, text: &str) -> Failure {
    let problem = replies::read::<Problem>(text);
    let retry_after = response.headers().get("Retry-After").and_then(|seconds| seconds.parse().ok());
    let (code, detail, field) = match problem {
        Some(problem) => (Some(problem.code.as_str().to_owned()), problem.detail, problem.field),
        None => (None, String::new(), None),
    };
    Failure::Status {
        status: response.status(),
        code,
        detail,
        field,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn parse<T: Reply>(text: &str) -> Result<T, Failure> {
    replies::read(text).ok_or_else(|| {
        let html = text.trim_start().starts_with('<');
        let what = if html {
            "a page of HTML came back, perhaps from a proxy"
        } else {
            "the answer is not what was expected"
        };
        Failure::Unusable([what, "; is the endpoint the address of a Partway server?"].concat())
    })
}
