//! Text across the border: looked at, or owned by the program.

use std::{
    ffi::{CString, c_char},
    ptr, slice,
};

use dmagent_core::error::{Code, Error};

/// The longest text that is taken, in bytes. No frame, setting or signed text is longer.
const LONGEST: usize = 16 * 1024 * 1024;

/// UTF-8 text that is only looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dm_text {
    /// The first byte; NULL for no text.
    pub data: *const c_char,
    /// How many bytes, without the NUL that may follow.
    pub len: usize,
}

impl dm_text {
    pub(crate) const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// A constant that ends in NUL.
    pub(crate) const fn lasting(text: &'static str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() - 1 }
    }

    /// A text that lives elsewhere, and must live as long as this is looked at.
    pub(crate) fn of(text: &CString) -> Self {
        Self { data: text.as_ptr(), len: text.as_bytes().len() }
    }

    /// What the program wrote into the argument `name`; nothing when it is no text.
    pub(crate) fn optional(self, name: &'static str) -> Result<Option<String>, Error> {
        let invalid = |sentence: String| Error::new(Code::InvalidArgument, sentence).with("argument", name);
        if self.data.is_null() {
            return if self.len == 0 {
                Ok(None)
            } else {
                Err(invalid(format!("{name} has a length but no bytes")))
            };
        }
        if self.len > LONGEST {
            return Err(invalid(format!("{name} is longer than {LONGEST} bytes")).with("len", self.len));
        }
        // SAFETY: the program promises `len` readable bytes at `data`, and they are copied before we return to it.
        let bytes = unsafe { slice::from_raw_parts(self.data.cast::<u8>(), self.len) };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(cause) => Err(invalid(format!("{name} is not UTF-8")).with("byte", cause.valid_up_to())),
        }
    }

    /// As [`dm_text::optional`], for an argument that must be there.
    pub(crate) fn required(self, name: &'static str) -> Result<String, Error> {
        self.optional(name)?.ok_or_else(|| {
            Error::new(Code::InvalidArgument, format!("{name} must not be NULL")).with("argument", name)
        })
    }
}

/// UTF-8 text that belongs to the program. End it with `dm_string_free`.
#[repr(C)]
pub struct dm_string {
    /// The first byte; a NUL follows the last.
    pub data: *mut c_char,
    /// How many bytes, without that NUL.
    pub len: usize,
}

impl dm_string {
    const EMPTY: Self = Self { data: ptr::null_mut(), len: 0 };

    pub(crate) fn new(text: String) -> Self {
        let len = text.len();
        let mut bytes = text.into_bytes();
        bytes.push(0);
        let bytes: Box<[u8]> = bytes.into();
        Self { data: Box::into_raw(bytes).cast(), len }
    }

    /// Ends the text.
    ///
    /// # Safety
    ///
    /// It came from [`dm_string::new`] and was not ended before.
    pub(crate) unsafe fn end(self) {
        if !self.data.is_null() {
            let bytes = ptr::slice_from_raw_parts_mut(self.data.cast::<u8>(), self.len + 1);
            // SAFETY: `new` made exactly this allocation, with a NUL behind the text; the caller ends it once.
            drop(unsafe { Box::from_raw(bytes) });
        }
    }
}

/// Ends a text that a function returned, and clears the variable. NULL, and a cleared one, are no error.
///
/// # Safety
///
/// `string` is NULL or the address of a `dm_string` that is cleared or came from us.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_string_free(string: *mut dm_string) {
    if !string.is_null() {
        // SAFETY: not NULL, and the program promises that it is a dm_string of its own.
        unsafe { ptr::replace(string, dm_string::EMPTY).end() };
    }
}

/// A text with NUL behind it, for the inside of handles. A NUL within stays; the length tells where the text ends.
pub(crate) fn terminated(text: &str) -> CString {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text.as_bytes());
    // SAFETY: not read as a C string by us; `dm_text::of` counts all bytes.
    unsafe { CString::from_vec_unchecked(bytes) }
}
