//! Asking the networks this machine is on who else is there under the same root, and answering: as much of mDNS
//! (RFC 6762, RFC 6763) as that takes.
//!
//! ```text
//! ask ---> who is a _hopluu._udp.local?         to 224.0.0.251, port 5353
//!     <--- a name, a port, the print of a root  from whoever listens for links
//! ```
//! Nothing is said unasked, and no office is named: the name is drawn anew at each start. What is heard is believed
//! in nothing: an address is the sender's own, on a network of this machine, and who is there the handshake says.

mod message;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use data_encoding::HEXLOWER;
use hopluu_model::{Digest, ErrorChain};
use if_addrs::{IfAddr, get_if_addrs};
use rand::RngExt as _;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use self::message::{Message, Print, Said};
use crate::limits::{
    NEAR_ANSWER_REST, NEAR_ANSWER_WAIT_MS, NEAR_BYTES_MAX, NEAR_NETWORKS_MAX, NEAR_NETWORKS_REST,
};

/// Where all of mDNS is spoken.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;

/// For the print of a root, which says no more than whether it is the same.
const PRINT_CONTEXT: &str = "hopluu mdns print of a root 1";

/// A network that this machine is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    /// Our address in it.
    here: Ipv4Addr,
    mask: u32,
}

impl Network {
    fn has(self, addr: Ipv4Addr) -> bool {
        (addr.to_bits() ^ self.here.to_bits()) & self.mask == 0
    }
}

/// One end of the talk with the networks of this machine.
#[derive(Debug)]
pub struct Near {
    socket: UdpSocket,
    networks: Vec<Network>,
    /// When these are looked up again.
    look_at: Instant,
    name: String,
    print: Print,
    /// Where this node can be called; none where it only asks.
    port: Option<u16>,
    /// The networks that wait for an answer, by our address there, and when they get it.
    asked: BTreeSet<Ipv4Addr>,
    answer_at: Instant,
}

impl Near {
    /// Takes part. With `port` it answers that this node listens there.
    ///
    /// # Errors
    /// When another program has the port of mDNS for itself, or the system has no multicast.
    pub fn start(root: &Digest, port: Option<u16>) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        // Every program that speaks mDNS is at this port.
        socket.set_reuse_address(true)?;
        #[cfg(not(target_os = "linux"))]
        socket.set_reuse_port(true)?;
        // What RFC 6762 asks for; no router passes it on, whatever it is.
        socket.set_multicast_ttl_v4(255)?;
        socket.set_nonblocking(true)?;
        // At the group's address nothing comes that is meant for one of those others alone.
        socket.bind(&SocketAddrV4::new(GROUP, PORT).into())?;
        let now = Instant::now();
        let mut near = Self {
            socket: UdpSocket::from_std(socket.into())?,
            networks: Vec::new(),
            look_at: now,
            name: HEXLOWER.encode(&rand::rng().random::<[u8; 8]>()),
            print: print_of(root),
            port,
            asked: BTreeSet::new(),
            answer_at: now,
        };
        near.look_up()?;
        Ok(near)
    }

    /// Asks all networks of this machine.
    ///
    /// # Errors
    /// When none took the question.
    pub async fn ask(&mut self) -> io::Result<()> {
        self.look_up()?;
        let question = message::question();
        let mut asked = Err(io::ErrorKind::NetworkUnreachable.into());
        for network in self.networks.clone() {
            let sent = self.send(network.here, &question).await;
            asked = asked.or(sent);
        }
        asked
    }

    /// Answers others until one answers that listens, under our root: where that is. Cancelling loses no more than the
    /// network might.
    ///
    /// # Errors
    /// When the socket is no more.
    pub async fn next(&mut self) -> io::Result<SocketAddr> {
        let mut packet = [0; NEAR_BYTES_MAX];
        loop {
            let wake = match self.asked.is_empty() {
                true => self.look_at,
                false => self.look_at.min(self.answer_at),
            };
            tokio::select! {
                received = self.socket.recv_from(&mut packet) => {
                    let (length, from) = received?;
                    if let Some(found) = self.heard(packet.get(..length).unwrap_or_default(), from) {
                        return Ok(found);
                    }
                }
                () = sleep_until(wake) => self.woken().await?,
            }
        }
    }

    async fn woken(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.look_at <= now {
            self.look_up()?;
        }
        let Some(port) = self.port.filter(|_| self.answer_at <= now) else {
            return Ok(());
        };
        for here in std::mem::take(&mut self.asked) {
            let (name, print) = (self.name.as_str(), self.print);
            let said = Said { name, port, print };
            if let Err(error) = self.send(here, &message::answer(&said, here)).await {
                tracing::debug!(error = %ErrorChain(&error), "a question of the network was not answered");
            }
        }
        Ok(())
    }

    /// Whoever is not on a network of ours cannot have heard us, and answers come from the port of mDNS.
    fn heard(&mut self, packet: &[u8], from: SocketAddr) -> Option<SocketAddr> {
        let SocketAddr::V4(from) = from else {
            return None;
        };
        let network = self
            .networks
            .iter()
            .find(|network| network.has(*from.ip()))?;
        if from.port() != PORT {
            return None;
        }
        match message::read(packet)? {
            Message::Question => {
                if self.port.is_some() && self.asked.is_empty() {
                    let wait_ms = rand::rng().random_range(NEAR_ANSWER_WAIT_MS);
                    let soon = Instant::now() + Duration::from_millis(wait_ms);
                    self.answer_at = soon.max(self.answer_at + NEAR_ANSWER_REST);
                }
                self.asked.extend(self.port.map(|_| network.here));
                None
            }
            Message::Answer { name, port, print } => {
                let is_other = name != self.name.as_bytes() && print == self.print && port != 0;
                is_other.then(|| SocketAddr::from((*from.ip(), port)))
            }
        }
    }

    /// By the network in which this machine has an address. What is owed to no route need not have one.
    async fn send(&self, here: Ipv4Addr, packet: &[u8]) -> io::Result<()> {
        SockRef::from(&self.socket).set_multicast_if_v4(&here)?;
        self.socket.send_to(packet, (GROUP, PORT)).await?;
        Ok(())
    }

    /// Finds the networks of this machine and joins the group in those that are new.
    fn look_up(&mut self) -> io::Result<()> {
        self.look_at = Instant::now() + NEAR_NETWORKS_REST;
        let networks = networks()?;
        for network in networks.iter().filter(|one| !self.networks.contains(one)) {
            // It fails where another address of the same network card has joined.
            if let Err(error) = self.socket.join_multicast_v4(GROUP, network.here) {
                tracing::debug!(error = %ErrorChain(&error), "a network was not joined");
            }
        }
        self.networks = networks;
        Ok(())
    }
}

/// Where there may be neighbours: not on this machine alone, and not at the other end of a dialled line.
fn networks() -> io::Result<Vec<Network>> {
    let cards = get_if_addrs()?.into_iter();
    let usable = cards.filter(|card| card.is_oper_up() && !card.is_loopback() && !card.is_p2p());
    let networks = usable.filter_map(|card| match card.addr {
        IfAddr::V4(addr) => Some(Network {
            here: addr.ip,
            mask: addr.netmask.to_bits(),
        }),
        IfAddr::V6(_) => None,
    });
    Ok(networks.take(NEAR_NETWORKS_MAX).collect())
}

fn print_of(root: &Digest) -> Print {
    let key = blake3::derive_key(PRINT_CONTEXT, &root.0);
    let (print, _) = key
        .split_first_chunk()
        .expect("a key is longer than a print");
    *print
}

#[cfg(test)]
mod tests;
