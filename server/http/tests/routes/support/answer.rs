//! Answers, and what they should be.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::*;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn is<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("cache-control"), Some("no-store"), "it carries tokens or signed URLs");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A refusal with this code, in the one form that refusals have.
    pub fn refused(&self, code: ErrorCode) -> Problem {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        let spec = code.spec();
        assert_eq!((problem.code, Some(self.status)), (code, spec.status), "{}", self.text());
        assert_eq!((problem.status, problem.title.as_str()), (self.status, spec.title));
        assert_eq!(problem.kind, format!("urn:partway:error:{}", spec.code));
        assert!(!problem.detail.is_empty());
        assert_eq!(self.headers.contains_key("retry-after"), spec.retryable);
        problem
    }

    /// The same, and the field that it blames.
    pub fn blamed(&self, code: ErrorCode) -> String {
        self.refused(code).field.unwrap_or_default()
    }
}

/// What came of completing one upload alone: its result, or a refusal of the whole request.
#[derive(Debug)]
pub struct Completed(pub Answer);

impl Completed {
    pub fn done(&self) -> CompletedUpload {
        match self.result() {
            Completion::Completed(completed) => *completed,
            Completion::Refused(problem) => panic!("refused: {problem}, {:?}", problem.field),
        }
    }

    /// A refusal with this code. Fields are those of the one upload.
    pub fn refused(&self, code: ErrorCode) -> Problem {
        let mut problem = if self.0.status == 200 {
            let Completion::Refused(problem) = self.result() else { panic!("it was completed") };
            assert_eq!((problem.code, Some(problem.status)), (code, code.spec().status), "{problem}");
            problem
        } else {
            self.0.refused(code)
        };
        let of_it = |field: String| field.strip_prefix("uploads[0]").map(str::to_owned).unwrap_or(field);
        problem.field = problem.field.map(|field| of_it(field).trim_start_matches('.').to_owned());
        problem
    }

    pub fn blamed(&self, code: ErrorCode) -> String {
        self.refused(code).field.unwrap_or_default()
    }

    pub fn is_done(&self) -> bool {
        self.0.status == 200 && matches!(self.result(), Completion::Completed(_))
    }

    fn result(&self) -> Completion {
        let mut answer: CompletedUploads = self.0.is(200);
        assert_eq!(answer.uploads.len(), 1);
        answer.uploads.remove(0)
    }
}
