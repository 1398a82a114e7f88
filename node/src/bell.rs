//! How threads of the library tell JavaScript that a call is done.
//!
//! Each JavaScript thread has one bell. It rings with the number of a call and carries nothing else: the result stays in
//! the [`Call`](crate::call::Call) until JavaScript takes it, so a bell that nobody hears any more loses nothing.

use std::sync::Arc;

use napi::{
    Result, Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

/// Weak: it does not keep the event loop alive.
type Wire = ThreadsafeFunction<u32, (), u32, Status, false, true>;

/// The bell of one JavaScript thread.
#[napi]
#[derive(Clone)]
pub struct Bell {
    wire: Arc<Wire>,
}

#[napi]
impl Bell {
    /// A bell that calls `hear` with the number of each call that is done. `hear` must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(hear: Function<'_, u32, ()>) -> Result<Self> {
        let wire = hear.build_threadsafe_function::<u32>().weak::<true>().build()?;
        Ok(Self { wire: Arc::new(wire) })
    }
}

impl Bell {
    /// Rings, unless the JavaScript thread has ended.
    pub(crate) fn ring(&self, call: u32) {
        let _nobody_there = self.wire.call(call, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
