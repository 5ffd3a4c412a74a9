//! Noticing that the machine's network has changed: another address or another way out.

use std::io;

use tokio::time::timeout;

use crate::limits::{NETWORK_REST, NETWORK_SETTLE};

/// Tells of changes.
#[derive(Debug)]
pub struct NetworkWatch(system::Watch);

impl NetworkWatch {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the system tells nobody.
    pub fn start() -> io::Result<Self> {
        Ok(Self(system::Watch::start()?))
    }

    /// Waits for the next change, and until it has settled: one change of a person's is several of the system's.
    ///
    /// # Errors
    /// When the system tells no more.
    pub async fn changed(&mut self) -> io::Result<()> {
        self.0.next().await?;
        let until_quiet = async {
            while let Ok(next) = timeout(NETWORK_SETTLE, self.0.next()).await {
                next?;
            }
            Ok(())
        };
        // A network that never comes to rest is told of all the same.
        timeout(NETWORK_REST, until_quiet).await.unwrap_or(Ok(()))
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::unix::net::UnixDatagram as SystemDatagrams;

    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
    use tokio::net::UnixDatagram;

    /// Addresses and routes of both families (rtnetlink(7)). Links are left out: one that comes or goes and
    /// matters takes its routes along, and wireless ones speak all day.
    const GROUPS: u32 = 0x10 | 0x40 | 0x100 | 0x400;

    /// The kernel's socket that tells of addresses and routes. Read as any socket of datagrams on this machine is.
    #[derive(Debug)]
    pub(super) struct Watch(UnixDatagram);

    impl Watch {
        pub(super) fn start() -> io::Result<Self> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            // No protocol is number 0, which is that of routes.
            let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, None)?;
            bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
            Ok(Self(UnixDatagram::from_std(SystemDatagrams::from(socket))?))
        }

        /// What the kernel says is not read: that it says something is enough.
        pub(super) async fn next(&mut self) -> io::Result<()> {
            match self.0.recv(&mut [0; 64]).await {
                Ok(_) => Ok(()),
                // More was said than the socket holds.
                Err(error) if error.raw_os_error() == Some(NO_BUFFERS) => Ok(()),
                Err(error) => Err(error),
            }
        }
    }

    /// ENOBUFS, which the library has no name for.
    const NO_BUFFERS: i32 = rustix::io::Errno::NOBUFS.raw_os_error();
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};

    use crate::limits::NETWORK_PROBE;

    /// Asks now and then by which address the machine would go out.
    #[derive(Debug)]
    pub(super) struct Watch(Option<IpAddr>);

    impl Watch {
        pub(super) fn start() -> io::Result<Self> {
            Ok(Self(way_out()))
        }

        pub(super) async fn next(&mut self) -> io::Result<()> {
            loop {
                tokio::time::sleep(NETWORK_PROBE).await;
                let before = std::mem::replace(&mut self.0, way_out());
                if before != self.0 {
                    return Ok(());
                }
            }
        }
    }

    /// Connecting a UDP socket sends nothing; the address belongs to nobody (RFC 5737).
    fn way_out() -> Option<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::tests::own_network::{ip, is_own};

    /// An address more on the loopback of a network of the test's own, where it may have one.
    #[test]
    fn another_address_is_noticed() {
        if !is_own("network::tests::another_address_is_noticed") {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let mut watch = NetworkWatch::start().unwrap();
            let quiet = timeout(NETWORK_SETTLE, watch.changed()).await;
            assert!(quiet.is_err(), "nothing has changed");
            for words in ["link set lo up", "addr add 10.9.8.7/32 dev lo"] {
                ip(words);
            }
            timeout(NETWORK_REST, watch.changed())
                .await
                .unwrap()
                .unwrap();
        });
    }
}
