//! A message in the hands of JavaScript: given back when nobody has it any more.

use napi_derive::napi;

use crate::runtime::Owned;

/// One hand-out of a message; a message object holds it and shares its end. Only dropped.
#[napi]
pub struct Lease {
    pub(crate) _held: Owned<dmagent::api::Lease>,
}
