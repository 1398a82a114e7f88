//! The network between the nodes of one process: who is there, what is cut, what happened.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, LazyLock, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::{
    chance::{Conditions, Journey},
    endpoint::Endpoint,
};
use crate::{
    env::Tasks,
    error::{Code, Error, Result},
    transport::{Method, Receiver},
};

/// How many events the trace keeps; older ones are forgotten.
const TRACE_EVENTS: usize = 65_536;

/// A network that nodes of one process share. Cheap to clone.
///
/// Same seed, same calls, same trace: on a runtime with one thread (and paused time) a run repeats exactly.
#[derive(Clone)]
pub struct MemoryNetwork {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    seed: u64,
    /// Whether it remembers what happened, and every label for ever. Otherwise it holds no more than there are nodes.
    traced: bool,
    origin: Instant,
    state: Mutex<State>,
    /// What travels. A request that left arrives even when its sender has given up.
    pub(super) travelling: Tasks,
}

#[derive(Default)]
struct State {
    conditions: Conditions,
    places: HashMap<String, Place>,
    sent: HashMap<(String, String), u64>,
    cuts: Vec<(BTreeSet<String>, BTreeSet<String>)>,
    trace: VecDeque<Event>,
}

/// What is known of a label, whoever is behind it at the moment.
#[derive(Default)]
struct Place {
    endpoint: Weak<Endpoint>,
    down: bool,
    deliveries: u64,
    crash: Option<Crash>,
}

impl Place {
    fn listening(&self) -> Option<Arc<Endpoint>> {
        self.endpoint.upgrade().filter(|endpoint| endpoint.is_listening())
    }
}

struct Crash {
    remaining: u64,
    moment: Moment,
    happened: Arc<Notify>,
}

/// Which delivery kills a node, see [`MemoryNetwork::plan_crash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPlan {
    /// Counted from the plan on; the next delivery is 1.
    pub at_delivery: u64,
    /// Before or after the node handles it.
    pub moment: Moment,
}

/// A side of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The node never sees the request.
    Before,
    /// The node has handled the request; nobody sees the answer.
    After,
}

/// One thing that happened on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, since the network was made.
    pub at: Duration,
    /// The label of the node that asks.
    pub from: String,
    /// The label of the node that is asked.
    pub to: String,
    /// GET or POST.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Length of the request's body.
    pub bytes: usize,
    /// What happened.
    pub fate: Fate,
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrived.
    Delivered,
    /// It arrived once more.
    Copied,
    /// It was lost, by chance or because of a partition.
    RequestLost,
    /// Nobody listens there.
    Refused,
    /// Its answer, with this status, came back.
    Answered(u16),
    /// Its answer was lost, by chance or because of a partition.
    AnswerLost,
    /// The node it was meant for died of it, or while it was handled.
    Crashed,
}

/// A request as the network sees it.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) bytes: usize,
}

/// What a request meets at the end of its way.
pub(super) enum Landing {
    Lost,
    Refused,
    At(Arc<Endpoint>, Option<(Moment, Arc<Notify>)>),
}

impl MemoryNetwork {
    /// A perfect network; `seed` decides what happens once [`MemoryNetwork::set_conditions`] makes it worse.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, true)
    }

    /// The one network that all nodes of this process share which are opened to it by their settings. It stays perfect,
    /// and keeps no trace.
    pub fn of_process() -> &'static Self {
        static OF_PROCESS: LazyLock<MemoryNetwork> = LazyLock::new(|| MemoryNetwork::with(0, false));
        &OF_PROCESS
    }

    fn with(seed: u64, traced: bool) -> Self {
        let (origin, state) = (Instant::now(), Mutex::default());
        Self { shared: Arc::new(Shared { seed, traced, origin, state, travelling: Tasks::new() }) }
    }

    /// Treats requests sent from now on so.
    pub fn set_conditions(&self, conditions: Conditions) {
        self.shared.state.lock().conditions = conditions;
    }

    /// Loses everything between the labels of `left` and those of `right`, both ways, in addition to what
    /// is cut already. What is under way is lost too.
    pub fn partition(&self, left: &[&str], right: &[&str]) {
        let group = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        self.shared.state.lock().cuts.push((group(left), group(right)));
    }

    /// Ends every partition.
    pub fn heal(&self) {
        self.shared.state.lock().cuts.clear();
    }

    /// Pulls the plug of `label`: requests to it and from it fail at once. The node itself keeps running.
    pub fn take_down(&self, label: &str) {
        self.shared.state.lock().place(label).down = true;
    }

    /// Undoes [`MemoryNetwork::take_down`].
    pub fn bring_up(&self, label: &str) {
        self.shared.state.lock().place(label).down = false;
    }

    /// Kills the node behind `label` at a delivery, like pulling its power: what it is handling is dropped
    /// at that point, its own requests never return, and others find nobody until a new transport listens
    /// at the label. The returned notice fires when it happened, also for one who waits only afterwards.
    /// A second plan for the label replaces the first.
    pub fn plan_crash(&self, label: &str, plan: CrashPlan) -> Arc<Notify> {
        let happened = Arc::new(Notify::new());
        let crash = Crash {
            remaining: plan.at_delivery.max(1),
            moment: plan.moment,
            happened: Arc::clone(&happened),
        };
        self.shared.state.lock().place(label).crash = Some(crash);
        happened
    }

    /// Kills the node behind `label` now, as [`MemoryNetwork::plan_crash`] does at a delivery. Nothing happens
    /// when nobody listens there.
    pub fn crash(&self, label: &str) {
        let endpoint = self.shared.state.lock().place(label).endpoint.upgrade();
        if let Some(endpoint) = endpoint {
            endpoint.crash();
        }
    }

    /// How many requests have arrived at `label`, copies included: the points at which it can be killed.
    pub fn deliveries(&self, label: &str) -> u64 {
        self.shared.state.lock().places.get(label).map_or(0, |place| place.deliveries)
    }

    /// What happened, oldest first: the latest 65 536 events.
    pub fn trace(&self) -> Vec<Event> {
        self.shared.state.lock().trace.iter().cloned().collect()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.travelling.stop();
    }
}

impl Shared {
    /// Puts `endpoint` behind its label and opens it.
    pub(super) fn open(&self, endpoint: &Arc<Endpoint>, receiver: Arc<dyn Receiver>) -> Result<()> {
        let mut state = self.state.lock();
        let place = state.place(endpoint.label());
        let present = place.endpoint.upgrade().filter(|present| !Arc::ptr_eq(present, endpoint));
        if present.is_some_and(|present| present.is_listening()) {
            let sentence = "another node listens at this label; close it, or choose another label";
            return Err(Error::new(Code::BindFailed, sentence).with("label", endpoint.label()));
        }
        endpoint.open(receiver)?;
        place.endpoint = Arc::downgrade(endpoint);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn labels(&self) -> BTreeSet<String> {
        self.state.lock().places.keys().cloned().collect()
    }

    /// `endpoint` is closed. A label that nobody listens at any more is only remembered with what happened there.
    pub(super) fn leave(&self, endpoint: &Arc<Endpoint>) {
        let mut state = self.state.lock();
        let is_its = |place: &Place| std::ptr::eq(place.endpoint.as_ptr(), Arc::as_ptr(endpoint));
        if !self.traced && state.places.get(endpoint.label()).is_some_and(is_its) {
            state.places.remove(endpoint.label());
        }
    }

    /// A request leaves; the error means that the sender's plug is pulled.
    pub(super) fn depart(&self, parcel: &Parcel) -> Result<Journey> {
        let mut state = self.state.lock();
        if state.is_down(&parcel.from) {
            return Err(Error::new(Code::Unreachable, "this node is cut off from the memory network"));
        }
        if !self.traced {
            return Ok(Journey::default());
        }
        let sent = state.sent.entry((parcel.from.clone(), parcel.to.clone())).or_default();
        *sent += 1;
        let number = *sent;
        Ok(Journey::plan(&state.conditions, self.seed, &parcel.from, &parcel.to, number))
    }

    /// A request reaches the end of its way.
    pub(super) fn arrive(&self, parcel: &Parcel, lost: bool, fate: Fate) -> Landing {
        let mut state = self.state.lock();
        if lost || state.is_cut(&parcel.from, &parcel.to) {
            self.record(&mut state, parcel, Fate::RequestLost);
            return Landing::Lost;
        }
        let from_down = state.is_down(&parcel.from);
        let place = state.places.get_mut(&parcel.to).filter(|place| !place.down && !from_down);
        let Some((place, endpoint)) =
            place.and_then(|place| place.listening().map(|endpoint| (place, endpoint)))
        else {
            self.record(&mut state, parcel, Fate::Refused);
            return Landing::Refused;
        };
        place.deliveries += 1;
        let crash = place.crash.take().and_then(|mut crash| {
            crash.remaining -= 1;
            if crash.remaining == 0 {
                return Some((crash.moment, crash.happened));
            }
            place.crash = Some(crash);
            None
        });
        self.record(&mut state, parcel, fate);
        Landing::At(endpoint, crash)
    }

    /// An answer reaches the end of its way; true when it got through.
    pub(super) fn come_back(&self, parcel: &Parcel, lost: bool, status: u16) -> bool {
        let mut state = self.state.lock();
        let down = state.is_down(&parcel.from) || state.is_down(&parcel.to);
        let through = !lost && !down && !state.is_cut(&parcel.from, &parcel.to);
        let fate = if through { Fate::Answered(status) } else { Fate::AnswerLost };
        self.record(&mut state, parcel, fate);
        through
    }

    /// The node that was asked died.
    pub(super) fn died(&self, parcel: &Parcel) {
        self.record(&mut self.state.lock(), parcel, Fate::Crashed);
    }

    fn record(&self, state: &mut State, parcel: &Parcel, fate: Fate) {
        if !self.traced {
            return;
        }
        if state.trace.len() == TRACE_EVENTS {
            state.trace.pop_front();
        }
        let Parcel { from, to, method, path, bytes } = parcel.clone();
        state.trace.push_back(Event { at: self.origin.elapsed(), from, to, method, path, bytes, fate });
    }
}

impl State {
    fn place(&mut self, label: &str) -> &mut Place {
        self.places.entry(label.to_owned()).or_default()
    }

    fn is_down(&self, label: &str) -> bool {
        self.places.get(label).is_some_and(|place| place.down)
    }

    fn is_cut(&self, one: &str, other: &str) -> bool {
        self.cuts.iter().any(|(left, right)| {
            (left.contains(one) && right.contains(other)) || (left.contains(other) && right.contains(one))
        })
    }
}
