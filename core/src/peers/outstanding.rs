//! Requests of ours that wait for others, with the rows that keep them.
//!
//! A request is known by the agent that was asked and the place it was asked at: many agents may share a place, and who
//! answers at a place may claim to be any agent, so neither alone tells two requests apart.

use std::{collections::BTreeMap, time::Duration};

use super::{table::Peers, types::Outstanding};
use crate::{
    env::{Ages, Now, Timestamp},
    error::Result,
    identity::AgentId,
    store::{Batch, Table},
    wire::url,
};

/// Most requests of ours that wait for others.
pub const OUTSTANDING_LIMIT: usize = 256;
/// How often, at most, a request of ours is repeated because the other side showed itself.
const REPEAT_AFTER: Duration = Duration::from_secs(60);

/// The requests in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    by_key: BTreeMap<String, Outstanding>,
    /// The keys of rows that an earlier build wrote: the place alone.
    former_keys: BTreeMap<String, String>,
    /// When we last asked again, by whom we asked. Not stored.
    repeated: BTreeMap<AgentId, Timestamp>,
    /// How long they have waited.
    ages: Ages<String>,
}

/// Under which key a request is kept, here and on disk.
fn key(request: &Outstanding) -> String {
    format!("{} {}", request.agent_id, url::base(&request.url))
}

impl Requests {
    /// Takes a row, also one of an earlier build. That one stays as it is until the request ends or is made again.
    pub(super) fn load(&mut self, row_key: &str, request: Outstanding) {
        let key = key(&request);
        if key != row_key {
            self.former_keys.insert(key.clone(), row_key.to_owned());
            // Written after the former row, the one of today says more.
            if self.by_key.contains_key(&key) {
                return;
            }
        }
        self.by_key.insert(key, request);
    }

    /// Takes over what memory alone knows: how long they have waited.
    pub(super) fn succeed(&mut self, before: &Self) {
        self.ages.clone_from(&before.ages);
    }
}

impl Peers {
    /// Requests of ours that wait for others.
    pub fn outstanding(&self) -> impl Iterator<Item = &Outstanding> {
        self.requests.by_key.values()
    }

    /// Remembers a request of ours.
    pub fn ask(&mut self, request: Outstanding) -> Result<Batch> {
        let (mut rows, key) = (Batch::new(), key(&request));
        let requests = &self.requests.by_key;
        if requests.len() >= OUTSTANDING_LIMIT
            && !requests.contains_key(&key)
            && let Some((oldest, _)) = requests.iter().min_by_key(|(_, asked)| asked.asked_at)
        {
            let oldest = oldest.clone();
            rows.append(self.drop_outstanding(&oldest));
        }
        if let Some(former) = self.requests.former_keys.remove(&key) {
            rows.delete(Table::Outstanding, former);
        }
        rows.put(Table::Outstanding, key.clone(), &request)?;
        self.requests.by_key.insert(key, request);
        Ok(rows)
    }

    /// The request of ours that an acceptance from `agent` at `base` answers.
    pub fn answered_by(&self, agent: &AgentId, base: &str) -> Option<&Outstanding> {
        let asked = self.outstanding().filter(|request| request.agent_id == *agent);
        asked.max_by_key(|request| url::base(&request.url) == base)
    }

    /// `agent` shows itself as a peer does, while our request still waits for it: it may have accepted when
    /// neither side could tell the other. Where to ask again, unless that was done a moment ago.
    pub fn ask_again(&mut self, agent: &AgentId, now: Timestamp) -> Option<String> {
        let asked = self.outstanding().find(|request| request.agent_id == *agent)?;
        let url = asked.url.clone();
        let last = self.requests.repeated.get(agent).copied().unwrap_or(asked.asked_at);
        (now.distance(last) >= REPEAT_AFTER).then(|| {
            self.requests.repeated.insert(*agent, now);
            url
        })
    }

    /// Forgets a request of ours.
    fn drop_outstanding(&mut self, key: &str) -> Batch {
        let mut rows = Batch::new();
        if let Some(request) = self.requests.by_key.remove(key) {
            self.requests.repeated.remove(&request.agent_id);
            rows.delete(Table::Outstanding, key);
        }
        if let Some(former) = self.requests.former_keys.remove(key) {
            rows.delete(Table::Outstanding, former);
        }
        rows
    }

    /// Forgets requests of ours that are older than `lifetime`, whatever happened to the wall clock since they were
    /// first seen.
    pub(super) fn expire_outstanding(&mut self, now: Now, lifetime: Duration) -> Result<Batch> {
        let mut rows = Batch::new();
        let requests = &mut self.requests;
        requests.ages.look(now, requests.by_key.iter().map(|(key, request)| (key.clone(), request.asked_at)));
        let is_over = |key: &&String| requests.ages.of(key, now.steady) > lifetime;
        let over: Vec<_> = requests.by_key.keys().filter(is_over).cloned().collect();
        for key in over {
            rows.append(self.drop_outstanding(&key));
        }
        let requests = &mut self.requests;
        for (key, request) in &mut requests.by_key {
            if let Some(began) = requests.ages.corrected(key, now) {
                request.asked_at = began;
                let former = requests.former_keys.get(key);
                rows.put(Table::Outstanding, former.unwrap_or(key).clone(), request)?;
            }
        }
        Ok(rows)
    }

    /// Forgets the requests of ours that `is_over` picks.
    pub(super) fn drop_outstanding_if(&mut self, is_over: impl Fn(&Outstanding) -> bool) -> Batch {
        let over = self.requests.by_key.iter().filter(|(_, request)| is_over(request));
        let keys: Vec<_> = over.map(|(key, _)| key.clone()).collect();
        keys.iter().fold(Batch::new(), |mut rows, key| {
            rows.append(self.drop_outstanding(key));
            rows
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Range, Store as _};

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const HOST: &str = "http://127.0.0.1:8100";

    fn agent(seed: u8) -> AgentId {
        AgentId::from_bytes([seed; 32])
    }

    fn ask(peers: &mut Peers, seed: u8, dialled: &str) -> Batch {
        peers.on_pending_reply(dialled, agent(seed), format!("req-{seed}"), false, NOW).unwrap()
    }

    fn scoped(seed: u8) -> String {
        format!("{HOST}/__darkmatter__/{}", agent(seed))
    }

    fn asked(peers: &Peers) -> Vec<AgentId> {
        peers.outstanding().map(|request| request.agent_id).collect()
    }

    async fn loaded(store: &MemoryStore) -> Peers {
        Peers::load(&[], &[], &store.scan(Table::Outstanding, Range::all()).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn two_agents_of_one_host_are_asked_side_by_side() {
        let (store, mut peers) = (MemoryStore::new(), Peers::default());
        for seed in [1, 2] {
            store.commit(ask(&mut peers, seed, &scoped(seed))).await.unwrap();
        }
        for mut peers in [peers, loaded(&store).await] {
            assert_eq!(asked(&peers), [agent(1), agent(2)]);
            assert_eq!(peers.answered_by(&agent(1), HOST).unwrap().request_id, "req-1");
            let later = NOW + REPEAT_AFTER;
            assert_eq!(
                peers.ask_again(&agent(2), later),
                Some(scoped(2)),
                "and not whoever else listens there"
            );
            store.commit(peers.on_rejected(&agent(1), "req-1").unwrap()).await.unwrap();
            assert_eq!(asked(&peers), [agent(2)]);
            assert_eq!(asked(&loaded(&store).await), [agent(2)]);
        }
    }

    #[test]
    fn whoever_claims_to_be_an_agent_elsewhere_does_not_replace_the_request_to_it() {
        let mut peers = Peers::default();
        let _rows = ask(&mut peers, 1, HOST);
        let _rows =
            peers.on_pending_reply("http://127.0.0.1:6666", agent(1), "x".into(), false, NOW).unwrap();
        assert!(peers.asks(&agent(1), "req-1"));
        assert_eq!(peers.answered_by(&agent(1), HOST).unwrap().url, HOST);
    }

    #[tokio::test]
    async fn a_row_of_an_earlier_build_is_read_and_goes_with_its_request() {
        for is_asked_again in [false, true] {
            let (store, mut rows) = (MemoryStore::new(), Batch::new());
            let former = Outstanding {
                url: HOST.into(),
                agent_id: agent(1),
                request_id: "req-1".into(),
                asked_at: NOW,
                signs_v2: false,
            };
            rows.put(Table::Outstanding, HOST, &former).unwrap();
            store.commit(rows).await.unwrap();
            let mut peers = loaded(&store).await;
            // Another agent there has nothing to do with that row.
            store.commit(ask(&mut peers, 2, &scoped(2))).await.unwrap();
            store.commit(peers.on_rejected(&agent(2), "req-2").unwrap()).await.unwrap();
            assert_eq!(asked(&loaded(&store).await), [agent(1)]);
            if is_asked_again {
                store.commit(ask(&mut peers, 1, HOST)).await.unwrap();
                assert_eq!(store.scan(Table::Outstanding, Range::all()).await.unwrap().len(), 1);
            }
            store.commit(peers.on_rejected(&agent(1), "req-1").unwrap()).await.unwrap();
            assert_eq!(asked(&loaded(&store).await), []);
        }
    }
}
