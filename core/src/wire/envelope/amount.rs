//! Amounts of a budget: exact decimals, written as text.
//!
//! A JSON number is a double for most readers, and for canonical JSON (RFC 8785): 0.1 and 0.2 do not add up, and
//! 9007199254740993 becomes another number. So an amount is text, up to 18 digits before the point and 18 behind it, and is
//! counted in units of 10^-18, which fit 128 bits. Its one written form has no zeros that say nothing: that form is signed.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Code, Error};

/// Most digits before the point, and behind it.
const DIGITS: usize = 18;
const ONE: u128 = 10_u128.pow(18);

/// A non-negative decimal, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// What is left after `spent`; nothing when that is more.
    pub fn less(self, spent: Self) -> Option<Self> {
        self.0.checked_sub(spent.0).map(Self)
    }
}

impl FromStr for Amount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| {
            (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let has_zero_first = whole.len() > 1 && whole.starts_with('0');
        if !is_number(whole) || !is_number(part) || has_zero_first {
            let shown: String = text.chars().take(48).collect();
            let sentence = format!(
                "amount must be a decimal as text, such as \"12.5\", with at most {DIGITS} digits before the point and {DIGITS} behind it"
            );
            return Err(Error::new(Code::InvalidArgument, sentence).with("value", shown));
        }
        let digits = format!("{whole}{part:0<DIGITS$}");
        // At most 36 digits: 10^36 is below 2^120.
        digits
            .parse()
            .map(Self)
            .map_err(|cause| Error::new(Code::InvalidArgument, "amount is no decimal").because(cause))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / ONE, self.0 % ONE);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{part:0DIGITS$}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| de::Error::custom(error.message()))
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_has_one_written_form() {
        for (text, form) in [
            ("0", "0"),
            ("0.0", "0"),
            ("12.50", "12.5"),
            ("7", "7"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("9007199254740993", "9007199254740993"),
            ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ] {
            assert_eq!(amount(text).to_string(), form);
            assert_eq!(serde_json::to_value(amount(text)).unwrap(), serde_json::json!(form));
        }
    }

    #[test]
    fn what_is_no_exact_decimal_is_refused() {
        for bad in [
            "",
            ".",
            "-1",
            "+1",
            "1.",
            ".5",
            "1e3",
            "0x1",
            "NaN",
            "inf",
            "1,5",
            " 1",
            "01",
            "00",
            "1.2.3",
            "١",
            "1234567890123456789",
            "0.1234567890123456789",
            "1_000",
        ] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
        // A number is not taken: its reader may have rounded it before.
        assert!(serde_json::from_str::<Amount>("1").is_err());
        assert!(serde_json::from_str::<Amount>("0.1").is_err());
    }

    #[test]
    fn amounts_add_up_and_compare_as_numbers() {
        assert!(amount("0.3") > amount("0.29999999999999999"));
        assert!(amount("10") > amount("9.99"));
        assert_eq!(amount("0.30"), amount("0.3"));
        assert_eq!(amount("0.3").less(amount("0.1")), Some(amount("0.2")));
        assert_eq!(amount("0.3").less(amount("0.300000000000000001")), None);
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same(units in 0..10_u128.pow(36)) {
            let amount = Amount(units);
            prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }
    }
}
