//! Names for agents that were given none: an adjective and a noun.

use crate::env::Random;

const ADJECTIVES: [&str; 32] = [
    "amber", "brisk", "calm", "clear", "cobalt", "crisp", "deft", "early", "even", "fair", "fleet", "fresh",
    "gentle", "golden", "grand", "green", "hardy", "honest", "keen", "light", "lucid", "mellow", "nimble",
    "noble", "patient", "plain", "quiet", "rapid", "silver", "steady", "sunny", "vivid",
];
const NOUNS: [&str; 32] = [
    "badger", "beacon", "birch", "brook", "cedar", "comet", "crane", "delta", "ember", "falcon", "fern",
    "fjord", "garnet", "harbor", "heron", "island", "juniper", "lantern", "lynx", "maple", "meadow", "orbit",
    "otter", "pebble", "quartz", "raven", "reef", "river", "sparrow", "spruce", "tundra", "willow",
];

/// A name such as `steady-heron`.
pub(crate) fn random_name(random: &dyn Random) -> String {
    let pick = |words: &[&'static str; 32]| words[usize::try_from(random.below(32)).unwrap_or(0) % 32];
    format!("{}-{}", pick(&ADJECTIVES), pick(&NOUNS))
}
