//! The composition root: the one place that names concrete adapters and puts a node together.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, mpsc};

use super::{
    Node,
    calls::{self, LocalVerbs},
    config::NodeConfig,
    events::EventBus,
    host::{GuardedPolicy, Policy},
    inbound::Door,
    inner::{self, Inner},
    presence::NodePresence,
    state::State,
    token::{self, LocalToken},
};
use crate::{
    discovery::{self, Discovery},
    env::{Env, SigningTimes},
    error::{Code, Error, Result},
    identity::{AgentId, Passport, passport_file},
    messaging::Sealers,
    store::{MemoryStore, Owner, OwnerInfo, SqliteStore, Store},
    transport::{
        Switchboard, Transport,
        http::{HttpConfig, HttpTransport, TrustedProxies},
        memory::{MemoryNetwork, MemoryTransport},
    },
    wire::{
        NetworkTier,
        limiter::Loopback,
        limits,
        url::{self, Host},
    },
};

/// The database in the data folder.
pub(crate) const DATABASE: &str = "node.db";
/// How long a leaving owner of a folder is waited for.
const LEAVING: Duration = Duration::from_secs(3);
/// How many findings may wait for the node.
const FINDINGS: usize = 64;

/// What a caller brings along instead of what the configuration would make: other transports, a store, keys,
/// a simulated environment, a policy.
#[derive(Default)]
pub struct Parts {
    /// Transports beside HTTP.
    pub transports: Vec<Arc<dyn Transport>>,
    /// Instead of the database of the data folder.
    pub store: Option<Arc<dyn Store>>,
    /// Instead of the passport file.
    pub passport: Option<Passport>,
    /// Instead of the system's clock and randomness.
    pub env: Option<Env>,
    /// Asked from the first request on.
    pub policy: Option<Arc<dyn Policy>>,
}

/// Opens a node.
pub(crate) async fn open(config: NodeConfig, parts: Parts, verbs: LocalVerbs) -> Result<Node> {
    let config = config.validated()?;
    for endpoint in config.vain_overrides() {
        tracing::warn!(
            endpoint,
            "access_overrides cannot open this endpoint: the local API is for this machine, with the token; remove the line"
        );
    }
    let env = parts.env.unwrap_or_else(Env::system);
    let home = Home::open(&config, &env, parts.passport, parts.store).await?;
    let (http, state) = match prepare(&config, &env, &home).await {
        Ok(prepared) => prepared,
        Err(error) => {
            home.leave().await;
            return Err(error);
        }
    };
    let mut transports = parts.transports;
    if let Some(http) = &http {
        let transport: Arc<dyn Transport> = Arc::<HttpTransport>::clone(http);
        transports.push(transport);
    }
    if config.memory {
        // A whole id is longer than a URL's label may be; half of one is as hard to imitate.
        let label = format!("agent-{:.32}", home.passport.agent_id().to_string());
        transports.push(Arc::new(MemoryTransport::new(MemoryNetwork::of_process(), label)));
    }
    let patience = Duration::from_millis(config.policy_timeout_ms);
    let public_url = config.public_url.as_deref().map(|text| url::normal(url::base(text)));
    let public_url = public_url.map(|port| inner::placed(&config, &home.passport.agent_id(), &port));
    let token = LocalToken::generate(&*env.random);
    let inner = Arc::new(Inner {
        passport: home.passport,
        store: home.store,
        switchboard: Switchboard::new(transports),
        sealers: Sealers::new(Arc::clone(&env.random)),
        signing_times: signing_times(&state),
        state: Mutex::new(state),
        events: EventBus::new(),
        policy: RwLock::new(parts.policy.map(|policy| GuardedPolicy { policy, patience })),
        inbox_bell: Notify::new(),
        recall_bell: Notify::new(),
        stream_bell: Notify::new(),
        part_bell: Notify::new(),
        receipt_bell: Notify::new(),
        sent_bell: Notify::new(),
        outbox_bell: Notify::new(),
        mail_bell: Notify::new(),
        upkeep_bell: Notify::new(),
        waiting: AtomicUsize::new(0),
        addresses: RwLock::new(Vec::new()),
        public_url: RwLock::new(public_url),
        token,
        verbs,
        searches: Arc::new(Semaphore::new(super::healing::AT_ONCE)),
        waiting_calls: Semaphore::new(calls::places(&config.limits)),
        data_dir: home.folder,
        owner: Mutex::new(home.owner),
        unpublished: AtomicBool::new(false),
        stalled: AtomicBool::new(false),
        closed: AtomicBool::new(false),
        partings: super::part::Partings::default(),
        port_mapping: Mutex::new(None),
        discovery: RwLock::new(None),
        config,
        env,
    });
    let node = Node::from_inner(Arc::clone(&inner));
    if let Err(error) = start(&inner, http).await {
        if let Err(second) = node.close().await {
            tracing::warn!(error = %second, "a node that could not start did not close cleanly");
        }
        return Err(error);
    }
    Ok(node)
}

/// What can fail while nothing runs yet but the store.
async fn prepare(config: &NodeConfig, env: &Env, home: &Home) -> Result<(Option<Arc<HttpTransport>>, State)> {
    let me = home.passport.agent_id();
    let http = if config.http { Some(Arc::new(bind_http(config, me).await?)) } else { None };
    Ok((http, State::load(&*home.store, config, env, me).await?))
}

/// The times to sign with. Earlier processes signed no later than they heard of a peer, and the clock may have been set
/// back since.
fn signing_times(state: &State) -> SigningTimes {
    let times = SigningTimes::new(limits::FRESHNESS);
    for connection in state.peers.iter() {
        times.note(connection.connected_at.max(connection.last_activity.unwrap_or_default()));
    }
    times
}

async fn start(inner: &Arc<Inner>, http: Option<Arc<HttpTransport>>) -> Result<()> {
    // The addresses are known before the first request is answered with them.
    *inner.addresses.write() = own_addresses(inner, http.as_deref());
    let listening = inner.switchboard.listen(Arc::new(Door(Arc::downgrade(inner)))).await?;
    if inner.addresses.read().is_empty() {
        *inner.addresses.write() = listening;
    }
    if let Err(error) = publish_owner(inner) {
        if error.code() != Code::StoreFull {
            return Err(error);
        }
        tracing::warn!(%error, "the disk is full: other programs of this machine cannot find this node yet");
        inner.unpublished.store(true, Ordering::Release);
    }
    inner.start_upkeep();
    if let Some(http) = http {
        start_discovery(inner, &http);
        super::portmap::start(inner, http.local_addr());
    }
    Ok(())
}

/// Identity and storage of a node, and the right to use them.
struct Home {
    passport: Passport,
    store: Arc<dyn Store>,
    folder: Option<PathBuf>,
    owner: Option<Arc<Owner>>,
}

impl Home {
    /// Gives the data folder free, so that whoever could not open a node may try again at once with other settings.
    async fn leave(self) {
        // A store that the caller brought along stays the caller's.
        if self.folder.is_some()
            && let Err(error) = self.store.close().await
        {
            tracing::warn!(%error, "the store of a node that could not start did not close cleanly");
        }
    }

    async fn open(
        config: &NodeConfig,
        env: &Env,
        passport: Option<Passport>,
        store: Option<Arc<dyn Store>>,
    ) -> Result<Self> {
        if config.ephemeral || store.is_some() {
            return Ok(Self {
                passport: passport.unwrap_or_else(|| Passport::generate(&*env.random)),
                store: store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
                folder: None,
                owner: None,
            });
        }
        let location = locate(config)?;
        let folder = location.path().parent().map(Path::to_owned).ok_or_else(|| {
            Error::new(Code::PassportUnreadable, "the passport has no folder")
                .with("path", location.path().display())
        })?;
        let mut owner = claim(&folder).await?;
        let passport = match (passport, &location) {
            (Some(passport), _) => passport,
            (None, passport_file::Location::Existing(path)) => passport_file::load(path)?,
            (None, passport_file::Location::Create(_)) if has_content(&folder.join(DATABASE)) => {
                return Err(Error::new(
                    Code::PassportMissing,
                    "a database is here, but its passport is not; bring passport.key back, or move the database away",
                )
                .with("folder", folder.display()));
            }
            (None, passport_file::Location::Create(path)) => passport_file::create(path, &*env.random)?,
        };
        if location.path().is_file() {
            owner.hold(location.path())?;
        }
        owner.settle();
        let owner = Arc::new(owner);
        let (path, durability) = (folder.join(DATABASE), config.durability);
        // Opening checks the whole file, which may take a moment.
        let holder = Some(Arc::clone(&owner));
        let store = tokio::task::spawn_blocking(move || SqliteStore::open_as(path, durability, holder))
            .await
            .map_err(|cause| {
                Error::new(Code::Internal, "opening the database was cut off").because(cause)
            })??;
        Ok(Self { passport, store: Arc::new(store), folder: Some(folder), owner: Some(owner) })
    }
}

fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// Claims the folder. An owner that published nothing is about to leave, or has only just come: it is waited
/// for a moment.
async fn claim(folder: &Path) -> Result<Owner> {
    let deadline = tokio::time::Instant::now() + LEAVING;
    loop {
        match Owner::lock(folder) {
            Err(error)
                if error.code() == Code::StoreOwned
                    && OwnerInfo::read(folder).is_none()
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            claimed => return claimed,
        }
    }
}

fn locate(config: &NodeConfig) -> Result<passport_file::Location> {
    if let Some(folder) = &config.project_dir {
        if !folder.is_dir() {
            return Err(Error::new(Code::ConfigInvalid, "project_dir must be an existing folder")
                .with("value", folder.display()));
        }
        // Named by the program: it means this folder, not one above it.
        let path = folder.join(passport_file::FOLDER).join(passport_file::FILE);
        return Ok(if path.symlink_metadata().is_ok() {
            passport_file::Location::Existing(path)
        } else {
            passport_file::Location::Create(path)
        });
    }
    let start = std::env::current_dir().map_err(|cause| {
        Error::new(Code::PassportUnreadable, "the current folder cannot be used; set project_dir")
            .because(cause)
    })?;
    Ok(passport_file::locate(&start, config.preferred_dir.as_deref()))
}

async fn bind_http(config: &NodeConfig, me: AgentId) -> Result<HttpTransport> {
    let mut http = HttpConfig::new(config.bind_address());
    http.share_as = config.shared_port.then_some(me);
    http.tier = config.network_tier;
    http.connections_per_source =
        config.limits.connections_per_source.map_or(usize::MAX, |most| most.get() as usize);
    http.exempt_loopback = config.limits.loopback == Loopback::Exempt;
    if let Some(Host::Name(name)) =
        config.public_url.as_deref().and_then(|text| Some(url::parse(text).ok()?.host().clone()))
    {
        http.names.push(name);
    }
    let proxies: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    http.trusted_proxies = TrustedProxies::parse(proxies.iter().map(String::as_str))?;
    HttpTransport::bind(http).await
}

/// The base URLs that others can use: a node that listens everywhere names an address of this machine.
fn own_addresses(inner: &Inner, http: Option<&HttpTransport>) -> Vec<String> {
    let Some(http) = http else { return Vec::new() };
    let mut address = http.local_addr();
    if address.ip().is_unspecified() {
        address.set_ip(super::presence::lan_address(inner.config.network_tier).unwrap_or(
            match address.ip() {
                std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            },
        ));
    }
    vec![inner.placed(&format!("http://{address}"))]
}

fn publish_owner(inner: &Inner) -> Result<()> {
    if let Some(folder) = &inner.data_dir {
        inner.token.save(folder)?;
    }
    if let Some(owner) = &*inner.owner.lock() {
        let addresses = inner.addresses.read().clone();
        owner.publish(&OwnerInfo { agent_id: inner.me(), pid: std::process::id(), addresses })?;
    }
    Ok(())
}

/// Tries again what the disk had no room for when the node opened, or what somebody removed since. The node works
/// without.
pub(crate) fn publish_late(inner: &Inner) {
    let is_gone = || inner.owner.lock().as_ref().is_some_and(|owner| !owner.is_published());
    if (inner.unpublished.load(Ordering::Acquire) || is_gone()) && publish_owner(inner).is_ok() {
        inner.unpublished.store(false, Ordering::Release);
    }
}

fn start_discovery(inner: &Arc<Inner>, http: &Arc<HttpTransport>) {
    let config = &inner.config;
    if config.discovery == discovery::Mode::Off {
        return;
    }
    let entry_nodes = config.bootstrap_peers.iter().map(|text| url::normal(text)).collect();
    let settings = discovery::Settings {
        mode: config.discovery,
        first_port: config.discovery_ports.0,
        last_port: config.discovery_ports.1,
        bootstrap: if config.bootstrap_mode { Vec::new() } else { entry_nodes },
        // On this machine only the scan of its ports is left: nothing is joined and nobody is told (§5.4).
        interfaces: (config.network_tier == NetworkTier::Local).then(Vec::new),
        ..discovery::Settings::default()
    };
    let (sender, receiver) = mpsc::channel(FINDINGS);
    let presence = Arc::new(NodePresence::new(Arc::downgrade(inner), http.local_addr()));
    let transport: Arc<dyn Transport> = Arc::clone(http) as _;
    let discovery = Discovery::run(&inner.env, settings, presence, transport, sender);
    *inner.discovery.write() = Some(discovery.clone());
    let weak = Arc::clone(inner);
    inner.env.tasks.spawn("findings", async move { weak.run_findings(discovery, receiver).await });
}

/// Removes what the start left in the data folder.
pub(crate) fn clean(inner: &Inner) {
    if let Some(folder) = &inner.data_dir {
        token::remove(folder);
    }
    // From now on another node waits for the folder instead of being told that it is taken.
    if let Some(owner) = inner.owner.lock().take() {
        owner.withdraw();
    }
}
