//! The one way into the library: no panic and no error gets past it but as a status.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dmagent_core::error::{Code, Error};

use crate::error::{dm_error, dm_status};

/// Runs the body of a function that can fail.
pub(crate) fn guard(error: *mut dm_error, body: impl FnOnce() -> Result<(), Error>) -> dm_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(_) => Some(Error::new(Code::Internal, "the library broke an invariant; please report it")),
    };
    dm_error::tell(error, failure.as_ref())
}

/// Runs the body of a function that answers with a value, and with `otherwise` when that is impossible.
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T, Error>) -> T {
    catch_unwind(AssertUnwindSafe(body)).ok().and_then(Result::ok).unwrap_or(otherwise)
}

/// The place for a result.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that must be there.
    pub(crate) fn required(name: &'static str, place: *mut T) -> Result<Self, Error> {
        if place.is_null() {
            return Err(
                Error::new(Code::InvalidArgument, format!("{name} must not be NULL")).with("argument", name)
            );
        }
        Ok(Self(place))
    }

    /// A place that the program may not want.
    pub(crate) fn optional(place: *mut T) -> Option<Self> {
        (!place.is_null()).then_some(Self(place))
    }

    /// Writes the result, without reading what was there.
    pub(crate) fn write(self, value: T) {
        // SAFETY: not NULL, and the program promises that it may be written.
        unsafe { self.0.write(value) };
    }
}

/// Ends the handle in a variable of the program and clears it, whatever it was: there is nobody to tell.
pub(crate) fn end<H>(variable: *mut *mut H, body: impl FnOnce(*mut H) -> Result<(), Error>) {
    if variable.is_null() {
        return;
    }
    // SAFETY: not NULL, and the program promises that it is a variable of its own.
    let handle = unsafe { std::ptr::replace(variable, std::ptr::null_mut()) };
    if !handle.is_null() {
        value((), || body(handle));
    }
}
