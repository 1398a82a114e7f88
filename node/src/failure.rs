//! An error of the core as an object; `lib/failure.cjs` makes a `DmError` of it.

use dmagent::error::{Code, Error};
use napi_derive::napi;

/// What went wrong.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// The name of its code.
    pub code: String,
    /// The number of its code.
    pub number: u32,
    /// Whether trying the same call again later can help.
    pub retryable: bool,
    /// What happened and what to do, without code and facts.
    pub message: String,
    /// Facts, each a name and a value.
    pub context: Vec<Vec<String>>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let facts = error.context().iter();
        Self {
            code: error.code().name().to_owned(),
            number: error.code() as u32,
            retryable: error.is_retryable(),
            message: error.message().to_owned(),
            context: facts.map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect(),
        }
    }
}

/// What a call fails with whose code panicked.
pub(crate) fn panicked() -> Error {
    Error::new(Code::Internal, "the library panicked; please report what its log says")
}
