//! The connections and pending requests of a node, in memory, with the rows that keep them; `outstanding` has those
//! requests that it made itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use super::{
    health::Health,
    outstanding::Requests,
    types::{Connection, Outstanding, PendingRequest},
};
use crate::{
    env::{Ages, Now, Timestamp},
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
    wire::{
        url::{self, Host},
        verify::Proof,
    },
};

/// How many agents are remembered that are peers no more. What they signed is fresh for five minutes only.
const PARTED: usize = 1_024;
/// Most requests that wait for our decision.
pub const PENDING_LIMIT: usize = 50;

/// Who the node is connected to, and who wants to be.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    pub(super) connections: BTreeMap<AgentId, Connection>,
    pub(super) health: BTreeMap<AgentId, Health>,
    pub(super) pending: BTreeMap<String, PendingRequest>,
    pub(super) challenges: BTreeMap<String, crate::identity::Challenge>,
    /// How long those who ask us have waited.
    ages: Ages<String>,
    /// The latest requests that ended because their agent was connected. Not stored.
    settled: VecDeque<(String, AgentId)>,
    /// Notices that end a connection and are being written: agent and message id. Not stored.
    leaving: BTreeSet<(AgentId, String)>,
    pub(super) requests: Requests,
    /// For agents that are peers no more: the newest time that they had signed for. Not stored.
    parted: BTreeMap<AgentId, Timestamp>,
    /// How many proven peers listen at an address.
    hosts: HashMap<IpAddr, usize>,
    /// Connections whose counters moved since their row was written.
    unsaved: BTreeSet<AgentId>,
}

/// The address at which a peer that proved itself listens, when its URL names one.
fn host(text: &str, is_proven: bool) -> Option<IpAddr> {
    match url::parse(text).ok()?.host() {
        Host::Ip(address) if is_proven => Some(address.to_canonical()),
        _ => None,
    }
}

/// The error about an agent that is no peer of ours.
pub(crate) fn not_connected(agent: &AgentId) -> Error {
    Error::new(Code::PeerNotConnected, "not connected to that agent; connect to it first")
        .with("agent", agent.short())
}

fn host_of(connection: &Connection) -> Option<IpAddr> {
    host(&connection.url, connection.identity_verified)
}

impl Peers {
    /// From the rows of the three tables.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(connections: &[Row], pending: &[Row], outstanding: &[Row]) -> Result<Self> {
        let mut peers = Self::default();
        for row in connections {
            let connection: Connection = row.parse(Table::Peers)?;
            peers.count_host(host_of(&connection), 1);
            peers.connections.insert(connection.agent_id, connection);
        }
        for row in pending {
            let request: PendingRequest = row.parse(Table::Pending)?;
            peers.pending.insert(request.request_id.clone(), request);
        }
        for row in outstanding {
            let request: Outstanding = row.parse(Table::Outstanding)?;
            peers.requests.load(&row.key, request);
        }
        Ok(peers)
    }

    /// A connected peer.
    pub fn get(&self, agent: &AgentId) -> Option<&Connection> {
        self.connections.get(agent)
    }

    /// A connected peer, or the error that says it is none.
    ///
    /// # Errors
    ///
    /// [`Code::PeerNotConnected`].
    pub fn require(&self, agent: &AgentId) -> Result<&Connection> {
        self.get(agent).ok_or_else(|| not_connected(agent))
    }

    /// Whether a peer that proved itself listens at `address`. A claimed URL is not enough, and a name is no address.
    pub fn listens_at(&self, address: IpAddr) -> bool {
        self.hosts.contains_key(&address.to_canonical())
    }

    fn count_host(&mut self, host: Option<IpAddr>, by: isize) {
        let Some(address) = host else { return };
        let count = self.hosts.entry(address).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.hosts.remove(&address);
        }
    }

    /// Every connected peer, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// How many peers are connected.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Requests that wait for our decision, oldest first.
    pub fn pending(&self) -> Vec<PendingRequest> {
        let mut requests: Vec<_> = self.pending.values().cloned().collect();
        requests.sort_by(|a, b| (a.requested_at, &a.request_id).cmp(&(b.requested_at, &b.request_id)));
        requests
    }

    /// Adds or replaces a connection; its pending and outstanding requests are settled by it.
    pub fn connect(&mut self, connection: Connection) -> Result<Batch> {
        let mut rows = Batch::new();
        rows.put(Table::Peers, connection.agent_id.to_string(), &connection)?;
        let agent = connection.agent_id;
        let asked = self.pending.values().filter(|request| request.agent_id == agent);
        self.settled.extend(asked.map(|request| (request.request_id.clone(), agent)));
        self.settled.drain(..self.settled.len().saturating_sub(PENDING_LIMIT));
        self.leaving.retain(|(leaver, _)| *leaver != agent);
        rows.append(self.drop_pending_if(|request| request.agent_id == agent));
        rows.append(self.drop_outstanding_if(|request| request.agent_id == agent));
        self.health.insert(agent, Health::default());
        self.count_host(host_of(&connection), 1);
        self.unsaved.remove(&agent);
        if let Some(former) = self.connections.insert(agent, connection) {
            self.count_host(host_of(&former), -1);
        }
        Ok(rows)
    }

    /// The connected agent whose request of this name ended because it was connected.
    pub fn settled_with(&self, request_id: &str) -> Option<AgentId> {
        let (_, agent) = self.settled.iter().find(|(settled, _)| settled == request_id)?;
        self.connections.contains_key(agent).then_some(*agent)
    }

    /// A peer that is connected and has not said that it leaves.
    pub fn staying(&self, agent: &AgentId) -> Option<&Connection> {
        self.get(agent).filter(|_| !self.leaving.iter().any(|(leaver, _)| leaver == agent))
    }

    /// `agent` ends the connection with this notice. The rows say so to the disk; memory follows with [`Peers::left`]
    /// once they are there, because the disk may know the notice from an earlier connection. What `agent` asks in
    /// between makes a new one, which the notice does not end. `None` when a copy of the notice is being written already.
    pub fn leave(&mut self, agent: &AgentId, notice: &str) -> Option<Batch> {
        self.leaving.insert((*agent, notice.to_owned())).then(|| self.removal(agent))
    }

    /// The notice was not written.
    pub fn stay(&mut self, agent: &AgentId, notice: &str) {
        self.leaving.remove(&(*agent, notice.to_owned()));
    }

    /// The notice was written: removes the connection that it ended, unless there is another one.
    pub fn left(&mut self, agent: &AgentId, notice: &str) -> Option<(Connection, Batch)> {
        self.leaving.remove(&(*agent, notice.to_owned())).then(|| self.disconnect(agent)).flatten()
    }

    /// Changes a connection and returns its row; nothing when it is not there.
    pub fn change(&mut self, agent: &AgentId, change: impl FnOnce(&mut Connection)) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(connection) = self.connections.get_mut(agent) else { return Ok(rows) };
        let (url, was_verified) = (connection.url.clone(), connection.identity_verified);
        change(connection);
        rows.put(Table::Peers, agent.to_string(), connection)?;
        self.unsaved.remove(agent);
        // Most changes are counters; only these two move a peer to another address.
        if url != connection.url || was_verified != connection.identity_verified {
            let former = host(&url, was_verified);
            let current = host(&connection.url, connection.identity_verified);
            self.count_host(former, -1);
            self.count_host(current, 1);
        }
        Ok(rows)
    }

    /// Counts a message that `agent` signed. What its signature shows for the first time is a row at once.
    pub fn count_received(&mut self, agent: &AgentId, proof: Proof, now: Timestamp) -> Result<Batch> {
        let count = |connection: &mut Connection| {
            connection.messages_received += 1;
            connection.last_activity = Some(now);
        };
        match self.get(agent) {
            Some(connection) if connection.learns_from(proof) => self.change(agent, |connection| {
                count(connection);
                connection.learn_from(proof);
            }),
            _ => {
                self.count(agent, count);
                Ok(Batch::new())
            }
        }
    }

    /// Takes the last [`Peers::count_received`] of `agent` back: the message was there before.
    pub fn retract_received(&mut self, agent: &AgentId) {
        self.count(agent, |connection| {
            connection.messages_received = connection.messages_received.saturating_sub(1);
        });
    }

    /// Counts a message that `agent` took.
    pub fn count_sent(&mut self, agent: &AgentId, now: Timestamp) {
        self.count(agent, |connection| {
            connection.messages_sent += 1;
            connection.last_activity = Some(now);
        });
    }

    /// Counts a message of `agent` that we refused for a limit.
    pub fn count_declined(&mut self, agent: &AgentId) {
        self.count(agent, |connection| connection.messages_declined += 1);
    }

    fn count(&mut self, agent: &AgentId, count: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.connections.get_mut(agent) {
            count(connection);
            self.unsaved.insert(*agent);
        }
    }

    /// The rows of connections that only counted since they were written.
    pub fn save_counters(&mut self) -> Result<Batch> {
        let mut rows = Batch::new();
        for agent in std::mem::take(&mut self.unsaved) {
            if let Some(connection) = self.connections.get(&agent) {
                rows.put(Table::Peers, agent.to_string(), connection)?;
            }
        }
        Ok(rows)
    }

    /// Removes a connection.
    pub fn disconnect(&mut self, agent: &AgentId) -> Option<(Connection, Batch)> {
        let connection = self.connections.remove(agent)?;
        if let Some(agreed) = self.agreed_before(agent).max(connection.agreed_at) {
            if self.parted.len() >= PARTED
                && let Some(oldest) = self.parted.iter().min_by_key(|(_, at)| **at).map(|(agent, _)| *agent)
            {
                self.parted.remove(&oldest);
            }
            self.parted.insert(*agent, agreed);
        }
        self.count_host(host_of(&connection), -1);
        self.health.remove(agent);
        self.leaving.retain(|(leaver, _)| leaver != agent);
        Some((connection, self.removal(agent)))
    }

    /// The newest time that `agent` signed for a connection, also one that has ended.
    pub(super) fn agreed_before(&self, agent: &AgentId) -> Option<Timestamp> {
        let now = self.connections.get(agent).and_then(|connection| connection.agreed_at);
        now.max(self.parted.get(agent).copied())
    }

    /// The row that [`Peers::disconnect`] removes. What was only counted does not write it again.
    fn removal(&mut self, agent: &AgentId) -> Batch {
        self.unsaved.remove(agent);
        let mut rows = Batch::new();
        rows.delete(Table::Peers, agent.to_string());
        rows
    }

    /// Forgets a request that waited for us.
    pub fn drop_pending(&mut self, request_id: &str) -> Batch {
        let mut rows = Batch::new();
        if self.pending.remove(request_id).is_some() {
            rows.delete(Table::Pending, request_id);
        }
        self.challenges.remove(request_id);
        rows
    }

    /// Forgets requests of either direction between us and `agent`.
    pub fn drop_requests(&mut self, agent: &AgentId) -> Batch {
        let mut rows = self.drop_pending_if(|request| request.agent_id == *agent);
        rows.append(self.drop_outstanding_if(|request| request.agent_id == *agent));
        rows
    }

    /// Forgets requests of either direction that are older than `lifetime`, whatever happened to the wall clock
    /// since they were first seen.
    ///
    /// # Errors
    ///
    /// Only when a request has no JSON form, which cannot happen.
    pub fn expire(&mut self, now: Now, lifetime: Duration) -> Result<Batch> {
        let mut rows = Batch::new();
        let mut ages = std::mem::take(&mut self.ages);
        ages.look(now, self.pending.iter().map(|(id, request)| (id.clone(), request.requested_at)));
        rows.append(self.drop_pending_if(|request| ages.of(&request.request_id, now.steady) > lifetime));
        for (id, request) in &mut self.pending {
            if let Some(began) = ages.corrected(id, now) {
                request.requested_at = began;
                rows.put(Table::Pending, id.clone(), request)?;
            }
        }
        self.ages = ages;
        rows.append(self.expire_outstanding(now, lifetime)?);
        Ok(rows)
    }

    /// Takes over what memory alone knows: how long requests have waited.
    pub fn succeed(&mut self, before: &Self) {
        self.ages.clone_from(&before.ages);
        self.requests.succeed(&before.requests);
        self.parted.clone_from(&before.parted);
    }

    fn drop_pending_if(&mut self, is_over: impl Fn(&PendingRequest) -> bool) -> Batch {
        let over = self.pending.values().filter(|request| is_over(request));
        let ids: Vec<_> = over.map(|request| request.request_id.clone()).collect();
        ids.iter().fold(Batch::new(), |mut rows, request_id| {
            rows.append(self.drop_pending(request_id));
            rows
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{env::Moment, wire::AddressClass};

    pub(in crate::peers) fn connection(seed: u8, url: &str, identity_verified: bool) -> Connection {
        Connection {
            agent_id: AgentId::from_bytes([seed; 32]),
            url: url.into(),
            told_from: AddressClass::Global,
            told_by: None,
            bio: String::new(),
            display_name: None,
            connected_at: Timestamp::from_seconds(1000),
            last_activity: None,
            messages_sent: 0,
            messages_received: 0,
            messages_declined: 0,
            wallets: Map::new(),
            addresses: Map::new(),
            capabilities: Map::new(),
            identity_verified,
            peer_created_at: None,
            rate_limit: 0,
            last_update: None,
            location: None,
            agreed_at: None,
        }
    }

    /// A proven peer at `url`.
    pub(crate) fn peer_at(url: &str) -> Connection {
        connection(1, url, true)
    }

    #[test]
    fn the_address_of_a_peer_is_its_own_while_it_is_proven_and_connected() {
        let [home, moved] = ["192.0.2.7", "192.0.2.8"].map(|text| text.parse::<IpAddr>().unwrap());
        let mut peers = Peers::default();
        let unproven = connection(1, "http://192.0.2.7:8100", false);
        let agent = unproven.agent_id;
        peers.connect(unproven).unwrap();
        assert!(!peers.listens_at(home), "a claimed URL is not enough");
        peers.change(&agent, |peer| peer.identity_verified = true).unwrap();
        peers.count_declined(&agent);
        assert!(peers.listens_at(home));
        assert!(peers.listens_at("::ffff:192.0.2.7".parse().unwrap()));
        peers.connect(connection(2, "http://192.0.2.7:8101/__darkmatter__", true)).unwrap();
        peers.connect(connection(3, "http://name.example", true)).unwrap();
        peers.change(&agent, |peer| peer.url = "http://192.0.2.8:8100".into()).unwrap();
        assert!(peers.listens_at(home) && peers.listens_at(moved), "another peer is still there");
        peers.disconnect(&AgentId::from_bytes([2; 32])).unwrap();
        peers.connect(connection(1, "http://192.0.2.8:9", true)).unwrap();
        assert!(!peers.listens_at(home) && peers.listens_at(moved));
        peers.disconnect(&agent).unwrap();
        assert!(!peers.listens_at(moved));
        assert!(peers.hosts.is_empty());
    }

    #[test]
    fn requests_end_in_time_whatever_happens_to_the_wall_clock() {
        let hour = Duration::from_secs(3600);
        let began = Timestamp::from_seconds(1_000_000);
        for set_to in [began - hour * 9, began + hour * 9] {
            let start = Now { wall: began, steady: Moment::ORIGIN };
            let ours = Outstanding {
                url: "http://1.2.3.4".into(),
                agent_id: AgentId::from_bytes([1; 32]),
                request_id: "req-1".into(),
                asked_at: began,
                signs_v2: true,
            };
            let mut peers = Peers::default();
            peers.ask(ours).unwrap();
            assert!(peers.expire(start, hour).unwrap().is_empty());
            let set = Now { wall: set_to, ..start };
            let moved = peers.expire(set, hour).unwrap();
            assert_eq!(!moved.is_empty(), set_to < began, "what lies in the future is moved, on disk too");
            assert!(peers.outstanding().all(|request| request.asked_at <= set_to));
            assert!(peers.expire(set + hour, hour).unwrap().is_empty());
            assert_eq!(peers.outstanding().count(), 1);
            assert!(!peers.expire(set + hour * 2, hour).unwrap().is_empty());
            assert_eq!(peers.outstanding().count(), 0);
        }
    }
}
