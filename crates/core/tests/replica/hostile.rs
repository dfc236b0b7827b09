//! Whatever a peer says, the replica stands: its own checks run after every message of this.

use halcyon_core::{LinkEvent, Replica};
use halcyon_crdt::Object;
use halcyon_types::{ActorId, BootId, Dot, Hlc, Now, Seq, UnixMs, VersionVector};
use halcyon_wire::{
    AskPage, AskRights, ChainHash, CopyId, Echo, Heartbeat, Hello, PeerMessage, Pull, Range, Record, StatePage,
};
use uuid::Uuid;

use crate::world::{BASE, Disk, config, keyspace, ms, region, seed};

struct Babble(u64);

impl Babble {
    fn upto(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % (max + 1)
    }

    fn number(&mut self) -> u64 {
        match self.upto(5) {
            0 => u64::MAX - self.upto(3),
            1 => 1 << 40,
            _ => self.upto(6),
        }
    }

    fn actor(&mut self) -> ActorId {
        match self.upto(9) {
            0 => ActorId::from_u64(self.number()),
            _ => ActorId::mint(region(1 + self.upto(2)), UnixMs(1 + self.upto(1))),
        }
    }

    fn vv(&mut self) -> VersionVector {
        (0..self.upto(3)).map(|_| (self.actor(), Seq(self.number()))).collect()
    }

    fn record(&mut self, actor: ActorId, seq: Seq) -> bytes::Bytes {
        if self.upto(9) == 0 {
            return vec![1, 2, 3].into();
        }
        let mut deps = self.vv();
        deps.set(actor, seq.previous());
        let record =
            Record { dot: Dot { actor, seq }, hlc: Hlc::ZERO, deps, ctx: None, request: None, effects: Vec::new() };
        record.encode(&VersionVector::new()).bytes
    }

    fn message(&mut self) -> PeerMessage {
        match self.upto(11) {
            8 => PeerMessage::Floors(self.vv()),
            9 => PeerMessage::AskPage(AskPage { copy: CopyId(self.upto(2)), number: self.number() }),
            10 => PeerMessage::NoCopy(CopyId(self.upto(2))),
            11 => {
                let (copy, number, last) = (CopyId(self.upto(2)), self.upto(3), self.upto(1) == 0);
                PeerMessage::Page(StatePage { copy, number, entries: vec![7; 9].into(), last })
            }
            7 => {
                let counter = Object::new(keyspace(), vec![b'k'; usize::try_from(self.upto(2)).unwrap()]);
                PeerMessage::AskRights(AskRights { counter, amount: self.number() })
            }
            0 => PeerMessage::Hello(Hello {
                seed: seed(3),
                facts: Vec::new(),
                agreement: [7; 32],
                region: region(2),
                actor: ActorId::mint(region(2), UnixMs(1 + self.upto(1))),
                boot: BootId(Uuid::from_u64_pair(2, self.upto(40))),
                vv: self.vv(),
            }),
            1 => PeerMessage::Pull(Pull { actor: self.actor(), after: Seq(self.number()), upto: Seq(self.number()) }),
            2 | 3 => PeerMessage::Heartbeat(Heartbeat {
                joining: false,
                seq: Seq(self.number()),
                head: ChainHash::genesis(ActorId::from_u64(self.upto(1))),
                vv: self.vv(),
                hlc: Hlc::from_u64(self.number()),
                wall: Some(UnixMs(self.number())),
                ping_us: self.number(),
                echo: (self.upto(1) == 0).then(|| Echo { ping_us: self.number(), held_us: self.number() }),
            }),
            _ => {
                let (actor, first) = (self.actor(), self.number());
                let seqs = (0..self.upto(4)).map(|n| Seq(first.saturating_add(n)));
                let records = seqs.collect::<Vec<_>>().into_iter().map(|seq| self.record(actor, seq));
                PeerMessage::Range(Range { actor, first: Seq(first), records: records.collect() })
            }
        }
    }
}

#[test]
fn any_message_in_any_order_is_survived() {
    for seed in 0..300 {
        let mut babble = Babble(seed);
        let disk = Disk::new(ActorId::mint(region(1), UnixMs(1)));
        let config = config(region(1), &[region(1), region(2), region(3)], 0);
        let now = |n| Now { mono: ms(n), wall: BASE.plus(ms(n)) };
        let mut replica = Replica::new(config, disk.start(), now(0));
        for n in 0..200 {
            match babble.upto(20) {
                0 => replica.handle_link(now(n), region(2), LinkEvent::InUp),
                1 => replica.handle_link(now(n), region(2), LinkEvent::OutUp),
                2 => replica.handle_link(now(n), region(2), LinkEvent::OutDown),
                4 => replica.handle_link(now(n), region(2), LinkEvent::InDown),
                3 => replica.handle_timeout(now(n)),
                5 => {
                    let (actor, last) = (babble.actor(), Seq(babble.number()));
                    replica.handle_sent(now(n), region(2), actor, last, 1);
                }
                _ => drop(replica.handle_peer(now(n), region(2), babble.message())),
            }
            while replica.poll_command().is_some() || replica.poll_job().is_some() {}
            let status = replica.status(now(n));
            assert!(status.vv.is_empty(), "nothing is here that no commit reported");
        }
    }
}
