//! Names become addresses here, and the policy looks at them before anyone connects.
//!
//! A check that resolves a name and a client that resolves it again are two look-ups, and whoever serves
//! the name may answer them differently (DNS rebinding). The HTTP client therefore gets its addresses
//! from [`Guard`] alone: one look-up per connection, checked, and the connection goes to what was checked.

use std::{io, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::policy::Policy;
use crate::{
    error::{Code, Error, Result},
    transport::Grant,
};

/// Turns a host name into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A look-up that gives only addresses which the policy allows under one grant.
pub(super) struct Guard {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) policy: Policy,
    pub(super) grant: Grant,
}

impl Guard {
    async fn resolve(lookup: Arc<dyn Lookup>, policy: Policy, grant: Grant, host: String) -> Result<Addrs> {
        let addresses = match lookup.lookup(&host).await {
            Ok(addresses) if !addresses.is_empty() => addresses,
            Ok(_) => return Err(unresolved(&host)),
            Err(error) => return Err(unresolved(&host).because(error)),
        };
        policy.check(&host, &addresses, grant)?;
        // Port 0 stands for the port of the URL.
        Ok(Box::new(addresses.into_iter().map(|address| (address, 0).into())))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving =
            Self::resolve(Arc::clone(&self.lookup), self.policy, self.grant, name.as_str().to_owned());
        Box::pin(async { resolving.await.map_err(Into::into) })
    }
}

fn unresolved(host: &str) -> Error {
    Error::new(Code::Unreachable, "the host name has no address; check the spelling and the network")
        .with("host", host)
}
