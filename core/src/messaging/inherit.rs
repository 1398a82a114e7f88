//! A message that is sent because of another one works under what is left of its limits.

use super::types::Message;
use crate::{
    env::Random,
    error::{Code, Error, Result},
    wire::envelope::{Amount, Budget, MessageLimits},
};

/// What a host asks for in a message that another one causes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How often it may be forwarded.
    pub hops: u32,
    /// Its limits; absent ones are those of the cause.
    pub limits: MessageLimits,
    /// What of the budget is spent already.
    pub spend: Option<Amount>,
}

/// The hops and limits of a message that `cause` causes: one hop less, no later deadline, no more than what is left of the
/// budget, a new span of the same trace.
///
/// # Errors
///
/// [`Code::LimitsLoosened`] when the host asks for more than is left; [`Code::InvalidArgument`] for a spending without a
/// budget, or in another unit.
pub fn inherit(cause: &Message, wanted: Wanted, random: &dyn Random) -> Result<(u32, MessageLimits)> {
    let Wanted { hops, mut limits, spend } = wanted;
    let hops = hops.min(cause.hops_remaining.saturating_sub(1));
    let came = cause.limits.clone().unwrap_or_default();
    limits.deadline = match (limits.deadline, came.deadline) {
        (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
        (mine, theirs) => mine.or(theirs),
    };
    limits.budget = budget(came.budget.as_ref(), limits.budget, spend)?;
    if limits.trace.is_none() {
        limits.trace = came.trace.map(|trace| trace.child(random));
    }
    Ok((hops, limits))
}

fn budget(came: Option<&Budget>, wanted: Option<Budget>, spend: Option<Amount>) -> Result<Option<Budget>> {
    let Some(came) = came else {
        return match spend {
            Some(_) => Err(Error::new(
                Code::InvalidArgument,
                "spend needs a message with a budget in caused_by; this one has none",
            )),
            None => Ok(wanted),
        };
    };
    let too_much = |sentence: &'static str| {
        Error::new(Code::LimitsLoosened, sentence).with("budget", came.amount).with("unit", &came.unit)
    };
    let left = came
        .amount
        .less(spend.unwrap_or_default())
        .ok_or_else(|| too_much("spend is more than the budget of the message in caused_by"))?;
    match wanted {
        None => Ok(Some(Budget { unit: came.unit.clone(), amount: left })),
        Some(wanted) if wanted.unit != came.unit => Err(Error::new(
            Code::InvalidArgument,
            "the budget must have the unit of the message in caused_by",
        )
        .with("unit", &came.unit)),
        Some(wanted) if wanted.amount > left => {
            Err(too_much("the budget is more than what is left of the message in caused_by"))
        }
        Some(wanted) => Ok(Some(wanted)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        env::{SeededRandom, Timestamp},
        identity::AgentId,
        messaging::{MessageKind, Verification},
        wire::envelope::TraceContext,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn cause(hops_remaining: u32, limits: MessageLimits) -> Message {
        Message {
            message_id: "msg-1".into(),
            from: AgentId::from_bytes([1; 32]),
            content: "work".into(),
            metadata: serde_json::Map::new(),
            in_reply_to: None,
            hops_remaining,
            kind: MessageKind::Peer,
            verification: Verification::Sealed,
            received_at: NOW,
            limits: limits.some(),
            origin: None,
            forwarded_to: Vec::new(),
            sequence: 1,
            redeliveries: 0,
            wants_stream: false,
        }
    }

    fn usd(amount: &str) -> Option<Budget> {
        Some(Budget { unit: "usd".into(), amount: amount.parse().unwrap() })
    }

    fn derive(
        came: MessageLimits,
        limits: MessageLimits,
        spend: Option<&str>,
    ) -> Result<(u32, MessageLimits)> {
        let wanted = Wanted { hops: 10, limits, spend: spend.map(|text| text.parse().unwrap()) };
        inherit(&cause(4, came), wanted, &SeededRandom::new(1))
    }

    #[test]
    fn hops_go_down_and_never_below_zero() {
        for (came, asked, left) in [(4, 10, 3), (4, 2, 2), (1, 10, 0), (0, 10, 0)] {
            let wanted = Wanted { hops: asked, limits: MessageLimits::default(), spend: None };
            let message = cause(came, MessageLimits::default());
            assert_eq!(
                inherit(&message, wanted, &SeededRandom::new(1)).unwrap(),
                (left, MessageLimits::default())
            );
        }
    }

    #[test]
    fn the_earlier_deadline_holds() {
        let at = |seconds| MessageLimits {
            deadline: Some(NOW + Duration::from_secs(seconds)),
            ..MessageLimits::default()
        };
        for (came, asked, holds) in [
            (at(5), at(9), at(5)),
            (at(9), at(5), at(5)),
            (at(5), MessageLimits::default(), at(5)),
            (MessageLimits::default(), at(5), at(5)),
        ] {
            assert_eq!(derive(came, asked, None).unwrap().1, holds);
        }
    }

    #[test]
    fn at_most_what_is_left_of_the_budget_goes_on() {
        let with = |amount| MessageLimits { budget: usd(amount), ..MessageLimits::default() };
        let none = MessageLimits::default;
        for (came, asked, spend, left) in [
            (with("10"), none(), None, Some("10")),
            (with("10"), none(), Some("0.25"), Some("9.75")),
            (with("10"), none(), Some("10"), Some("0")),
            (with("10"), with("3"), Some("7"), Some("3")),
            (none(), with("3"), None, Some("3")),
            (none(), none(), None, None),
        ] {
            assert_eq!(derive(came, asked, spend).unwrap().1.budget, left.and_then(usd));
        }
        let euro =
            MessageLimits { budget: Some(Budget { unit: "eur".into(), ..usd("1").unwrap() }), ..none() };
        for (came, asked, spend, code) in [
            (with("10"), none(), Some("10.01"), Code::LimitsLoosened),
            (with("10"), with("10.01"), None, Code::LimitsLoosened),
            (with("10"), with("3"), Some("7.01"), Code::LimitsLoosened),
            (with("10"), euro, None, Code::InvalidArgument),
            (none(), none(), Some("1"), Code::InvalidArgument),
        ] {
            assert_eq!(derive(came, asked, spend).unwrap_err().code(), code);
        }
    }

    #[test]
    fn the_trace_goes_on_in_a_new_span_unless_the_host_has_its_own() {
        let trace = |span: &str| TraceContext {
            traceparent: format!("00-0af7651916cd43dd8448eb211c80319c-{span}-01"),
            tracestate: Some("rojo=1".into()),
        };
        let came = MessageLimits { trace: Some(trace("b7ad6b7169203331")), ..MessageLimits::default() };
        let went = derive(came.clone(), MessageLimits::default(), None).unwrap().1.trace.unwrap();
        assert_eq!(went.traceparent[..36], came.trace.as_ref().unwrap().traceparent[..36]);
        assert_ne!(Some(&went), came.trace.as_ref());
        let own = MessageLimits { trace: Some(trace("1111111111111111")), ..MessageLimits::default() };
        assert_eq!(derive(came, own.clone(), None).unwrap().1, own);
    }
}
