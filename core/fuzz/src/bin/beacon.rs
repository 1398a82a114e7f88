//! Datagrams of the local network: believed only when every signed part is as it was signed.

#![no_main]

use std::sync::LazyLock;

use dmagent::{
    discovery::beacon,
    env::Timestamp,
    identity::{AgentId, Passport},
};

static OWN: LazyLock<AgentId> = LazyLock::new(|| Passport::from_seed([1; 32]).agent_id());
const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    if let Ok(heard) = beacon::verify(datagram, &OWN, NOW) {
        assert_ne!(heard.agent_id, *OWN, "our own voice is no news");
    }
});
