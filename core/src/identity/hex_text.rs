//! Hexadecimal text as 1.1.1 reads it: any case, ASCII white space allowed between bytes.

/// The `N` bytes that `text` spells, or `None` when it spells anything else.
pub(super) fn lenient<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    let mut digits = text.bytes();
    while let Some(first) = digits.next() {
        // 1.1.1's reader skips vertical tabs too, which `is_ascii_whitespace` does not count.
        if first.is_ascii_whitespace() || first == 0x0b {
            continue;
        }
        let second = digits.next()?;
        *bytes.get_mut(filled)? = digit(first)? << 4 | digit(second)?;
        filled += 1;
    }
    (filled == N).then_some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_case_and_spaces_between_bytes_only() {
        assert_eq!(lenient::<2>("aBCd"), Some([0xab, 0xcd]));
        assert_eq!(lenient::<2>(" ab\ncd "), Some([0xab, 0xcd]));
        for bad in ["", "ab", "abc", "a bcd", "abcdef", "abcg", "ab\u{a0}cd", "+abc"] {
            assert_eq!(lenient::<2>(bad), None, "{bad:?}");
        }
    }
}
