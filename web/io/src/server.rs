//! Calls to Partway's server, by gloo-net, and what every call brings along: headers that are given once, or asked of the page
//! when they are first needed, and again when the server refuses them, as it does with a token that has expired.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{Function, JSON, JsString, Promise};
use partway_shared::client::{Answer, Body, Unexpected, parse_retry_after};
use partway_shared::transfer::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestCredentials};

use crate::options::{Access, Credentials, Headers};
use crate::scope::message_of;

/// Partway's server.
pub struct Server {
    endpoint: String,
    headers: RefCell<Option<Rc<Headers>>>,
    /// Asks the page, if it has more to say than what it gave at first.
    ask: Option<Box<dyn Fn()>>,
    /// A question that is not answered yet, for all calls that wait for it.
    asked: RefCell<Option<Asked>>,
    /// Why the page had none, the last time that it was asked.
    denied: RefCell<String>,
    credentials: Cell<RequestCredentials>,
    /// Whether it is known that cookies may come along, or may not.
    is_certain: Cell<bool>,
}

/// A request to make: a `POST` if it has a body, else a `GET`.
#[derive(Debug)]
pub struct Request {
    path: &'static str,
    body: Option<JsString>,
}

/// The text of a body.
#[derive(Debug)]
pub struct Text(String);

struct Asked {
    answered: Promise,
    resolve: Function,
}

impl Request {
    /// Creates a `GET`.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self { path, body: None }
    }

    /// Creates a `POST` of a body as JSON.
    pub fn post(path: &'static str, body: &impl Serialize) -> Self {
        let body = body.serialize(&Serializer::json_compatible()).ok();
        Self { path, body: body.and_then(|body| JSON::stringify(&body).ok()) }
    }
}

impl Body for Text {
    fn text(&self) -> &str {
        &self.0
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Unexpected> {
        let value = JSON::parse(&self.0).map_err(|_| Unexpected::NotJson)?;
        serde_wasm_bindgen::from_value(value).map_err(|error| Unexpected::Form(message_of(&error.into())))
    }
}

impl Server {
    /// `ask` asks the page for headers, which come by [`answer`](Self::answer).
    pub fn new(access: Access, ask: impl Fn() + 'static) -> Self {
        let Access { endpoint, headers, asks_for_headers, credentials } = access;
        Self {
            endpoint,
            headers: RefCell::new((!asks_for_headers).then(|| Rc::new(headers))),
            ask: asks_for_headers.then(|| Box::new(ask) as _),
            asked: RefCell::default(),
            denied: RefCell::default(),
            credentials: Cell::new(match credentials {
                None | Some(Credentials::Include) => RequestCredentials::Include,
                Some(Credentials::SameOrigin) => RequestCredentials::SameOrigin,
                Some(Credentials::Omit) => RequestCredentials::Omit,
            }),
            is_certain: Cell::new(credentials.is_some()),
        }
    }

    /// Makes a request. The signal cuts it off.
    ///
    /// # Errors
    /// Fails when no answer came, or the page gave no headers.
    pub async fn send(
        &self,
        request: &Request,
        signal: Option<&AbortSignal>,
    ) -> Result<Answer<Text>, Failure> {
        let headers = self.headers().await?;
        let answer = self.fetch(request, &headers, signal).await?;
        if answer.status != 401 || self.ask.is_none() {
            return Ok(answer);
        }
        // Another call may have met the refusal first.
        let is_refused = self.headers.borrow().as_ref().is_some_and(|current| Rc::ptr_eq(current, &headers));
        if is_refused {
            self.headers.take();
        }
        let headers = self.headers().await?;
        self.fetch(request, &headers, signal).await
    }

    /// Takes in what the page says to the question: headers, or why it has none.
    pub fn answer(&self, answer: Result<Headers, String>) {
        match answer {
            Ok(headers) => drop(self.headers.replace(Some(Rc::new(headers)))),
            Err(why) => drop(self.denied.replace(why)),
        }
        let asked = self.asked.take();
        if let Some(Asked { resolve, .. }) = asked {
            let _ = resolve.call0(&JsValue::NULL);
        }
    }

    async fn headers(&self) -> Result<Rc<Headers>, Failure> {
        let is_missing = self.headers.borrow().is_none();
        if is_missing {
            self.ask().await;
        }
        let headers = self.headers.borrow().clone();
        headers.ok_or_else(|| Failure::Unidentified(self.denied.borrow().clone()))
    }

    async fn ask(&self) {
        let Some(ask) = &self.ask else { return };
        let asked = self.asked.borrow().as_ref().map(|asked| asked.answered.clone());
        let answered = asked.unwrap_or_else(|| {
            let mut resolve = None;
            let answered = Promise::new(&mut |resolved, _| resolve = Some(resolved));
            let asked = resolve.map(|resolve| Asked { answered: answered.clone(), resolve });
            self.asked.replace(asked);
            ask();
            answered
        });
        let _ = JsFuture::from(answered).await;
    }

    /// Makes a request with cookies as the page says, or as the server allows.
    async fn fetch(
        &self,
        request: &Request,
        headers: &Headers,
        signal: Option<&AbortSignal>,
    ) -> Result<Answer<Text>, Failure> {
        let answer = self.fetch_with(request, headers, signal, self.credentials.get()).await;
        if answer.is_ok() {
            self.is_certain.set(true);
        }
        if self.is_certain.get() || signal.is_some_and(AbortSignal::aborted) {
            return answer;
        }
        // A server that allows no cookies is not to be told from one that is away, before it has answered once.
        let bare = self.fetch_with(request, headers, signal, RequestCredentials::SameOrigin).await;
        if bare.is_err() {
            return answer;
        }
        self.credentials.set(RequestCredentials::SameOrigin);
        self.is_certain.set(true);
        bare
    }

    async fn fetch_with(
        &self,
        request: &Request,
        headers: &Headers,
        signal: Option<&AbortSignal>,
        credentials: RequestCredentials,
    ) -> Result<Answer<Text>, Failure> {
        let answer = async {
            let request = self.build(request, headers, signal, credentials)?;
            let response: Response = request.send().await?;
            let retry_after = response.headers().get("Retry-After");
            Ok::<_, gloo_net::Error>(Answer {
                status: response.status(),
                body: Text(response.text().await?),
                retry_after: retry_after.and_then(|header| parse_retry_after(&header)),
            })
        };
        answer.await.map_err(|_| Failure::NoAnswer)
    }

    fn build(
        &self,
        request: &Request,
        headers: &Headers,
        signal: Option<&AbortSignal>,
        credentials: RequestCredentials,
    ) -> Result<gloo_net::http::Request, gloo_net::Error> {
        // gloo-net's own setter panics for what cannot be a header, and these are a page's.
        let all = web_sys::Headers::new().map_err(|thrown| unsendable(&thrown))?;
        all.set("Accept", "application/json").map_err(|thrown| unsendable(&thrown))?;
        for (name, value) in headers {
            all.set(name, value).map_err(|thrown| unsendable(&thrown))?;
        }
        if request.body.is_some() {
            all.set("Content-Type", "application/json").map_err(|thrown| unsendable(&thrown))?;
        }
        let builder = RequestBuilder::new(&format!("{}{}", self.endpoint, request.path))
            .headers(gloo_net::http::Headers::from_raw(all))
            .credentials(credentials)
            .abort_signal(signal);
        match &request.body {
            Some(body) => builder.method(Method::POST).body(body.clone()),
            None => builder.build(),
        }
    }
}

fn unsendable(thrown: &JsValue) -> gloo_net::Error {
    gloo_net::Error::GlooError(message_of(thrown))
}
