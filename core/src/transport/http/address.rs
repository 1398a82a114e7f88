//! What kind of place an IP address is, and which kinds a node may talk to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::error::{Code, Error};

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// This machine.
    Loopback,
    /// A network behind a router, including 100.64/10 of carriers and overlays.
    Private,
    /// The link itself.
    LinkLocal,
    /// No node can be there, or none should be asked: metadata services of clouds, multicast, broadcast,
    /// unspecified, documentation, benchmarking and reserved ranges.
    Never,
    /// The internet.
    Global,
}

impl AddressClass {
    /// The name in logs and error contexts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "linklocal",
            Self::Never => "never",
            Self::Global => "global",
        }
    }
}

/// How far a node reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NetworkTier {
    /// This machine.
    Local,
    /// This machine and the networks around it.
    Lan,
    /// The internet; machines around us only when the node vouches for them.
    #[default]
    Global,
}

impl NetworkTier {
    /// The word in settings and in refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Lan => "lan",
            Self::Global => "global",
        }
    }
}

impl FromStr for NetworkTier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "local" => Ok(Self::Local),
            "lan" => Ok(Self::Lan),
            "global" => Ok(Self::Global),
            _ => Err(Error::new(Code::ConfigInvalid, "the network tier is local, lan or global")
                .with("value", text)),
        }
    }
}

/// The class of `address`. Forms of IPv6 that carry an IPv4 address count as what they carry.
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| classify_v6(v6), classify_v4),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        [127, ..] => AddressClass::Loopback,
        // Metadata services, which hand credentials to whoever asks from inside a virtual machine: the
        // common one, Oracle's lies in 192.0.0/24, Alibaba's, and the host service of Azure.
        [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] => AddressClass::Never,
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [224..=255, ..] => AddressClass::Never,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        _ => AddressClass::Global,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => AddressClass::Never,
        // Local-use NAT64 may carry any IPv4 address at a place that only its operator knows; then
        // discard-only, Teredo and other protocol assignments, two documentation nets, multicast.
        [0x0064, 0xff9b, 1, ..]
        | [0x0100, 0, 0, 0, ..]
        | [0x2001, 0..=0x01ff, ..]
        | [0x2001, 0x0db8, ..]
        | [0x3fff, 0..=0x0fff, ..]
        | [0xff00..=0xffff, ..] => AddressClass::Never,
        // Unique local addresses, and the site-local ones they replaced.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        _ => AddressClass::Global,
    }
}

/// The IPv4 address inside an IPv4-mapped, IPv4-compatible, translated (NAT64) or 6to4 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressClass::*, *};

    /// Every range of the rule with its first and last address, and neighbours outside.
    const TABLE: &[(&str, AddressClass)] = &[
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("::1", Loopback),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("11.0.0.0", Global),
        ("172.15.255.255", Global),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("172.32.0.0", Global),
        ("192.168.0.0", Private),
        ("192.168.255.255", Private),
        ("192.169.0.0", Global),
        ("100.63.255.255", Global),
        ("100.64.0.0", Private),
        ("100.127.255.255", Private),
        ("100.128.0.0", Global),
        ("100.100.100.200", Never),
        ("fc00::", Private),
        ("fdff:ffff::1", Private),
        ("fec0::1", Private),
        ("169.254.0.1", LinkLocal),
        ("169.254.255.255", LinkLocal),
        ("169.254.169.254", Never),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fd00:ec2::254", Never),
        ("fd00:ec2::253", Private),
        ("0.0.0.0", Never),
        ("0.255.255.255", Never),
        ("1.0.0.0", Global),
        ("192.0.0.192", Never),
        ("192.0.1.1", Global),
        ("192.0.2.1", Never),
        ("198.51.100.7", Never),
        ("203.0.113.7", Never),
        ("192.88.99.1", Never),
        ("198.17.255.255", Global),
        ("198.18.0.0", Never),
        ("198.19.255.255", Never),
        ("198.20.0.0", Global),
        ("168.63.129.16", Never),
        ("223.255.255.255", Global),
        ("224.0.0.1", Never),
        ("239.255.255.250", Never),
        ("240.0.0.1", Never),
        ("255.255.255.255", Never),
        ("8.8.8.8", Global),
        ("::", Never),
        ("ff02::1", Never),
        ("2001:db8::1", Never),
        ("3fff::1", Never),
        ("3fff:1000::1", Global),
        ("100::1", Never),
        ("2001::1", Never),
        ("2001:1ff::1", Never),
        ("2001:200::1", Global),
        ("2606:4700::1111", Global),
        // IPv4 inside IPv6.
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:8.8.8.8", Global),
        ("::ffff:169.254.169.254", Never),
        ("::127.0.0.1", Loopback),
        ("::ffff:0:127.0.0.1", Loopback),
        ("64:ff9b::10.0.0.1", Private),
        ("64:ff9b::8.8.8.8", Global),
        ("64:ff9b:1::8.8.8.8", Never),
        ("2002:7f00:1::", Loopback),
        ("2002:c0a8:101::5", Private),
        ("2002:808:808::1", Global),
    ];

    #[test]
    fn every_range_has_its_class() {
        for (text, class) in TABLE {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(classify(address), *class, "{text}");
        }
    }

    #[test]
    fn a_tier_is_read_from_its_own_name_alone() {
        for tier in [NetworkTier::Local, NetworkTier::Lan, NetworkTier::Global] {
            assert_eq!(tier.name().parse::<NetworkTier>().unwrap(), tier);
        }
        assert_eq!("Global".parse::<NetworkTier>().unwrap_err().code(), Code::ConfigInvalid);
    }
}
