//! Attempts at a connection that come to nothing.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use halcyon_net::{client, peer};
use halcyon_sim::dice::Dice;
use halcyon_types::Address;
use halcyon_types::topology::Region;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Pace, Stranger};

/// Attempts under way at a time.
const AT_ONCE: usize = 16;
/// Garbage datagrams that go with each attempt.
const GARBAGE: u64 = 2;
/// A dial is given up after so long, in its middle: the shortest and the longest.
const GIVEN_UP_US: [u64; 2] = [200, 4000];

/// What has been attempted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    /// A first packet, whole and valid, of somebody who never says another word.
    pub half_open: u64,
    /// The other plane's protocol.
    pub wrong_protocol: u64,
    /// A certificate of another authority.
    pub wrong_authority: u64,
    /// An application's certificate, at the peers' port.
    pub wrong_role: u64,
    /// Given up in the middle.
    pub given_up: u64,
    /// Datagrams that are no QUIC.
    pub garbage: u64,
    /// Those of them all that were admitted: given up too late, and none else.
    pub admitted: u64,
}

impl Calls {
    /// All attempts, garbage aside.
    pub const fn total(&self) -> u64 {
        self.half_open + self.wrong_protocol + self.wrong_authority + self.wrong_role + self.given_up
    }

    /// Makes `attempts`, of every kind in turn, one a step, until they are made or it is over.
    ///
    /// # Panics
    /// No socket can be had.
    pub async fn make(stranger: &Stranger, attempts: u64, mut pace: Pace) -> Self {
        let mut calls = Self::default();
        let mut dice = Dice::new(3);
        let mut dials: JoinSet<bool> = JoinSet::new();
        let garbage = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        while calls.total() < attempts && pace.next().await {
            let packets =
                if calls.half_open * 10 <= calls.total() * 3 { first_packets(stranger).await } else { Vec::new() };
            for (number, packet) in packets.iter().enumerate() {
                // Each from an address of its own, which is gone before an answer comes.
                let caller = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
                let [clients, peers] = stranger.ports();
                let to = if number % 2 == 0 { clients } else { peers };
                if !pace.next().await {
                    break;
                }
                calls.half_open += u64::from(caller.send_to(packet, to).is_ok());
            }
            for kind in 0..70 {
                while dials.len() >= AT_ONCE {
                    calls.admitted += u64::from(dials.join_next().await.is_some_and(|dial| dial.unwrap_or(false)));
                }
                if !pace.next().await {
                    break;
                }
                calls.dial(stranger, kind, &mut dice, &mut dials);
                for _ in 0..GARBAGE {
                    let datagram = noise(&mut dice);
                    let [clients, peers] = stranger.ports();
                    let to = if dice.one_in(2) { clients } else { peers };
                    calls.garbage += u64::from(garbage.send_to(&datagram, to).is_ok());
                }
            }
        }
        while let Some(dial) = dials.join_next().await {
            calls.admitted += u64::from(dial.unwrap_or(false));
        }
        calls
    }

    fn dial(&mut self, stranger: &Stranger, kind: u32, dice: &mut Dice, dials: &mut JoinSet<bool>) {
        let Stranger { region, swapped, client, peer, forged } = stranger.clone();
        match kind % 7 {
            0 => {
                self.wrong_protocol += 1;
                dials.spawn(async move { client::dial(&client, &swapped).await.is_ok() });
            }
            1 => {
                self.wrong_protocol += 1;
                dials.spawn(async move { peer::dial(&peer, &swapped).await.is_ok() });
            }
            2 | 3 => {
                self.wrong_authority += 1;
                dials.spawn(async move { client::dial(&forged, &region).await.is_ok() });
            }
            4 => {
                self.wrong_role += 1;
                dials.spawn(async move { peer::dial(&client, &region).await.is_ok() });
            }
            _ => {
                self.given_up += 1;
                let [least, most] = GIVEN_UP_US;
                let patience = Duration::from_micros(dice.from_to(least, most));
                dials.spawn(async move {
                    timeout(patience, client::dial(&client, &region)).await.is_ok_and(|dial| dial.is_ok())
                });
            }
        }
    }
}

/// The first packets of thirty dials, which nobody has answered.
async fn first_packets(stranger: &Stranger) -> Vec<Vec<u8>> {
    let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    nobody.set_nonblocking(true).expect("a socket that does not wait");
    let nobody = tokio::net::UdpSocket::from_std(nobody).expect("a socket");
    let address: Address =
        nobody.local_addr().expect("an address").to_string().try_into().expect("an address that can be dialled");
    let region = Region { peer: address.clone(), client: address, ..stranger.region.clone() };
    let mut packets = Vec::new();
    let mut buffer = [0; 2048];
    for number in 0..30 {
        let hearing = async {
            let (len, _) = nobody.recv_from(&mut buffer).await.ok()?;
            Some(buffer.get(..len)?.to_vec())
        };
        // Whichever ends first: the packet has come, for the dial never does.
        let packet = tokio::select! {
            packet = hearing => packet,
            _ = client::dial(&stranger.client, &region), if number % 2 == 0 => None,
            _ = peer::dial(&stranger.peer, &region), if number % 2 == 1 => None,
        };
        packets.extend(packet.filter(|packet| packet.len() >= 1200));
    }
    packets
}

/// A datagram of no meaning; every third begins as a first packet does.
fn noise(dice: &mut Dice) -> Vec<u8> {
    let mut datagram: Vec<u8> = (0..dice.index(1400)).map(|_| dice.roll().to_le_bytes()[0]).collect();
    if dice.one_in(3) {
        let first = [0xc3, 0, 0, 0, 1, 8];
        datagram.iter_mut().zip(first).for_each(|(to, from)| *to = from);
    }
    datagram
}
