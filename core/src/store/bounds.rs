//! A [`Range`] as one interval of keys, the same for every backend.

use super::Range;

impl Range {
    /// The first key that may be part of the range, and the first key behind it; `None` when only the end
    /// of the table ends it. The interval may be empty, even inverted.
    ///
    /// Keys compare as UTF-8 bytes, which is also the order of their code points.
    pub(super) fn bounds(&self) -> (String, Option<String>) {
        // Nothing sorts between a text and the same text followed by NUL.
        let start = match &self.after {
            Some(after) if *after >= self.prefix => format!("{after}\0"),
            _ => self.prefix.clone(),
        };
        (start, end_of_prefix(&self.prefix))
    }
}

/// The smallest text that is greater than every text starting with `prefix`.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // A range of `char` steps over the surrogates, which no text holds.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(text: &str) -> Range {
        Range { prefix: text.to_owned(), ..Range::all() }
    }

    #[test]
    fn a_prefix_ends_at_the_next_code_point() {
        assert_eq!(prefix("ab").bounds(), ("ab".into(), Some("ac".into())));
        assert_eq!(prefix("\u{7f}").bounds().1, Some("\u{80}".into()));
        assert_eq!(prefix("a\u{d7ff}").bounds().1, Some("a\u{e000}".into()));
        assert_eq!(prefix("a\u{10ffff}\u{10ffff}").bounds().1, Some("b".into()));
        assert_eq!(prefix("\u{10ffff}").bounds().1, None);
        assert_eq!(prefix("").bounds(), (String::new(), None));
    }

    proptest! {
        #[test]
        fn the_interval_holds_exactly_the_keys_of_the_range(
            prefix in "[a\u{7f}\u{80}\u{d7ff}\u{e000}\u{10ffff}]{0,3}",
            after in proptest::option::of("[a\0\u{7f}\u{80}\u{d7ff}\u{e000}\u{10ffff}]{0,4}"),
            key in "[a\0\u{7f}\u{80}\u{d7ff}\u{e000}\u{10ffff}]{0,5}",
        ) {
            let range = Range { prefix, after, limit: None };
            let wanted = key.starts_with(&range.prefix) && range.after.as_ref().is_none_or(|after| key > *after);
            let (start, end) = range.bounds();
            prop_assert_eq!(key >= start && end.is_none_or(|end| key < end), wanted);
        }
    }
}
