//! Trust along a mesh route: the product of what each hop says of the next.
//!
//! The hops are self-declared and unsigned, so chain trust can only ever lower what is allowed.

use super::score::rounded;

/// A routed message or request below this chain trust is not delivered.
pub const FLOOR: f64 = 0.01;
/// What a hop says of a peer it has no impression of.
pub const UNKNOWN_LINK: f64 = 0.5;

/// The trust of a whole chain, with six decimals: 1 for an empty one, 0 as soon as one link is missing,
/// zero, negative or not a number. A link above 1 counts as 1: 1.1.1 let such a claim make up for weak
/// links elsewhere.
pub fn chain_trust(links: impl IntoIterator<Item = Option<f64>>) -> f64 {
    let product = links.into_iter().fold(1.0, |product, link| match link {
        Some(link) if link > 0.0 => product * link.min(1.0),
        _ => 0.0,
    });
    rounded(product, 6)
}

/// Whether a chain of this trust may deliver to us.
pub fn passes(chain_trust: f64) -> bool {
    chain_trust >= FLOOR
}

/// What we say of the next hop, a peer we are connected to, with three decimals.
///
/// A connected peer counts at least [`UNKNOWN_LINK`] unless its score is negative. 1.1.1 gave a stranger
/// 0.5 and a peer after a few messages 0.004, so it refused exactly the peers it knew (B13).
pub fn link_to(score: Option<f64>) -> f64 {
    match score {
        Some(score) if score < 0.0 => 0.0,
        Some(score) => rounded(score.max(UNKNOWN_LINK), 3),
        None => UNKNOWN_LINK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_link_cannot_repair_a_weak_chain() {
        assert!(!passes(chain_trust([Some(0.001), Some(1e9)])));
        assert_eq!(chain_trust([Some(f64::NAN)]), 0.0);
    }

    #[test]
    fn a_peer_we_exchanged_a_few_messages_with_passes_the_floor() {
        assert!(passes(chain_trust([Some(link_to(Some(0.004))), Some(link_to(Some(0.004)))])));
        assert!(!passes(chain_trust([Some(link_to(Some(-0.1)))])));
        assert_eq!(link_to(Some(0.876_54)), 0.877);
    }
}
