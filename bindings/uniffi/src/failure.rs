//! An error of the core as a value of every language.

use std::{collections::HashMap, fmt};

use dmagent::error::{Code as CoreCode, Error};

use crate::made::codes::{Code, DmError};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Failure {
    /// A stable reason out of the table of codes.
    pub code: Code,
    /// The name of the code, such as `peer_not_connected`.
    pub name: String,
    /// The number of the code, the same in every language.
    pub number: u16,
    /// Whether trying the same call again later can help.
    pub retryable: bool,
    /// What happened and what to do, without code and facts.
    pub message: String,
    /// Facts, for instance `path`.
    pub context: HashMap<String, String>,
}

impl From<Error> for DmError {
    fn from(error: Error) -> Self {
        let facts = error.context().iter();
        let failure = Failure {
            code: error.code().into(),
            name: error.code().name().to_owned(),
            number: error.code().number(),
            retryable: error.is_retryable(),
            message: error.message().to_owned(),
            context: facts.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        Self::of(error.code().host(), failure)
    }
}

impl fmt::Display for DmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.failure(), self) {
            (Some(failure), _) => write!(f, "{} [{}]", failure.message, failure.name),
            (None, Self::CancelledError { reason }) => f.write_str(reason),
            (None, _) => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for DmError {}

/// The host's code failed in a way that is none of ours.
impl From<uniffi::UnexpectedUniFFICallbackError> for DmError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Error::new(CoreCode::Internal, format!("the program's own code failed: {}", error.reason)).into()
    }
}

/// The program gave up.
pub(crate) fn cancelled() -> DmError {
    DmError::CancelledError { reason: "the call was cancelled".to_owned() }
}

/// What a call fails with whose code panicked.
pub(crate) fn panicked() -> DmError {
    Error::new(CoreCode::Internal, "the library panicked; please report what its log says").into()
}

/// What the core returned and what is expected here differ.
pub(crate) fn unexpected(cause: &serde_json::Error) -> DmError {
    Error::new(CoreCode::Internal, format!("a result of the core was not understood: {cause}")).into()
}
