//! A whole mesh in one process, on a clock that only moves when everybody waits.
//!
//! The network loses, delays and repeats, falls apart and heals; disks fail; machines die at any commit or
//! delivery and start again on what their disk holds. A seed decides everything that is left to chance, so a
//! failure repeats: it prints its seed, and `DMAGENT_SIMULATION_SEED` runs that one alone.
//!
//! | file | story |
//! |---|---|
//! | `world` | machines, their lives and deaths |
//! | `ledger` | what was promised to senders and done by receivers, and whether both agree |
//! | `ladder` | what senders are told about their messages, and whether it is true |
//! | `actors` | hosts that send, and hosts that take and acknowledge |
//! | `mesh` | many nodes on a bad day |
//! | `steps` | a crash at every step of one send, one receive, one acknowledgement |
//! | `handshake` | connecting over a bad network, with crashes, with people who decide late |
//! | `healing` | peers that move, sleep, and are lied about |
//! | `around` | messages and requests that others pass on |
//! | `mail` | mail for those who are away: a day of sleep, a death while it is taken |
//! | `keepers` | keepers of that mail who cannot be trusted |
//! | `storage` | disks that fail and recover |
//! | `life` | hours and days: expiry, distrust, absence, upkeep |
//! | `clock` | wall clocks that are set back or forward |
//! | `policy` | hosts that decide badly or late |

#[path = "simulation/actors.rs"]
mod actors;
#[path = "simulation/around.rs"]
mod around;
#[path = "simulation/clock.rs"]
mod clock;
#[path = "simulation/handshake.rs"]
mod handshake;
#[path = "simulation/healing.rs"]
mod healing;
#[path = "simulation/keepers.rs"]
mod keepers;
#[path = "simulation/ladder.rs"]
mod ladder;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/life.rs"]
mod life;
#[path = "simulation/mail.rs"]
mod mail;
#[path = "simulation/mesh.rs"]
mod mesh;
#[path = "simulation/policy.rs"]
mod policy;
#[path = "simulation/steps.rs"]
mod steps;
#[path = "simulation/storage.rs"]
mod storage;
#[path = "simulation/world.rs"]
mod world;
