//! The service: the tasks that announce, listen, scan and keep the bootstrap schedule.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    env::{Env, Timestamp},
    error::Result,
    identity::AgentId,
    transport::Transport,
    wire::place,
};

use super::{
    Announcement, Discovered, Finding, FoundBy, Mode, Settings,
    beacon::{self, Heard},
    bootstrap::Bootstrap,
    budget::{Admission, Budget},
    interfaces,
    multicast::{Multicast, ReceiveBuffer},
    scan,
    table::{Change, Sightings},
};

/// How often a beacon is sent and this machine is scanned, as in 1.1.1.
const CYCLE: Duration = Duration::from_secs(30);
/// The local network is scanned in every so manieth cycle: beacons are quicker, and a scan is loud.
const LAN_SCAN_CYCLES: u64 = 10;
/// How long the listener pauses after an error of its socket.
const AFTER_ERROR: Duration = Duration::from_millis(200);

/// What discovery needs of the node it works for. All are called often and must answer at once.
pub trait Presence: Send + Sync + 'static {
    /// Our id: beacons and documents with it are our own.
    fn agent_id(&self) -> AgentId;

    /// What to announce now; none while nothing is to be announced.
    fn announcement(&self) -> Option<Announcement>;

    /// An Ed25519 signature over `bytes` with the key of the announced id.
    fn sign(&self, bytes: &[u8]) -> [u8; 64];

    /// Whether a healthy connection to exactly this base URL exists.
    fn is_connected_at(&self, base: &str) -> bool;
}

/// A running discovery. Cheap to clone; its tasks end with those of the node.
#[derive(Clone)]
pub struct Discovery {
    shared: Arc<Shared>,
}

struct Shared {
    env: Env,
    settings: Settings,
    presence: Arc<dyn Presence>,
    transport: Arc<dyn Transport>,
    findings: mpsc::Sender<Finding>,
    multicast: Result<Option<Multicast>>,
    seen: Mutex<Sightings>,
    bootstrap: Mutex<Bootstrap>,
    rescheduled: Notify,
}

impl Discovery {
    /// Starts what the mode asks for. Call it inside a tokio runtime.
    ///
    /// A multicast socket that cannot be opened does not keep the rest from starting; see
    /// [`Discovery::multicast_port`]. `findings` is read steadily, or discovery waits.
    pub fn run(
        env: &Env,
        settings: Settings,
        presence: Arc<dyn Presence>,
        transport: Arc<dyn Transport>,
        findings: mpsc::Sender<Finding>,
    ) -> Self {
        let multicast = match settings.mode {
            Mode::Off => Ok(None),
            Mode::Lan | Mode::On if settings.interfaces.as_ref().is_some_and(Vec::is_empty) => Ok(None),
            Mode::Lan | Mode::On => Multicast::open(settings.group, settings.group_port).map(Some),
        };
        if let Err(error) = &multicast {
            tracing::warn!(%error, "agents of the local network are found by scanning only");
        }
        let bases = if settings.mode == Mode::On { settings.bootstrap.as_slice() } else { &[] };
        let bootstrap = Mutex::new(Bootstrap::new(bases, env.steady()));
        let shared = Arc::new(Shared {
            env: env.clone(),
            settings,
            presence,
            transport,
            findings,
            multicast,
            seen: Mutex::default(),
            bootstrap,
            rescheduled: Notify::new(),
        });
        if shared.settings.mode != Mode::Off {
            env.tasks.spawn("discovery-announce", announce(Arc::clone(&shared)));
            env.tasks.spawn("discovery-listen", listen(Arc::clone(&shared)));
            env.tasks.spawn("discovery-scan", scan_in_cycles(Arc::clone(&shared)));
        }
        if shared.settings.mode == Mode::On {
            env.tasks.spawn("discovery-bootstrap", keep_bootstrap(Arc::clone(&shared)));
        }
        Self { shared }
    }

    /// Scans now, whatever the cycle; returns everybody seen lately. Does nothing in [`Mode::Off`].
    /// Cancel-safe: dropping it leaves what was found so far unlisted.
    pub async fn scan(&self) -> Vec<Discovered> {
        if self.shared.settings.mode != Mode::Off {
            self.shared.scan_localhost().await;
            self.shared.scan_lan().await;
        }
        self.list()
    }

    /// Everybody seen lately, in the order of ids.
    pub fn list(&self) -> Vec<Discovered> {
        let now = self.shared.env.now();
        self.shared.seen.lock().list(now).cloned().collect()
    }

    /// Where an agent was seen, if lately.
    pub fn get(&self, id: &AgentId) -> Option<Discovered> {
        let now = self.shared.env.now();
        self.shared.seen.lock().get(id, now).cloned()
    }

    /// Reports what became of a [`Finding::BootstrapDue`]: whether the peer accepted us.
    pub fn bootstrap_result(&self, base: &str, accepted: bool) {
        let (now, random) = (self.shared.env.steady(), self.shared.random());
        self.shared.bootstrap.lock().result(base, accepted, now, random);
        self.shared.rescheduled.notify_one();
    }

    /// The UDP port of the group; none when multicast is not used.
    ///
    /// # Errors
    ///
    /// [`Code::DiscoveryFailed`](crate::error::Code::DiscoveryFailed) when its socket could not be opened.
    pub fn multicast_port(&self) -> Result<Option<u16>> {
        match &self.shared.multicast {
            Ok(multicast) => Ok(multicast.as_ref().map(Multicast::port)),
            Err(error) => Err(error.clone()),
        }
    }
}

/// Joins the interfaces there are now, and sends a beacon, at once and in every cycle.
async fn announce(shared: Arc<Shared>) {
    let Ok(Some(multicast)) = &shared.multicast else { return };
    let mut cycle = cycles();
    loop {
        cycle.tick().await;
        multicast.use_interfaces(&shared.interfaces());
        if let Some(announcement) = shared.presence.announcement() {
            let sign = |bytes: &[u8]| shared.presence.sign(bytes);
            multicast.send(&beacon::encode(&announcement, shared.env.now(), sign)).await;
        }
    }
}

/// Hears beacons, as many as the budget allows.
async fn listen(shared: Arc<Shared>) {
    let Ok(Some(multicast)) = &shared.multicast else { return };
    let own = shared.presence.agent_id();
    let mut budget = Budget::new();
    let mut buffer = ReceiveBuffer::new();
    loop {
        let (datagram, source) = match multicast.receive(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "listening goes on");
                sleep(AFTER_ERROR).await;
                continue;
            }
        };
        let now = shared.env.now();
        match budget.admit(source, now) {
            Admission::Read => {}
            Admission::Skip => continue,
            Admission::Rest(span) => {
                sleep(span).await;
                continue;
            }
        }
        if !interfaces::is_near(source, &multicast.interfaces()) {
            continue;
        }
        match beacon::verify(datagram, &own, now) {
            Ok(heard) => {
                let (found, ts) = located(heard, source, now);
                let change = shared.seen.lock().beacon(found.clone(), ts);
                shared.tell(change, found).await;
            }
            Err(why) => tracing::trace!(%source, ?why, "datagram ignored"),
        }
    }
}

fn located(heard: Heard, source: std::net::Ipv4Addr, now: Timestamp) -> (Discovered, i64) {
    let place = if heard.shares_port { place::path(&heard.agent_id) } else { String::new() };
    let found = Discovered {
        agent_id: heard.agent_id,
        url: format!("http://{source}:{}{place}", heard.port),
        display_name: heard.display_name,
        bio: heard.bio,
        accepting: heard.accepting,
        source: FoundBy::Multicast,
        signed: true,
        seen_at: now,
    };
    (found, heard.ts)
}

async fn scan_in_cycles(shared: Arc<Shared>) {
    let mut cycle = cycles();
    for count in 0_u64.. {
        cycle.tick().await;
        shared.scan_localhost().await;
        if count % LAN_SCAN_CYCLES == 0 {
            shared.scan_lan().await;
        }
        let now = shared.env.now();
        shared.seen.lock().expire(now);
    }
}

async fn keep_bootstrap(shared: Arc<Shared>) {
    loop {
        let now = shared.env.steady();
        let connected = |base: &str| shared.presence.is_connected_at(base);
        let due = shared.bootstrap.lock().take_due(now, connected, || shared.random());
        for base in due {
            if shared.findings.send(Finding::BootstrapDue { base }).await.is_err() {
                return;
            }
        }
        let Some(wait) = shared.bootstrap.lock().wait(shared.env.steady()) else { return };
        tokio::select! {
            () = sleep(wait) => {}
            () = shared.rescheduled.notified() => {}
        }
    }
}

impl Shared {
    async fn scan_localhost(&self) {
        // Those who share our port are found there.
        let own = self.presence.announcement().filter(|announcement| !announcement.shares_port);
        let own = own.map(|announcement| announcement.port);
        let targets = scan::localhost_targets(self.settings.first_port, self.settings.last_port, own);
        self.scan(targets, FoundBy::Localhost).await;
    }

    async fn scan_lan(&self) {
        let ports = self.ports_seen();
        self.scan(scan::lan_targets(&self.interfaces(), &ports), FoundBy::Lan).await;
    }

    async fn scan(&self, targets: Vec<scan::Target>, source: FoundBy) {
        let own = self.presence.agent_id();
        for found in scan::scan(&self.transport, targets, source, || self.env.now()).await {
            if found.agent_id != own {
                let change = self.seen.lock().claim(found.clone());
                self.tell(change, found).await;
            }
        }
    }

    async fn tell(&self, change: Change, found: Discovered) {
        if matches!(change, Change::New | Change::Moved) {
            // The host may not be interested; the list stays true without it.
            let _ = self.findings.send(Finding::Agent(found)).await;
        }
    }

    /// Those named in the settings; else every usable one, of which LAN-only takes the private networks:
    /// beacons on an interface with a public address would reach somebody else's network.
    fn interfaces(&self) -> Vec<interfaces::Interface> {
        let mut usable = interfaces::usable(self.settings.interfaces.as_deref()).unwrap_or_else(|error| {
            tracing::debug!(%error, "no interfaces");
            Vec::new()
        });
        if self.settings.interfaces.is_none() && self.settings.mode == Mode::Lan {
            usable.retain(interfaces::Interface::is_local);
        }
        usable
    }

    /// The ports at which agents were seen; others of the network may use them too.
    fn ports_seen(&self) -> BTreeSet<u16> {
        let now = self.env.now();
        let seen = self.seen.lock();
        seen.list(now).filter_map(|found| url::Url::parse(&found.url).ok()?.port()).collect()
    }

    fn random(&self) -> u64 {
        self.env.random.below(u64::MAX)
    }
}

fn cycles() -> tokio::time::Interval {
    let mut cycle = interval(CYCLE);
    cycle.set_missed_tick_behavior(MissedTickBehavior::Delay);
    cycle
}

#[cfg(test)]
mod tests;
