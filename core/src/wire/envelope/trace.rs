//! W3C Trace Context (level 1, with the keys of level 2): which trace a message belongs to.
//!
//! The two texts travel as the author wrote them. Whoever sends a message because of another one names a new span of the same
//! trace; whoever passes one on changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    env::Random,
    error::{Code, Error, Result},
};

/// Longest `tracestate`, in characters.
const STATE_CHARS: usize = 512;
/// Most members of a `tracestate`.
const STATE_MEMBERS: usize = 32;

/// Which trace a message belongs to: the values of the two headers of W3C Trace Context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceContext {
    /// `00-{trace id}-{span id}-{flags}`: 32, 16 and 2 lower-case hexadecimal digits.
    pub traceparent: String,
    /// What the tracing systems on the way say, at most 512 characters and 32 members.
    #[serde(default)]
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// Whether both texts are what the recommendation allows.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`], naming the text and its form.
    pub fn check(&self) -> Result<()> {
        if !is_parent(&self.traceparent) {
            let sentence = "traceparent must be 00-{32 digits}-{16 digits}-{2 digits}, lower-case hexadecimal and neither id all zero";
            return Err(invalid(sentence, &self.traceparent));
        }
        match &self.tracestate {
            Some(state) if !is_state(state) => {
                let sentence = "tracestate must be a list of key=value with at most 32 members and 512 characters, as W3C Trace Context says";
                Err(invalid(sentence, state))
            }
            _ => Ok(()),
        }
    }

    /// A new span of the same trace, with the same flags.
    pub fn child(&self, random: &dyn Random) -> Self {
        let mut id = [0_u8; 8];
        random.fill(&mut id);
        // Zero is no id.
        id[7] |= u8::from(id == [0; 8]);
        let mut parts = self.traceparent.split('-');
        let (_, trace, _, flags) = (parts.next(), parts.next(), parts.next(), parts.next());
        let traceparent =
            format!("00-{}-{}-{}", trace.unwrap_or_default(), hex::encode(id), flags.unwrap_or_default());
        Self { traceparent, tracestate: self.tracestate.clone() }
    }
}

fn invalid(sentence: &'static str, value: &str) -> Error {
    Error::new(Code::InvalidArgument, sentence).with("value", value.chars().take(64).collect::<String>())
}

/// Version 00 alone: of a later one only its own readers know what its texts mean, and nobody may pass on what it cannot
/// check.
fn is_parent(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let parts: Vec<&str> = text.split('-').collect();
    matches!(&parts[..], ["00", trace, span, flags] if is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2))
}

fn is_state(text: &str) -> bool {
    if text.len() > STATE_CHARS {
        return false;
    }
    let members: Vec<&str> = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        // Members without content are allowed.
        .filter(|member| !member.is_empty())
        .collect();
    let keys: std::collections::BTreeSet<_> =
        members.iter().filter_map(|member| Some(member.split_once('=')?.0)).collect();
    members.len() <= STATE_MEMBERS
        && keys.len() == members.len()
        && members
            .iter()
            .all(|member| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value)))
}

fn is_key(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=256).contains(&key.len())
        && key.bytes().next().is_some_and(is_letter)
        && key.bytes().all(|byte| is_letter(byte) || b"_-*/@".contains(&byte))
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && !value.ends_with(' ')
        && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SeededRandom;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn is_fine(traceparent: &str, tracestate: Option<&str>) -> bool {
        let tracestate = tracestate.map(str::to_owned);
        TraceContext { traceparent: traceparent.to_owned(), tracestate }.check().is_ok()
    }

    #[test]
    fn a_parent_has_the_form_of_the_recommendation() {
        assert!(is_fine(PARENT, None));
        assert!(is_fine("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", None));
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033312-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(!is_fine(bad, None), "{bad}");
        }
    }

    #[test]
    fn a_state_has_the_form_of_the_recommendation() {
        let long = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for fine in [
            "",
            "rojo=00f067aa0ba902b7",
            "rojo=1,congo=t61rcWkgMzE",
            "1a-_*/@b=x y",
            "a=1 , \t b=2",
            "a=1,,b=2",
            "a=!~;:",
            &long(32),
        ] {
            assert!(is_fine(PARENT, Some(fine)), "{fine}");
        }
        for bad in [
            "rojo",
            "=1",
            "a=",
            "A=1",
            "a=1,a=2",
            "a=b=c",
            "_a=1",
            "a b=1",
            "a=é",
            "a=\u{1}",
            &long(33),
            &format!("a={}", "x".repeat(257)),
            &format!("a={},b={}", "x".repeat(255), "x".repeat(255)),
        ] {
            assert!(!is_fine(PARENT, Some(bad)), "{bad}");
        }
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent = TraceContext { traceparent: PARENT.to_owned(), tracestate: Some("rojo=1".to_owned()) };
        let child = parent.child(&SeededRandom::new(7));
        child.check().unwrap();
        assert_eq!(child.traceparent[..36], parent.traceparent[..36]);
        assert_ne!(child.traceparent[36..52], parent.traceparent[36..52]);
        assert_eq!(child.traceparent[52..], parent.traceparent[52..]);
        assert_eq!(child.tracestate, parent.tracestate);
    }
}
