//! Timestamps and URLs as peers write them.

#![no_main]

use dmagent::{
    env::Timestamp,
    wire::{time, url},
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(moment) = time::parse(text) {
        assert!(time::is_fresh(text, moment), "a moment is fresh at itself");
        // Years of more than four digits are no wire form; nobody's clock is there.
        if (0..=253_402_300_799).contains(&moment.seconds()) {
            assert_eq!(time::parse(&moment.to_wire()), Some(moment), "{text}");
        }
    }
    assert!(!time::is_fresh(text, Timestamp::from_micros(i64::MIN)) || time::parse(text).is_some());

    let base = url::base(text);
    assert!(text.starts_with(base), "{base} is the start of {text}");
    if let Ok(url) = url::parse(text) {
        assert_eq!(url.as_str(), text);
        assert_eq!(url.base(), base);
        assert!(url.scheme() == "http" || url.scheme() == "https");
        assert_eq!(url.scope(), url::scope(text));
        if let Some(scope) = url.scope() {
            assert!(text.contains(&scope.to_string()), "{text}");
        }
        assert_eq!(url::is_local(text), url.is_local());
    }
});
