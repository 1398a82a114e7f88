//! Numbers as keys: text of fixed width, so that the order of the rows is the order of the numbers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// The number of a row in an ordered table, from 0 to 2⁶³ - 1. As text: 16 lower-case hexadecimal digits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Sequence(u64);

impl Sequence {
    /// The number of the first row.
    pub const FIRST: Self = Self(0);

    /// The greatest number that can be read; the other half of `u64` is room that [`Sequence::next`] never
    /// runs out of.
    const LAST: u64 = i64::MAX as u64;

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when `key` is not the text of a number.
    pub fn parse(key: &str) -> Result<Self> {
        let plain = key.len() == 16 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(key, 16) {
            Ok(number) if plain && number <= Self::LAST => Ok(Self(number)),
            _ => Err(Error::new(
                Code::StoreCorrupt,
                "a key of the database is not a number of 16 hexadecimal digits; restore the file from a backup",
            )
            .with("key", format!("{key:?}"))),
        }
    }

    /// The number of the row after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number behind `last`, or the first one of an empty table.
    pub fn following(last: Option<Self>) -> Self {
        last.map_or(Self::FIRST, Self::next)
    }

    /// The plain number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The key under which the row is stored.
    pub fn key(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Sequence> for String {
    fn from(sequence: Sequence) -> Self {
        sequence.key()
    }
}

impl TryFrom<String> for Sequence {
    type Error = Error;

    fn try_from(key: String) -> Result<Self> {
        Self::parse(&key)
    }
}

/// The key of row number `number`.
pub fn key(number: u64) -> String {
    Sequence(number).key()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbering_starts_at_zero_and_goes_up_by_one() {
        assert_eq!(Sequence::following(None).key(), "0000000000000000");
        assert_eq!(Sequence::following(Some(Sequence(255))).key(), "0000000000000100");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "0",
            "000000000000000A",
            "+000000000000001",
            "8000000000000000",
            "00000000000000000",
            "ééééé",
        ] {
            assert_eq!(Sequence::parse(text).unwrap_err().code(), Code::StoreCorrupt, "{text:?}");
        }
    }

    #[test]
    fn the_greatest_number_has_a_successor() {
        let last = Sequence::parse("7fffffffffffffff").unwrap();
        assert_eq!(last.next().number(), 1 << 63);
    }

    #[test]
    fn json_holds_the_text_of_the_key() {
        let text = serde_json::to_string(&Sequence(26)).unwrap();
        assert_eq!(text, r#""000000000000001a""#);
        assert_eq!(serde_json::from_str::<Sequence>(&text).unwrap(), Sequence(26));
    }

    proptest! {
        #[test]
        fn keys_sort_as_their_numbers(a in 0..=Sequence::LAST, b in 0..=Sequence::LAST) {
            let (a, b) = (Sequence(a), Sequence(b));
            prop_assert_eq!(a.key().cmp(&b.key()), a.cmp(&b));
            prop_assert_eq!(Sequence::parse(&a.key()).unwrap(), a);
        }
    }
}
