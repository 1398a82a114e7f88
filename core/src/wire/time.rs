//! Timestamps from peers: the ISO 8601 forms that 1.1.1 reads, with a mandatory offset.
//!
//! 1.1.1 takes whatever its language's parser takes. This reader takes the same calendar, week and basic
//! forms, and refuses that parser's accidents: separators other than `T`, `t` and a space (S13: a line
//! feed there makes a signature ambiguous), and fractions of hours or minutes.

use jiff::{
    civil::{Date, ISOWeekDate, Time, Weekday},
    tz::Offset,
};

use super::limits;
use crate::env::Timestamp;

/// No form with a sensible fraction is longer.
const LONGEST: usize = 64;

/// The moment that `text` names, or `None` when it names none: date, time at least to the hour, and `Z`
/// or an offset. Digits behind the microseconds are cut off.
pub fn parse(text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST {
        return None;
    }
    let mut text = Text(text.as_bytes());
    let date = text.date()?;
    text.one_of(b"Tt ")?;
    let clock = text.clock()?;
    let offset = match text.one_of(b"Z+-")? {
        b'Z' => 0,
        sign => {
            let offset = text.clock()?.micros();
            if offset >= DAY {
                return None;
            }
            if sign == b'-' { -offset } else { offset }
        }
    };
    if !text.0.is_empty() {
        return None;
    }
    let local = Offset::UTC.to_timestamp(date.to_datetime(clock.time()?)).ok()?;
    Some(Timestamp::from_micros(local.as_microsecond() - offset))
}

/// Whether `text` names a moment within [`limits::FRESHNESS`] of `now`, in either direction.
pub fn is_fresh(text: &str, now: Timestamp) -> bool {
    parse(text).is_some_and(|moment| moment.distance(now) <= limits::FRESHNESS)
}

const DAY: i64 = 86_400_000_000;

/// Hours, minutes, seconds and microseconds, of a day or of an offset.
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
    micro: i32,
}

impl Clock {
    fn time(&self) -> Option<Time> {
        Time::new(self.hour, self.minute, self.second, self.micro * 1000).ok()
    }

    /// As a span. Minutes and seconds beyond 59 count, as they do in offsets that 1.1.1 reads.
    fn micros(&self) -> i64 {
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        seconds * 1_000_000 + i64::from(self.micro)
    }
}

/// The text that is still to be read.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]` or `YYYYWww[D]`, in years 1 to 9999.
    fn date(&mut self) -> Option<Date> {
        let year = i16::from(self.two()?) * 100 + i16::from(self.two()?);
        let extended = self.one_of(b"-").is_some();
        let date = if self.one_of(b"W").is_some() {
            let week = self.two()?;
            let day = self.week_day(extended)?;
            ISOWeekDate::new(year, week, Weekday::from_monday_one_offset(day).ok()?).ok()?.date()
        } else {
            let month = self.two()?;
            if extended {
                self.one_of(b"-")?;
            }
            Date::new(year, month, self.two()?).ok()?
        };
        (year >= 1 && date.year() >= 1).then_some(date)
    }

    /// The day in a week; Monday when none is given.
    fn week_day(&mut self, extended: bool) -> Option<i8> {
        let given = if extended {
            self.one_of(b"-").is_some()
        } else {
            self.0.first().is_some_and(u8::is_ascii_digit)
        };
        if given { self.one_of(b"1234567").and_then(digit) } else { Some(1) }
    }

    /// `HH[:MM[:SS[.f…]]]` or the same without colons; a comma serves as the point.
    fn clock(&mut self) -> Option<Clock> {
        let mut clock = Clock { hour: self.two()?, minute: 0, second: 0, micro: 0 };
        let extended = self.0.first() == Some(&b':');
        let more = |text: &mut Self| {
            if extended {
                text.one_of(b":").is_some()
            } else {
                text.0.first().is_some_and(u8::is_ascii_digit)
            }
        };
        if more(self) {
            clock.minute = self.two()?;
            if more(self) {
                clock.second = self.two()?;
                if self.one_of(b".,").is_some() {
                    clock.micro = self.fraction()?;
                }
            }
        }
        Some(clock)
    }

    /// At least one digit, read as microseconds.
    fn fraction(&mut self) -> Option<i32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (read, rest) = self.0.split_at(digits);
        self.0 = rest;
        if digits == 0 {
            return None;
        }
        let six = read.iter().chain(std::iter::repeat(&b'0')).take(6);
        Some(six.fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0')))
    }

    fn two(&mut self) -> Option<i8> {
        let tens = self.next().and_then(digit)?;
        Some(tens * 10 + self.next().and_then(digit)?)
    }

    /// Takes the next byte if it is one of `choices`.
    fn one_of(&mut self, choices: &[u8]) -> Option<u8> {
        let byte = *self.0.first().filter(|byte| choices.contains(byte))?;
        self.0 = &self.0[1..];
        Some(byte)
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

fn digit(byte: u8) -> Option<i8> {
    byte.is_ascii_digit().then(|| (byte - b'0') as i8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-05-19T12:00:00Z.
    const NOON: Timestamp = Timestamp::from_seconds(1_779_192_000);

    #[test]
    fn reads_every_form_of_one_moment() {
        for text in [
            "2026-05-19T12:00:00+00:00",
            "2026-05-19t12:00:00-00:00",
            "2026-05-19 12Z",
            "20260519T1200Z",
            "20260519T120000,0Z",
            "2026-W21-2T12:00:00.000000999Z",
            "2026W212T12Z",
            "2026-05-19T12:00:00.0Z",
            "2026-05-19T21:45+0945",
            "2026-05-19T02:00:00-10",
            "2026-05-19T12:00:01+00:00:01",
            "2026-05-19T12:00:00.5+00:00:00.500000",
            "2026-05-18T12:00:01-23:59:59",
        ] {
            assert_eq!(parse(text), Some(NOON), "{text}");
        }
        assert_eq!(parse("2026-W21T12Z"), Some(Timestamp::from_micros(NOON.micros() - DAY)));
        assert_eq!(parse("0001-01-01T00:00Z").unwrap().seconds(), -62_135_596_800);
    }

    #[test]
    fn refuses_what_names_no_moment() {
        for text in [
            "",
            "2026-05-19",
            "2026-05-19T",
            "2026-05-19TZ",
            "2026-05-19T12:00:00",
            "2026-05-19T12:00:00z",
            "2026-05-19T12:00:00Z ",
            " 2026-05-19T12:00:00Z",
            "2026-05-19T12:00:00+24:00",
            "2026-05-19T12:00:00+",
            "2026-05-19T12:00:00+1",
            "2026-05-19T24:00:00Z",
            "2026-05-19T12:60:00Z",
            "2026-05-19T12:00:60Z",
            "2026-05-19T12:0000Z",
            "2026-05-19T1200:00Z",
            "2026-05-19T12:00:00.Z",
            "2026-05-19T12.5Z",
            "2026-05-19\n12:00:00Z",
            "2026-0519T12Z",
            "202605-19T12Z",
            "2026-02-29T12Z",
            "2026-13-01T12Z",
            "0000-01-01T12Z",
            "2026-W54-1T12Z",
            "2026-W00-1T12Z",
            "2026-W21-8T12Z",
            "2026-W212T12Z",
            "٢٠٢٦-05-19T12:00:00Z",
            "1779192000",
            "garbage",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("2026-05-19T12:00:00.{}Z", "0".repeat(50))), None);
    }

    proptest! {
        #[test]
        fn reads_back_what_we_send(seconds in -62_135_596_800_i64..253_402_000_000, micros in 0..1_000_000_i64) {
            let moment = Timestamp::from_micros(seconds * 1_000_000 + micros);
            prop_assert_eq!(parse(&moment.to_wire()), Some(moment));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TtWZ:.,+ -]{0,40}", anything: String) {
            let _ = (parse(&text), parse(&anything));
        }
    }
}
