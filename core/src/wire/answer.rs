//! What a node answers to a request: a status and one JSON object.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Code, Error};

/// An answer to an arrival. The body is always a JSON object, because 1.1.1 adds a key to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The JSON object, or the plain text of an unknown path.
    pub body: Body,
    /// When to try again, for 429 and 503.
    pub retry_after: Option<Duration>,
}

/// The body of an [`Answer`].
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// `application/json`.
    Json(Map<String, Value>),
    /// `text/plain`: 1.1.1 answers unknown paths and methods so.
    Text(&'static str),
}

impl Answer {
    /// 200 with the members of `object`. A value that is no object becomes `{"result": value}`.
    pub fn ok(object: Value) -> Self {
        Self::with_status(200, object)
    }

    /// Any status with the members of `object`.
    pub fn with_status(status: u16, object: Value) -> Self {
        let body = match object {
            Value::Object(members) => members,
            other => Map::from_iter([(String::from("result"), other)]),
        };
        Self { status, body: Body::Json(body), retry_after: None }
    }

    /// A refusal: the sentence goes under `error`, where 1.1.1 looks, the code beside it.
    pub fn refuse(status: u16, code: Code, sentence: impl Into<String>) -> Self {
        Self::with_status(status, json!({"error": sentence.into(), "code": code.name()}))
    }

    /// What a remote peer is told about `error`: its code and sentence, without context and cause.
    pub fn from_error(error: &Error) -> Self {
        Self::refuse(error.code().http_status(), error.code(), error.message())
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// 404 in plain text, as 1.1.1 answers.
    pub fn not_found() -> Self {
        Self { status: 404, body: Body::Text("Not Found"), retry_after: None }
    }

    /// 405 in plain text, as 1.1.1 answers.
    pub fn method_not_allowed() -> Self {
        Self { status: 405, body: Body::Text("Method Not Allowed"), retry_after: None }
    }

    /// Whether the status says success.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The bytes of the body and their content type.
    pub fn encode(&self) -> (Vec<u8>, &'static str) {
        match &self.body {
            Body::Text(text) => (text.as_bytes().to_vec(), "text/plain; charset=utf-8"),
            // A map of JSON values always serialises.
            Body::Json(object) => (serde_json::to_vec(object).unwrap_or_default(), "application/json"),
        }
    }
}
