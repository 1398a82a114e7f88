//! Whom a request is for: one agent, or one of several that share the listener.
//!
//! A place or a scope in the path names the agent. What names none is for the one that has listened longest, and when that
//! one ends, for the next. The listener reads nothing else of a request, and nothing in it decides: the agent finds out for
//! itself whether it is meant.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::RwLock;

use crate::{
    env::Tasks,
    identity::AgentId,
    transport::{Neighbour, Receiver, Roster},
    wire::place,
};

/// An agent that listens.
pub(super) struct Tenant {
    pub(super) receiver: Arc<dyn Receiver>,
    /// Host names under which it is known.
    pub(super) names: Vec<String>,
    pub(super) tasks: Tasks,
    /// When it shares the listener: who it is, and the runtime that its work belongs to. The connections may be served by
    /// the runtime of another.
    pub(super) sharing: Option<(AgentId, tokio::runtime::Handle)>,
    under_way: AtomicUsize,
}

/// One request that a tenant has under way.
pub(super) struct UnderWay(Arc<Tenant>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Tenant {
    pub(super) fn new(
        receiver: Arc<dyn Receiver>,
        names: Vec<String>,
        tasks: Tasks,
        sharing: Option<(AgentId, tokio::runtime::Handle)>,
    ) -> Arc<Self> {
        Arc::new(Self { receiver, names, tasks, sharing, under_way: AtomicUsize::new(0) })
    }

    /// Room for one more request, if fewer than `most` are under way.
    pub(super) fn begin(self: &Arc<Self>, most: usize) -> Option<UnderWay> {
        let begun = UnderWay(Arc::clone(self));
        (self.under_way.fetch_add(1, Ordering::AcqRel) < most).then_some(begun)
    }
}

/// Those who listen now.
#[derive(Default)]
struct Table {
    tenants: Vec<Arc<Tenant>>,
    roster: Option<Arc<Roster>>,
}

impl Table {
    fn of(tenants: Vec<Arc<Tenant>>) -> Arc<Self> {
        let neighbours: Option<Vec<_>> = tenants
            .iter()
            .map(|tenant| {
                let (agent, _) = tenant.sharing.as_ref()?;
                Some(Neighbour { agent: *agent, receiver: Arc::clone(&tenant.receiver) })
            })
            .collect();
        Arc::new(Self { tenants, roster: neighbours.map(|neighbours| Arc::new(Roster::new(neighbours))) })
    }
}

/// Whom a request is for.
pub(super) struct Addressee {
    pub(super) tenant: Arc<Tenant>,
    /// Everybody here, when the listener is shared.
    pub(super) roster: Option<Arc<Roster>>,
    /// How many listen here.
    pub(super) count: usize,
}

/// The tenants of a listener.
#[derive(Default)]
pub(super) struct Tenants(RwLock<Arc<Table>>);

impl Tenants {
    pub(super) fn enter(&self, tenant: Arc<Tenant>) {
        let mut table = self.0.write();
        let mut tenants = table.tenants.clone();
        tenants.push(tenant);
        *table = Table::of(tenants);
    }

    pub(super) fn leave(&self, tenant: &Arc<Tenant>) {
        let mut table = self.0.write();
        let others = table.tenants.iter().filter(|other| !Arc::ptr_eq(other, tenant));
        let others = others.cloned().collect();
        *table = Table::of(others);
    }

    /// Whether `agent` was here and has ended without leaving.
    pub(super) fn is_gone(&self, agent: &AgentId) -> bool {
        let table = Arc::clone(&self.0.read());
        let mut own = table.tenants.iter().filter(|tenant| tenant.is(agent)).peekable();
        own.peek().is_some() && own.all(|tenant| tenant.receiver.is_gone())
    }

    /// Whom a request with this path is for; `None` when nobody of that name, or nobody at all, is here.
    pub(super) fn addressee(&self, path: &str) -> Option<Addressee> {
        let table = Arc::clone(&self.0.read());
        let tenant = match table.tenants.as_slice() {
            // Alone with its port, an agent refuses the names of others itself.
            [only] if only.sharing.is_none() => only,
            tenants => {
                let mut present = tenants.iter().filter(|tenant| !tenant.receiver.is_gone());
                match place::named(path) {
                    Some(agent) => present.find(|tenant| tenant.is(&agent))?,
                    None => present.next()?,
                }
            }
        };
        let (tenant, count) = (Arc::clone(tenant), table.tenants.len());
        Some(Addressee { tenant, roster: table.roster.clone(), count })
    }
}

impl Tenant {
    fn is(&self, agent: &AgentId) -> bool {
        self.sharing.as_ref().is_some_and(|(own, _)| own == agent)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use async_trait::async_trait;

    use super::*;
    use crate::{transport::Arrival, wire::Answer};

    #[derive(Default)]
    struct Agent(AtomicBool);

    #[async_trait]
    impl Receiver for Agent {
        async fn receive(&self, _: Arrival) -> Answer {
            Answer::not_found()
        }

        fn is_gone(&self) -> bool {
            self.0.load(Ordering::Acquire)
        }
    }

    fn id(seed: u8) -> AgentId {
        AgentId::from_bytes([seed; 32])
    }

    fn tenant(seed: u8, agent: &Arc<Agent>) -> Arc<Tenant> {
        let sharing = Some((id(seed), tokio::runtime::Handle::current()));
        Tenant::new(Arc::clone(agent) as _, Vec::new(), Tasks::new(), sharing)
    }

    #[tokio::test]
    async fn a_name_finds_its_tenant_and_everything_else_the_oldest_that_is_left() {
        let agents: Vec<Arc<Agent>> = (0..3).map(|_| Arc::default()).collect();
        let all: Vec<_> = (1..).zip(&agents).map(|(seed, agent)| tenant(seed, agent)).collect();
        let tenants = Tenants::default();
        let found = |path: &str| {
            let found = tenants.addressee(path)?.tenant;
            all.iter().position(|tenant| Arc::ptr_eq(tenant, &found))
        };
        assert_eq!(found("/__darkmatter__/status"), None, "nobody is here yet");
        all.iter().for_each(|tenant| tenants.enter(Arc::clone(tenant)));
        let status = |seed: u8| format!("/__darkmatter__/{}/status", id(seed));
        let placed = |seed: u8| format!("/agents/{}/__darkmatter__/status", id(seed));
        for (index, seed) in (1..4).enumerate() {
            assert_eq!((found(&status(seed)), found(&placed(seed))), (Some(index), Some(index)));
        }
        assert_eq!((found(&status(4)), found(&placed(4))), (None, None), "an unknown name is nobody's");
        assert_eq!(found("/__darkmatter__/status"), Some(0));
        assert_eq!(tenants.addressee("/").unwrap().roster.unwrap().others(&id(2)).count(), 2);

        // One has ended without leaving, another has left.
        agents[0].0.store(true, Ordering::Release);
        assert_eq!((found("/"), found(&status(1)), found(&status(3))), (Some(1), None, Some(2)));
        tenants.leave(&all[1]);
        assert_eq!((found("/"), found(&status(2)), found(&status(3))), (Some(2), None, Some(2)));
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_requests_under_way() {
        let tenant = tenant(1, &Arc::default());
        let begun: Vec<_> = (0..5).map(|_| tenant.begin(3)).collect();
        assert_eq!(begun.iter().flatten().count(), 3);
        drop(begun);
        assert!(tenant.begin(1).is_some());
    }
}
