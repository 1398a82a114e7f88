//! Claimed message ids: what was taken once is not taken again, also after a restart.
//!
//! A claim is a row of [`Table::Seen`]. Its key is a digest of sender and id, because these rows outnumber all
//! others, and a short key keeps them on few pages; its value is the moment from which it may be forgotten.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{CLAIM_LIFETIME, CLAIM_LIFETIME_V1};
use crate::{
    env::Timestamp,
    error::Result,
    identity::AgentId,
    store::{Batch, Row, Table},
    wire::verify::Proof,
};

/// How much of the digest is kept. Nobody finds another id for a given key, and one's own ids may well collide.
const KEY_BYTES: usize = 16;

/// Claims what `from` calls `id`, in the batch that takes it: the batch fails when it was claimed before.
pub fn claim(rows: &mut Batch, from: &AgentId, id: &str, proof: Proof, now: Timestamp) -> Result<()> {
    let lifetime = if proof >= Proof::V2 { CLAIM_LIFETIME } else { CLAIM_LIFETIME_V1 };
    let key = key(from, id);
    rows.require_absent(Table::Seen, key.clone());
    rows.put(Table::Seen, key, &(now + lifetime))?;
    Ok(())
}

/// Claims what `from` calls `id` and nobody has taken, as far as anybody knows.
pub fn reclaim(rows: &mut Batch, from: &AgentId, id: &str, now: Timestamp) -> Result<()> {
    rows.put(Table::Seen, key(from, id), &(now + CLAIM_LIFETIME))?;
    Ok(())
}

/// The deletion of those `claims` that may be forgotten at `now`.
pub fn expired(claims: &[Row], now: Timestamp) -> Result<Batch> {
    let mut rows = Batch::new();
    for claim in claims {
        if claim.parse::<Timestamp>(Table::Seen)? < now {
            rows.delete(Table::Seen, claim.key.clone());
        }
    }
    Ok(rows)
}

/// The row that says that `id` of `from` was taken.
pub fn key(from: &AgentId, id: &str) -> String {
    let digest = Sha256::new().chain_update(from.as_bytes()).chain_update(id).finalize();
    URL_SAFE_NO_PAD.encode(&digest[..KEY_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_claim_is_of_one_sender_and_one_id() {
        let [one, other] = [1, 2].map(|byte| AgentId::from_bytes([byte; 32]));
        let keys = [key(&one, "msg-1"), key(&one, "msg-2"), key(&other, "msg-1"), key(&one, "")];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(keys.iter().all(|key| key.len() == 22));
        assert_eq!(keys[0], key(&one, "msg-1"));
    }

    #[test]
    fn a_claim_is_kept_for_as_long_as_its_sender_may_repeat() {
        let from = AgentId::from_bytes([1; 32]);
        for (proof, lifetime) in [(Proof::V1, CLAIM_LIFETIME_V1), (Proof::Sealed, CLAIM_LIFETIME)] {
            let mut rows = Batch::new();
            claim(&mut rows, &from, "msg-1", proof, NOW).unwrap();
            let [crate::store::Op::Put { key, value, .. }] = &rows.ops[..] else { panic!("{rows:?}") };
            let row = Row { key: key.clone(), value: value.clone() };
            let is_kept = |at| expired(std::slice::from_ref(&row), at).unwrap().is_empty();
            assert!(is_kept(NOW + lifetime));
            assert!(!is_kept(NOW + lifetime + std::time::Duration::from_micros(1)));
        }
    }
}
