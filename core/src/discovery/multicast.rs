//! The sockets of the multicast group: one that listens on all interfaces, and one to send on each.
//!
//! 1.1.1 switches the machine's own copy of what it sends off, so two of its nodes on one machine find
//! each other only by scanning. Here it stays on, and a node ignores its own id instead; a 1.1.1 node on
//! the same machine hears our beacons, while we find it by the scan.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::error::{Code, Error, Result};

use super::{beacon::DATAGRAM_BYTES, interfaces::Interface};

/// How many routers a beacon passes, as in 1.1.1: none in practice, one where multicast is routed.
const TTL: u32 = 2;

/// A member of the group.
pub struct Multicast {
    group: Ipv4Addr,
    port: u16,
    listener: UdpSocket,
    senders: Mutex<BTreeMap<Interface, Arc<UdpSocket>>>,
}

impl Multicast {
    /// Binds the group's port; no interface is joined yet. Several nodes of a machine may do so. Call it
    /// inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Code::DiscoveryFailed`] when the system refuses the socket.
    pub fn open(group: Ipv4Addr, port: u16) -> Result<Self> {
        let listener = listener(port).map_err(|cause| failed("the multicast port cannot be bound", cause))?;
        let bound = listener.local_addr().map_err(|cause| failed("the multicast port is unknown", cause))?;
        Ok(Self { group, port: bound.port(), listener, senders: Mutex::default() })
    }

    /// The port of the group.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Joins the group on each of `interfaces` that is new and leaves those that are gone. Returns on how
    /// many it is joined; an interface that refuses is left out until the next call.
    pub fn use_interfaces(&self, interfaces: &[Interface]) -> usize {
        let mut senders = self.senders.lock();
        senders.retain(|known, _| {
            let stays = interfaces.contains(known);
            if !stays {
                // An interface that vanished has left the group already.
                let _ = self.listener.leave_multicast_v4(self.group, known.address);
            }
            stays
        });
        for interface in interfaces {
            if senders.contains_key(interface) {
                continue;
            }
            match self.join(interface.address) {
                Ok(sender) => drop(senders.insert(*interface, Arc::new(sender))),
                Err(cause) => {
                    tracing::debug!(address = %interface.address, %cause, "interface without multicast");
                }
            }
        }
        senders.len()
    }

    /// The interfaces on which it is joined.
    pub fn interfaces(&self) -> Vec<Interface> {
        self.senders.lock().keys().copied().collect()
    }

    /// Sends a datagram to the group, on every interface. Returns on how many it went out.
    pub async fn send(&self, datagram: &[u8]) -> usize {
        let senders: Vec<_> = self.senders.lock().values().map(Arc::clone).collect();
        let mut sent = 0;
        for sender in senders {
            match sender.send_to(datagram, SocketAddrV4::new(self.group, self.port)).await {
                Ok(_) => sent += 1,
                Err(cause) => tracing::debug!(%cause, "beacon not sent"),
            }
        }
        sent
    }

    /// Waits for a datagram; returns its bytes and who sent it. One that is longer than allowed is cut to
    /// one byte more than allowed. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Code::DiscoveryFailed`] when the socket reports an error; the next call may succeed.
    pub async fn receive<'b>(&self, buffer: &'b mut ReceiveBuffer) -> Result<(&'b [u8], Ipv4Addr)> {
        loop {
            let received = self.listener.recv_from(&mut *buffer.0).await;
            let (length, source) =
                received.map_err(|cause| failed("the multicast socket reported an error", cause))?;
            if let SocketAddr::V4(source) = source {
                return Ok((&buffer.0[..length], *source.ip()));
            }
        }
    }

    fn join(&self, interface: Ipv4Addr) -> std::io::Result<UdpSocket> {
        self.listener.join_multicast_v4(self.group, interface)?;
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        // Bound to the interface, so that the receiver sees an address at which we can be reached.
        socket.bind(&SocketAddrV4::new(interface, 0).into())?;
        socket.set_multicast_if_v4(&interface)?;
        socket.set_multicast_ttl_v4(TTL)?;
        socket.set_multicast_loop_v4(true)?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket.into())
    }
}

/// Room for one datagram.
pub struct ReceiveBuffer(Box<[u8; DATAGRAM_BYTES + 1]>);

impl ReceiveBuffer {
    /// An empty one.
    pub fn new() -> Self {
        Self(Box::new([0; DATAGRAM_BYTES + 1]))
    }
}

impl Default for ReceiveBuffer {
    fn default() -> Self {
        Self::new()
    }
}

fn listener(port: u16) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    socket.set_reuse_port(true)?;
    // Windows decides about the machine's own copy at the receiver.
    socket.set_multicast_loop_v4(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn failed(sentence: &'static str, cause: std::io::Error) -> Error {
    Error::new(Code::DiscoveryFailed, sentence).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 77, 68, 77);

    #[tokio::test]
    async fn two_members_of_one_machine_hear_each_other() {
        let ann = Multicast::open(GROUP, 0).unwrap();
        let bob = Multicast::open(GROUP, ann.port()).unwrap();
        let mut buffer = ReceiveBuffer::new();
        assert_eq!(ann.use_interfaces(&[Interface::LOOPBACK]), 1);
        assert_eq!(bob.use_interfaces(&[Interface::LOOPBACK]), 1);

        assert_eq!(ann.send(b"from ann").await, 1);
        assert_eq!(bob.receive(&mut buffer).await.unwrap(), (&b"from ann"[..], Ipv4Addr::LOCALHOST));
        assert_eq!(ann.receive(&mut buffer).await.unwrap().0, b"from ann", "our own copy arrives too");
        assert_eq!(bob.send(b"from bob").await, 1);
        assert_eq!(ann.receive(&mut buffer).await.unwrap().0, b"from bob");
    }

    #[tokio::test]
    async fn an_oversize_datagram_shows_by_its_length() {
        let ann = Multicast::open(GROUP, 0).unwrap();
        ann.use_interfaces(&[Interface::LOOPBACK]);
        ann.send(&[b'x'; DATAGRAM_BYTES + 100]).await;
        let mut buffer = ReceiveBuffer::new();
        assert_eq!(ann.receive(&mut buffer).await.unwrap().0.len(), DATAGRAM_BYTES + 1);
    }

    #[tokio::test]
    async fn interfaces_that_are_gone_are_no_longer_used() {
        let ann = Multicast::open(GROUP, 0).unwrap();
        assert_eq!(ann.use_interfaces(&[Interface::LOOPBACK]), 1);
        assert_eq!(ann.use_interfaces(&[]), 0);
        assert_eq!(ann.send(b"nobody").await, 0);
        assert_eq!(ann.use_interfaces(&[Interface::LOOPBACK]), 1, "joining again works");
    }
}
