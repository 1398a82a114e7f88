//! Decoders of small texts: whatever a stranger writes is refused with an error, or reads back as it was written.

#![no_main]

use dmagent::identity::AgentId;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<AgentId>() {
        assert_eq!(id.to_string(), text, "an id has one spelling");
    }
});
