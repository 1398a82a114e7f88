//! What a failed call tells.

use std::{
    ffi::{CString, c_char},
    ptr,
};

use dmagent_core::error::{Code, Error};
use serde_json::{Map, Value};

use crate::text::{dm_string, dm_text};

/// `DM_OK`, or the number of an error: one of the `DM_...` constants below.
pub type dm_status = i32;

/// The call did what it says.
pub const DM_OK: dm_status = 0;

/// What a failed call tells. Start it with `{0}`, pass its address, and end it with `dm_error_clear` after a failure.
#[repr(C)]
pub struct dm_error {
    /// The number of the error; `DM_OK` after a call that did what it says.
    pub status: dm_status,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The name of the error, such as `invalid_argument`. It lives for ever.
    pub name: *const c_char,
    /// What happened and what to do, with the facts of the case; NUL-terminated.
    pub message: dm_string,
    /// Those facts as a JSON object of texts.
    pub context: dm_string,
}

impl dm_error {
    /// Nothing went wrong.
    fn none() -> Self {
        let nothing = || dm_string { data: ptr::null_mut(), len: 0 };
        Self { status: DM_OK, retryable: false, name: ptr::null(), message: nothing(), context: nothing() }
    }

    fn new(error: &Error) -> Self {
        let context: Map<String, Value> = error
            .context()
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str())))
            .collect();
        Self {
            status: status(error.code()),
            retryable: error.is_retryable(),
            name: name(error.code()).data,
            message: dm_string::new(error.to_string()),
            context: dm_string::new(Value::Object(context).to_string()),
        }
    }

    /// Tells `failure` to whoever wants to know, and returns its number.
    pub(crate) fn tell(out: *mut Self, failure: Option<&Error>) -> dm_status {
        if !out.is_null() {
            let told = failure.map_or_else(Self::none, Self::new);
            // SAFETY: not NULL, and the program promises that it is a dm_error, with whatever bytes in it.
            unsafe { ptr::write(out, told) };
        }
        failure.map_or(DM_OK, |error| status(error.code()))
    }
}

fn status(code: Code) -> dm_status {
    dm_status::from(code.number())
}

/// The names of all codes, with NUL behind each.
fn name(code: Code) -> dm_text {
    static NAMES: std::sync::OnceLock<Vec<CString>> = std::sync::OnceLock::new();
    let names =
        NAMES.get_or_init(|| Code::ALL.iter().map(|code| crate::text::terminated(code.name())).collect());
    let place = Code::ALL.iter().position(|known| *known == code);
    place.and_then(|place| names.get(place)).map_or(dm_text::NONE, dm_text::of)
}

/// Ends what a failed call told, and clears it. NULL, and a cleared one, are no error.
///
/// # Safety
///
/// `error` is NULL or the address of a `dm_error` that is cleared or was written by us.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_error_clear(error: *mut dm_error) {
    if !error.is_null() {
        // SAFETY: not NULL, and the program promises that we wrote it or that it is cleared.
        unsafe {
            let told = ptr::replace(error, dm_error::none());
            told.message.end();
            told.context.end();
        }
    }
}

/// The name of a status, such as `invalid_argument`; `ok` for `DM_OK`, no text for a number that no error has. It lives
/// for ever.
#[unsafe(no_mangle)]
pub extern "C" fn dm_status_name(status: dm_status) -> dm_text {
    if status == DM_OK {
        return dm_text::lasting("ok\0");
    }
    let known = Code::ALL.iter().find(|code| dm_status::from(code.number()) == status);
    known.map_or(dm_text::NONE, |code| name(*code))
}
