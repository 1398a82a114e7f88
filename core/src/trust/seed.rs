//! The first score of a newcomer: what our trusted peers think of it, weighted by our trust in them.

use super::score::rounded;

/// The highest score that the word of others can give.
pub const SEED_CAP: f64 = 0.5;

/// The weighted mean of opinions, clamped to 0 … [`SEED_CAP`] and not rounded.
///
/// Each pair is our score of a recommender and the score it gave. Recommenders we do not trust
/// (0 or less) have no say, opinions that are not finite are ignored, and an opinion beyond ±1 counts as
/// ±1 so that no recommender can outweigh the others by exaggerating.
pub fn seeded(opinions: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (trust, score) in opinions {
        if trust.is_finite() && trust > 0.0 && score.is_finite() {
            sum += trust * score.clamp(-1.0, 1.0);
            weights += trust;
        }
    }
    if weights > 0.0 { (sum / weights).clamp(0.0, SEED_CAP) } else { 0.0 }
}

/// The score to store for a seed: four decimals, or none when nothing good was said.
pub fn storable(seed: f64) -> Option<f64> {
    let score = rounded(seed, 4);
    (score > 0.0).then_some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_that_are_no_numbers_are_ignored() {
        assert_eq!(seeded([(0.5, f64::NAN), (0.5, 0.25), (f64::NAN, 1.0), (0.5, f64::INFINITY)]), 0.25);
    }

    #[test]
    fn an_exaggerated_opinion_weighs_no_more_than_full_trust() {
        let honest = [(0.9, 0.1)];
        let exaggerated = [(0.9, 0.1), (0.01, 1e300)];
        assert!(seeded(exaggerated) - seeded(honest) < 0.01);
    }

    #[test]
    fn a_seed_that_rounds_to_zero_is_not_stored() {
        assert_eq!(storable(0.000_01), None);
        assert_eq!(storable(0.200_000_000_000_000_04), Some(0.2));
    }
}
