//! Machines with disks and labels, nodes that live and die on them, and the seed behind it all.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dmagent::{
    AgentId, ConnectArgs, Node, NodeConfig, Parts,
    env::{Env, Random as _, SeededRandom, Tasks, Timestamp, VirtualClock},
    error::Result,
    identity::Passport,
    node::host::Policy,
    peers::{AutoAccept, Peer},
    store::{CrashPlan, FaultyStore, MemoryDisk, MemoryStore},
    transport::memory::{self, MemoryNetwork, MemoryTransport},
};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Runs one story on a clock of its own. A failure names the seed.
pub(crate) fn simulate<T, F: Future<Output = T>>(seed: u64, story: impl FnOnce(u64) -> F) -> T {
    struct Repeat(u64);
    impl Drop for Repeat {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("simulated with seed {0}; DMAGENT_SIMULATION_SEED={0} repeats it", self.0);
            }
        }
    }
    let _repeat = Repeat(seed);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime without I/O");
    runtime.block_on(story(seed))
}

/// The seeds of a test, unless the environment names one.
pub(crate) fn seeds(usual: impl IntoIterator<Item = u64>) -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    match std::env::var("DMAGENT_SIMULATION_SEED") {
        Ok(text) => vec![text.parse().expect("DMAGENT_SIMULATION_SEED is a number")],
        Err(_) => usual.into_iter().collect(),
    }
}

/// Dice of one actor: what others do does not change its throws.
pub(crate) struct Chance(SeededRandom);

impl Chance {
    pub(crate) fn new(seed: u64, actor: u64) -> Self {
        Self(SeededRandom::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ actor))
    }

    /// 0 to `bound - 1`.
    pub(crate) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.0.below(bound as u64)).expect("it is below a usize")
    }

    pub(crate) fn percent(&self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn pick<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// Between `least` and `most` seconds, in milliseconds.
    pub(crate) fn seconds(&self, least: usize, most: usize) -> Duration {
        Duration::from_millis((least * 1000 + self.below((most - least) * 1000)) as u64)
    }
}

/// Everything of one simulation.
pub(crate) struct World {
    pub(crate) network: MemoryNetwork,
    pub(crate) machines: Vec<Arc<Machine>>,
    /// Hosts and other bystanders.
    pub(crate) tasks: Tasks,
    clock: VirtualClock,
}

impl World {
    /// `count` machines, switched off.
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        Self::configured(seed, count, |_| config())
    }

    pub(crate) fn configured(seed: u64, count: usize, settings: impl Fn(usize) -> NodeConfig) -> Self {
        Self::with_clocks(seed, count, settings, |_| 0)
    }

    /// Machines whose wall clocks are off by so many seconds.
    pub(crate) fn with_clocks(
        seed: u64,
        count: usize,
        settings: impl Fn(usize) -> NodeConfig,
        ahead: impl Fn(usize) -> i64,
    ) -> Self {
        let network = MemoryNetwork::new(seed);
        let clock = VirtualClock::starting_at(Timestamp::from_seconds(1_800_000_000));
        let tasks = Tasks::new();
        let machine = |index: usize| {
            let (passport, seed) = (Machine::identity(seed, index), machine_seed(seed, index));
            Arc::new(Machine {
                index,
                label: format!("m{index:02}"),
                moved_to: Mutex::new(None),
                id: passport.agent_id(),
                disk: MemoryDisk::new(),
                policy: Mutex::new(None),
                config: settings(index),
                passport,
                seed,
                starts: AtomicU64::new(0),
                network: network.clone(),
                clock: clock.ahead_by(ahead(index)),
                tasks: tasks.clone(),
                life: Mutex::default(),
                turned: Notify::new(),
            })
        };
        let machines = (0..count).map(machine).collect();
        Self { machines, tasks, clock, network }
    }

    /// All machines of a new world, running.
    pub(crate) async fn started(seed: u64, count: usize) -> Self {
        let world = Self::new(seed, count);
        world.start().await;
        world
    }

    pub(crate) async fn start(&self) {
        for machine in &self.machines {
            machine.boot(None).await.expect("nothing is planned to stop it");
        }
    }

    /// Where the machines listen, or will when they start.
    pub(crate) fn places(&self) -> Vec<String> {
        self.machines.iter().map(|machine| machine.place()).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        dmagent::env::Clock::now(&self.clock)
    }

    /// Sets the wall clock of every machine forward by so many seconds, or back.
    pub(crate) fn set_clock_forward(&self, seconds: i64) {
        self.clock.set_forward(seconds);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.stop();
        self.machines.iter().for_each(|machine| machine.die());
    }
}

/// A node that has no door but the memory network.
pub(crate) fn config() -> NodeConfig {
    NodeConfig::ephemeral()
}

/// A node that lets its host decide about every request.
pub(crate) fn careful() -> NodeConfig {
    let mut config = config();
    config.auto_accept = AutoAccept::None;
    config
}

/// What stays when a process dies: keys, disk, and the address unless it moves.
pub(crate) struct Machine {
    pub(crate) index: usize,
    /// Its name, and its address until it moves.
    pub(crate) label: String,
    /// Where it is since it moved.
    moved_to: Mutex<Option<String>>,
    pub(crate) id: AgentId,
    pub(crate) disk: MemoryDisk,
    /// Asked by every node that starts from now on.
    pub(crate) policy: Mutex<Option<Arc<dyn Policy>>>,
    config: NodeConfig,
    passport: Passport,
    seed: u64,
    starts: AtomicU64,
    network: MemoryNetwork,
    clock: VirtualClock,
    tasks: Tasks,
    life: Mutex<Option<Life>>,
    /// Rung when a life begins or ends. A `watch` channel wakes those who wait in an order of its own dice.
    turned: Notify,
}

fn machine_seed(seed: u64, index: usize) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(index as u64)
}

impl Machine {
    /// The keys of a machine of the world of `seed`.
    pub(crate) fn identity(seed: u64, index: usize) -> Passport {
        Passport::generate(&SeededRandom::new(machine_seed(seed, index)))
    }

    /// Starts a node; `None` when it died while it opened, as `crash` may say.
    pub(crate) async fn boot(self: &Arc<Self>, crash: Option<CrashPlan>) -> Option<Life> {
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::open(&self.disk))));
        store.plan_crash(crash);
        // A process that starts again does not throw the same dice again.
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        let parts = Parts {
            transports: vec![Arc::new(MemoryTransport::new(&self.network, self.place()))],
            store: Some(Arc::clone(&store) as _),
            passport: Some(self.passport.clone()),
            env: Some(Env {
                clock: Arc::new(self.clock.clone()),
                random: Arc::new(SeededRandom::new(self.seed ^ (start << 40))),
                tasks: Tasks::new(),
            }),
            policy: self.policy.lock().clone(),
        };
        let opened = tokio::select! {
            biased;
            () = store.crash() => None,
            node = Node::open_with(self.config.clone(), parts) => Some(node.expect("the disk is sound")),
        };
        let Some(node) = opened else {
            self.network.crash(&self.place());
            return None;
        };
        let life = Life { node: Arc::new(Mutex::new(Some(node))), store, ended: CancellationToken::new() };
        self.turn(Some(life.clone()));
        let (machine, watched) = (Arc::clone(self), life.clone());
        self.tasks.spawn("death by commit", async move {
            tokio::select! {
                biased;
                () = watched.ended.cancelled() => {}
                () = watched.store.crash() => machine.die(),
            }
        });
        Some(life)
    }

    /// The power goes out.
    pub(crate) fn die(&self) {
        let Some(life) = self.turn(None) else { return };
        // What its tasks still try in this moment reaches neither disk nor network.
        let at_commit = life.store.commits() + 1;
        life.store.plan_crash(Some(CrashPlan { at_commit, moment: dmagent::store::Moment::Before }));
        self.network.crash(&self.place());
        life.ended.cancel();
        drop(life.node.lock().take());
    }

    /// The power goes out at a delivery, counted from now.
    pub(crate) fn die_at(self: &Arc<Self>, plan: memory::CrashPlan) {
        let happened = self.network.plan_crash(&self.place(), plan);
        let machine = Arc::clone(self);
        self.tasks.spawn("death by delivery", async move {
            happened.notified().await;
            machine.die();
        });
    }

    /// How often a node was started here.
    pub(crate) fn starts(&self) -> usize {
        usize::try_from(self.starts.load(Ordering::Relaxed)).expect("few")
    }

    /// The present life, if it is on.
    pub(crate) fn life(&self) -> Option<Life> {
        self.life.lock().clone()
    }

    /// Begins or ends a life; returns the one before.
    fn turn(&self, life: Option<Life>) -> Option<Life> {
        let before = std::mem::replace(&mut *self.life.lock(), life);
        self.turned.notify_waiters();
        before
    }

    /// Waits until `wanted` finds what it looks for in the present life.
    async fn wait_for<T>(&self, wanted: impl Fn(Option<Life>) -> Option<T>) -> T {
        loop {
            let mut turned = std::pin::pin!(self.turned.notified());
            turned.as_mut().enable();
            if let Some(found) = wanted(self.life()) {
                return found;
            }
            turned.await;
        }
    }

    /// The present life, or the next.
    pub(crate) async fn alive(&self) -> Life {
        self.wait_for(|life| life).await
    }

    /// Waits until it is off.
    pub(crate) async fn dead(&self) {
        self.wait_for(|life| life.is_none().then_some(())).await;
    }

    /// The node, for stories in which it runs.
    pub(crate) fn node(&self) -> Node {
        let life = self.life().expect("the machine is on");
        life.node.lock().clone().expect("the machine is on")
    }

    /// The label at which it listens.
    pub(crate) fn place(&self) -> String {
        self.moved_to.lock().clone().unwrap_or_else(|| self.label.clone())
    }

    /// From its next start on it has another address. Nobody is told.
    pub(crate) fn move_to(&self, place: &str) {
        assert!(self.life().is_none(), "a machine moves while it is off");
        *self.moved_to.lock() = Some(place.to_owned());
    }

    pub(crate) fn url(&self) -> String {
        format!("memory://{}", self.place())
    }

    pub(crate) async fn connect(&self, to: &Self) -> Result<Peer> {
        self.node().peers().connect(ConnectArgs::new(to.url())).await
    }
}

/// From start to death.
#[derive(Clone)]
pub(crate) struct Life {
    node: Arc<Mutex<Option<Node>>>,
    pub(crate) store: Arc<FaultyStore>,
    ended: CancellationToken,
}

impl Life {
    /// What comes of `work`; `None` when the node dies before it is done.
    pub(crate) async fn run<T, F: Future<Output = T>>(&self, work: impl FnOnce(Node) -> F) -> Option<T> {
        let node = self.node.lock().clone()?;
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            result = work(node) => Some(result),
        }
    }
}
