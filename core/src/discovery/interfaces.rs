//! Our network interfaces, and which addresses count as our neighbourhood.

use std::net::Ipv4Addr;

use crate::error::{Code, Error, Result};

/// An IPv4 address of ours, with its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface {
    /// Our address there.
    pub address: Ipv4Addr,
    /// The length of the network prefix, 0 to 32.
    pub prefix: u8,
}

/// An address that a scan may contact: on this machine or in a private network. There is no other way to
/// make one, so nothing that takes a neighbour can reach beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbour(Ipv4Addr);

impl Neighbour {
    /// This machine.
    pub const LOCALHOST: Self = Self(Ipv4Addr::LOCALHOST);

    /// `address`, if it is a loopback or private address.
    pub fn new(address: Ipv4Addr) -> Option<Self> {
        (address.is_loopback() || address.is_private()).then_some(Self(address))
    }

    /// The address.
    pub const fn address(self) -> Ipv4Addr {
        self.0
    }
}

impl Interface {
    /// The loopback interface.
    pub const LOOPBACK: Self = Self { address: Ipv4Addr::LOCALHOST, prefix: 8 };

    /// Whether it belongs to this machine or a private network: what is sent there stays among neighbours.
    pub fn is_local(&self) -> bool {
        self.address.is_loopback() || self.address.is_private() || self.address.is_link_local()
    }

    /// Whether `other` is in the same network.
    pub fn contains(&self, other: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
        (self.address.to_bits() ^ other.to_bits()) & mask == 0
    }

    /// The other hosts of this network to scan: those of the part that is at most 254 hosts large and
    /// contains us. None on loopback and on networks that are not private: a neighbourhood of public
    /// addresses belongs to strangers.
    pub fn scan_hosts(&self) -> Vec<Neighbour> {
        if self.address.is_loopback() || !self.address.is_private() || self.prefix > 30 {
            return Vec::new();
        }
        // 1.1.1 always takes 24 bits; a smaller network has fewer hosts.
        let size = 1_u32 << (32 - u32::from(self.prefix.max(24)));
        let network = self.address.to_bits() & !(size - 1);
        // Neither the network's own address nor the one for everybody.
        (1..size - 1)
            .map(|host| Ipv4Addr::from_bits(network + host))
            .filter(|address| *address != self.address)
            .filter_map(Neighbour::new)
            .collect()
    }
}

/// The interfaces to use: those of `only`, or every one that is up and reaches more than one host.
///
/// Point-to-point links are left out: they lead into somebody's tunnel, not to neighbours.
///
/// # Errors
///
/// [`Code::DiscoveryFailed`] when the system does not list its interfaces.
pub fn usable(only: Option<&[Ipv4Addr]>) -> Result<Vec<Interface>> {
    if only.is_some_and(<[Ipv4Addr]>::is_empty) {
        return Ok(Vec::new());
    }
    let listed = if_addrs::get_if_addrs().map_err(|cause| {
        Error::new(
            Code::DiscoveryFailed,
            "the network interfaces cannot be listed; name them in the settings",
        )
        .because(cause)
    })?;
    let mut usable: Vec<Interface> = listed
        .iter()
        .filter(|one| matches!(one.oper_status, if_addrs::IfOperStatus::Up | if_addrs::IfOperStatus::Unknown))
        .filter(|one| !one.is_p2p())
        .filter_map(|one| match &one.addr {
            if_addrs::IfAddr::V4(v4) => Some(Interface { address: v4.ip, prefix: v4.prefixlen }),
            if_addrs::IfAddr::V6(_) => None,
        })
        .filter(|one| only.is_none_or(|only| only.contains(&one.address)))
        .collect();
    usable.sort_unstable();
    usable.dedup();
    Ok(usable)
}

/// Whether a datagram from `source` may come from a neighbour: this machine, a private or link-local
/// address, or a network of ours. Anyone may send datagrams to our port, from anywhere.
pub fn is_near(source: Ipv4Addr, interfaces: &[Interface]) -> bool {
    source.is_loopback()
        || source.is_private()
        || source.is_link_local()
        || interfaces.iter().any(|interface| interface.prefix >= 8 && interface.contains(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(address: [u8; 4], prefix: u8) -> Interface {
        Interface { address: address.into(), prefix }
    }

    #[test]
    fn scans_the_real_network_but_never_more_than_254_hosts() {
        for (prefix, hosts) in [(16, 253), (24, 253), (28, 13), (30, 1), (31, 0), (32, 0)] {
            let scanned = interface([192, 168, 7, 18], prefix).scan_hosts();
            assert_eq!(scanned.len(), hosts, "/{prefix}");
            assert!(scanned.iter().all(|host| host.address() != Ipv4Addr::new(192, 168, 7, 18)));
        }
        let small = interface([192, 168, 7, 18], 28).scan_hosts();
        assert_eq!(small.first().unwrap().address(), Ipv4Addr::new(192, 168, 7, 17));
        assert_eq!(small.last().unwrap().address(), Ipv4Addr::new(192, 168, 7, 30));
    }

    #[test]
    fn public_networks_are_not_scanned() {
        assert!(interface([8, 8, 8, 8], 24).scan_hosts().is_empty());
        assert!(interface([127, 0, 0, 1], 8).scan_hosts().is_empty());
        assert!(Neighbour::new(Ipv4Addr::new(8, 8, 8, 8)).is_none());
    }

    #[test]
    fn only_private_networks_are_local() {
        for address in [[127, 0, 0, 1], [10, 7, 0, 2], [192, 168, 7, 18], [169, 254, 3, 4]] {
            assert!(interface(address, 24).is_local(), "{address:?}");
        }
        for address in [[8, 8, 8, 8], [100, 64, 0, 1], [198, 18, 5, 9]] {
            assert!(!interface(address, 24).is_local(), "{address:?}");
        }
    }

    #[test]
    fn datagrams_from_afar_are_not_near() {
        let ours = [interface([198, 18, 5, 9], 16)];
        assert!(is_near(Ipv4Addr::new(198, 18, 200, 1), &ours));
        assert!(is_near(Ipv4Addr::LOCALHOST, &ours));
        assert!(is_near(Ipv4Addr::new(10, 1, 2, 3), &ours));
        assert!(!is_near(Ipv4Addr::new(198, 19, 5, 9), &ours));
        assert!(!is_near(Ipv4Addr::new(8, 8, 8, 8), &[interface([1, 1, 1, 1], 0)]));
    }

    #[test]
    fn loopback_is_found_when_asked_for_and_nothing_when_asked_for_nothing() {
        assert_eq!(usable(Some(&[Ipv4Addr::LOCALHOST])).unwrap(), [Interface::LOOPBACK]);
        assert!(usable(Some(&[])).unwrap().is_empty());
    }
}
