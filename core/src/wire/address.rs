//! What kind of place an IP address is, and which kinds a network tier reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an address leads. Forms that carry an IPv4 address inside (mapped, NAT64, 6to4, …) count as that
/// address, because that is where the packets go; 1.1.1 looks at the outer form only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressClass {
    /// This machine.
    Loopback,
    /// A private network, a carrier's shared one included.
    Private,
    /// The link at hand.
    LinkLocal,
    /// The internet; also what is assumed of an address that is unknown.
    #[default]
    Global,
    /// No peer lives there: unspecified, multicast, broadcast, reserved, documentation, benchmarking, and
    /// the metadata services of clouds.
    Never,
}

impl AddressClass {
    /// The name in logs and error contexts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "linklocal",
            Self::Global => "global",
            Self::Never => "never",
        }
    }

    /// Whether it is on this machine or on a network around it.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::LinkLocal)
    }

    /// Whether it lies nearer to us than `other`: this machine is nearer than the networks around it, and those are
    /// nearer than the rest. Who is at `other` may not make us ask there.
    pub const fn is_nearer_than(self, other: Self) -> bool {
        self.distance() < other.distance()
    }

    const fn distance(self) -> u8 {
        match self {
            Self::Loopback => 0,
            Self::Private | Self::LinkLocal => 1,
            Self::Global | Self::Never => 2,
        }
    }

    /// The class of `address`.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            // The metadata services of clouds answer here, to whoever can make a host ask.
            [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] => Self::Never,
            [127, ..] => Self::Loopback,
            [10, ..] | [192, 168, ..] => Self::Private,
            [172, second, ..] if (16..32).contains(&second) => Self::Private,
            [100, second, ..] if (64..128).contains(&second) => Self::Private,
            [169, 254, ..] => Self::LinkLocal,
            // This network, protocol assignments, documentation, benchmarking, multicast, reserved.
            [0, ..] | [192, 0, 0, _] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Self::Never,
            [192, 88, 99, _] | [198, 18 | 19, ..] | [(224..=255), ..] => Self::Never,
            _ => Self::Global,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if address == Ipv6Addr::LOCALHOST {
            return Self::Loopback;
        }
        let [a, b, c, d, e, f, g, h] = address.segments();
        let inside = |high: u16, low: u16| {
            let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
            Self::of_v4(Ipv4Addr::new(w, x, y, z))
        };
        match [a, b, c, d, e, f] {
            // Compatible (the unspecified address among them), mapped, translated, NAT64, 6to4.
            [0, 0, 0, 0, 0, 0] | [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] => inside(g, h),
            [0x64, 0xff9b, 0, 0, 0, 0] => inside(g, h),
            [0x2002, ..] => inside(b, c),
            // The metadata service of a cloud.
            [0xfd00, 0xec2, 0, 0, 0, 0] if (g, h) == (0, 0x254) => Self::Never,
            // Local NAT64, discard, Teredo and other assignments, documentation: nowhere a peer is dialled.
            [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, ..] | [0x2001, (..=0x1ff), ..] => Self::Never,
            [0x2001, 0xdb8, ..] | [0x3fff, (..=0xfff), ..] | [(0xff00..=0xffff), ..] => Self::Never,
            [(0xfc00..=0xfdff), ..] | [(0xfec0..=0xfeff), ..] => Self::Private,
            [(0xfe80..=0xfebf), ..] => Self::LinkLocal,
            // Only 2000::/3 is handed out.
            [(0x2000..=0x3fff), ..] => Self::Global,
            _ => Self::Never,
        }
    }
}

/// How far a node reaches.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NetworkTier {
    /// This machine.
    Local,
    /// The local network.
    Lan,
    /// Everywhere.
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

    /// Whether someone at an address of `class` may come in, or be looked at at all. `None` stands for an
    /// address that is unknown, and for a host name other than `localhost`.
    pub fn allows(self, class: Option<AddressClass>) -> bool {
        use AddressClass::{LinkLocal, Loopback, Never, Private};
        match self {
            Self::Local => class == Some(Loopback),
            Self::Lan => matches!(class, Some(Loopback | Private | LinkLocal)),
            Self::Global => class != Some(Never),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(text: &str) -> AddressClass {
        AddressClass::of(text.parse().unwrap())
    }

    #[test]
    fn classes_end_where_their_networks_end() {
        use AddressClass::{Global, LinkLocal, Loopback, Never, Private};
        for (text, expected) in [
            ("126.255.255.255", Global),
            ("127.0.0.0", Loopback),
            ("127.255.255.255", Loopback),
            ("128.0.0.0", Global),
            ("9.255.255.255", Global),
            ("10.0.0.0", Private),
            ("11.0.0.0", Global),
            ("172.15.255.255", Global),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Global),
            ("192.167.255.255", Global),
            ("192.168.0.0", Private),
            ("192.169.0.0", Global),
            ("100.63.255.255", Global),
            ("100.64.0.0", Private),
            ("100.127.255.255", Private),
            ("100.128.0.0", Global),
            ("169.253.255.255", Global),
            ("169.254.0.0", LinkLocal),
            ("169.254.169.253", LinkLocal),
            ("169.254.169.254", Never),
            ("0.0.0.0", Never),
            ("0.255.255.255", Never),
            ("192.0.2.255", Never),
            ("192.0.3.0", Global),
            ("198.17.255.255", Global),
            ("198.18.0.0", Never),
            ("198.19.255.255", Never),
            ("198.20.0.0", Global),
            ("198.51.100.1", Never),
            ("203.0.113.1", Never),
            ("223.255.255.255", Global),
            ("224.0.0.0", Never),
            ("239.255.82.33", Never),
            ("240.0.0.0", Never),
            ("255.255.255.255", Never),
            ("::", Never),
            ("::1", Loopback),
            ("::2", Never),
            ("fbff::1", Never),
            ("fc00::", Private),
            ("fdff::1", Private),
            ("fd00:ec2::254", Never),
            ("fd00:ec2::255", Private),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", Private),
            ("ff02::1", Never),
            ("2001:db8::1", Never),
            ("2001::1", Never),
            ("2001:200::1", Global),
            ("2606:4700::1111", Global),
            ("3fff:fff::1", Never),
            ("3fff:1000::1", Global),
            ("4000::1", Never),
            ("100::1", Never),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_inside_another_counts_as_itself(bits: u32) {
            let inner = Ipv4Addr::from(bits);
            let expected = AddressClass::of(inner.into());
            let [a, b, c, d] = inner.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for outer in [
                inner.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 7, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(AddressClass::of(outer.into()), expected, "{}", outer);
            }
        }

        #[test]
        fn a_wider_tier_reaches_what_a_narrower_one_reaches(bits: u128, four: u32) {
            for address in [IpAddr::from(Ipv6Addr::from(bits)), IpAddr::from(Ipv4Addr::from(four))] {
                let class = AddressClass::of(address);
                let allowed = [NetworkTier::Local, NetworkTier::Lan, NetworkTier::Global]
                    .map(|tier| tier.allows(Some(class)));
                prop_assert!(allowed.is_sorted());
            }
        }
    }

    #[test]
    fn only_the_widest_tier_takes_what_is_unknown_and_no_tier_takes_never() {
        assert!(NetworkTier::Global.allows(None));
        assert!(!NetworkTier::Lan.allows(None) && !NetworkTier::Local.allows(None));
        for tier in [NetworkTier::Local, NetworkTier::Lan, NetworkTier::Global] {
            assert!(!tier.allows(Some(AddressClass::Never)));
        }
        assert_eq!(serde_json::to_string(&NetworkTier::Lan).unwrap(), "\"lan\"");
    }

    /// Every range of the rule with its first and last address, and neighbours outside.
    const TABLE: &[(&str, AddressClass)] = &[
        ("127.0.0.1", AddressClass::Loopback),
        ("127.255.255.255", AddressClass::Loopback),
        ("::1", AddressClass::Loopback),
        ("10.0.0.0", AddressClass::Private),
        ("10.255.255.255", AddressClass::Private),
        ("11.0.0.0", AddressClass::Global),
        ("172.15.255.255", AddressClass::Global),
        ("172.16.0.0", AddressClass::Private),
        ("172.31.255.255", AddressClass::Private),
        ("172.32.0.0", AddressClass::Global),
        ("192.168.0.0", AddressClass::Private),
        ("192.168.255.255", AddressClass::Private),
        ("192.169.0.0", AddressClass::Global),
        ("100.63.255.255", AddressClass::Global),
        ("100.64.0.0", AddressClass::Private),
        ("100.127.255.255", AddressClass::Private),
        ("100.128.0.0", AddressClass::Global),
        ("100.100.100.200", AddressClass::Never),
        ("fc00::", AddressClass::Private),
        ("fdff:ffff::1", AddressClass::Private),
        ("fec0::1", AddressClass::Private),
        ("169.254.0.1", AddressClass::LinkLocal),
        ("169.254.255.255", AddressClass::LinkLocal),
        ("169.254.169.254", AddressClass::Never),
        ("fe80::1", AddressClass::LinkLocal),
        ("febf::1", AddressClass::LinkLocal),
        ("fd00:ec2::254", AddressClass::Never),
        ("fd00:ec2::253", AddressClass::Private),
        ("0.0.0.0", AddressClass::Never),
        ("0.255.255.255", AddressClass::Never),
        ("1.0.0.0", AddressClass::Global),
        ("192.0.0.192", AddressClass::Never),
        ("192.0.1.1", AddressClass::Global),
        ("192.0.2.1", AddressClass::Never),
        ("198.51.100.7", AddressClass::Never),
        ("203.0.113.7", AddressClass::Never),
        ("192.88.99.1", AddressClass::Never),
        ("198.17.255.255", AddressClass::Global),
        ("198.18.0.0", AddressClass::Never),
        ("198.19.255.255", AddressClass::Never),
        ("198.20.0.0", AddressClass::Global),
        ("168.63.129.16", AddressClass::Never),
        ("223.255.255.255", AddressClass::Global),
        ("224.0.0.1", AddressClass::Never),
        ("239.255.255.250", AddressClass::Never),
        ("240.0.0.1", AddressClass::Never),
        ("255.255.255.255", AddressClass::Never),
        ("8.8.8.8", AddressClass::Global),
        ("::", AddressClass::Never),
        ("ff02::1", AddressClass::Never),
        ("2001:db8::1", AddressClass::Never),
        ("3fff::1", AddressClass::Never),
        ("3fff:1000::1", AddressClass::Global),
        ("100::1", AddressClass::Never),
        ("2001::1", AddressClass::Never),
        ("2001:1ff::1", AddressClass::Never),
        ("2001:200::1", AddressClass::Global),
        ("2606:4700::1111", AddressClass::Global),
        // IPv4 inside IPv6.
        ("::ffff:127.0.0.1", AddressClass::Loopback),
        ("::ffff:8.8.8.8", AddressClass::Global),
        ("::ffff:169.254.169.254", AddressClass::Never),
        ("::127.0.0.1", AddressClass::Loopback),
        ("::ffff:0:127.0.0.1", AddressClass::Loopback),
        ("64:ff9b::10.0.0.1", AddressClass::Private),
        ("64:ff9b::8.8.8.8", AddressClass::Global),
        ("64:ff9b:1::8.8.8.8", AddressClass::Never),
        ("2002:7f00:1::", AddressClass::Loopback),
        ("2002:c0a8:101::5", AddressClass::Private),
        ("2002:808:808::1", AddressClass::Global),
    ];

    #[test]
    fn every_range_has_its_class() {
        for (text, class) in TABLE {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(AddressClass::of(address), *class, "{text}");
        }
    }
}
