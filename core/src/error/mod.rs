//! The one error of the product: a stable [`Code`], a sentence, context, and a source.
//!
//! Every facade method, port and binding fails with [`Error`]. `Display` is one line that says what
//! happened and what to do; `Debug` is the long form with context and cause. A remote peer is only
//! ever shown the code and a short sentence (see `wire::Answer`).

mod code;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

pub use code::{Code, HostException, Retry};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Cheap to clone: waiters of one failed group commit share it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<dyn StdError + Send + Sync + 'static>>,
}

impl Error {
    /// An error of `code` whose sentence says what happened and what to do next.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner { code, message: message.into(), context: Vec::new(), source: None }))
    }

    /// Adds one fact, for instance `("path", …)`. Never a secret.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        Arc::make_mut(&mut self.0).context.push((key, value.to_string()));
        self
    }

    /// Keeps the cause for the operator's log.
    #[must_use]
    pub fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::new(source));
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence, without code and context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts added by [`Error::with`], oldest first.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// Whether trying the same call again later can help.
    pub fn is_retryable(&self) -> bool {
        self.0.code.retry() == Retry::Later
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        write!(f, " [{}]", self.0.code.name())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            writeln!(f, "  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_with_context_and_code() {
        let error = Error::new(Code::PassportUnreadable, "cannot read the passport; check its mode")
            .with("path", "/x")
            .because(std::io::Error::other("denied"));
        assert_eq!(
            error.to_string(),
            "cannot read the passport; check its mode (path: /x) [passport_unreadable]"
        );
        assert!(format!("{error:?}").contains("caused by: denied"));
    }
}
