//! Carries out what replicas ask for, and checks what they say.

use bytes::Bytes;
use halcyon_core::{Alarm, Command, Job, LinkEvent};
use halcyon_types::{Dot, RegionId, Seq, VersionVector};
use halcyon_wire::{Body, Outcome, PeerMessage, Response, StatePage};

use super::{Event, Loses, World, ms};

impl World {
    /// Takes everything out of a node's replica.
    pub(crate) fn pump(&mut self, id: RegionId) {
        while let Some(command) = self.nodes.get_mut(&id).unwrap().replica.poll_command() {
            self.carry_out(id, command);
        }
        let node = self.nodes.get_mut(&id).unwrap();
        while let Some(job) = node.replica.poll_job() {
            if let Job::Write { snapshot, .. } = &job {
                assert!(snapshot.is_none_or(|snapshot| node.held.remove(&snapshot)), "a snapshot that is not held");
                node.committed.push(*snapshot);
            }
            node.jobs.push(job);
        }
        self.begin_commit(id);
    }

    fn begin_commit(&mut self, id: RegionId) {
        let node = self.nodes.get_mut(&id).unwrap();
        if node.group.is_empty() && !node.jobs.is_empty() {
            node.group = std::mem::take(&mut node.jobs);
            let (at, life) = (self.now + node.sync, node.life);
            self.schedule(at, Event::Commit { node: id, life });
        }
    }

    fn carry_out(&mut self, id: RegionId, command: Command) {
        let node = self.nodes.get_mut(&id).unwrap();
        match command {
            Command::Send { peer, message } => {
                let synced = &node.disk.vv;
                let honest = |vv: &VersionVector| assert!(vv.le(synced), "told {vv:?}, synced {synced:?}");
                match &message {
                    PeerMessage::Hello(hello) => honest(&hello.vv),
                    PeerMessage::Heartbeat(beat) => {
                        honest(&beat.vv);
                        assert_eq!(beat.seq, beat.vv.get(node.disk.actor));
                    }
                    PeerMessage::Pull(pull) => {
                        assert_ne!(pull.actor, node.disk.actor, "pulled its own actor");
                        self.pulls += 1;
                    }
                    PeerMessage::AskRights(ask) => node.asks.push((peer, ask.counter.clone(), ask.amount)),
                    PeerMessage::Floors(floors) => honest(floors),
                    PeerMessage::AskPage(_) | PeerMessage::NoCopy(_) => {}
                    PeerMessage::Range(_) | PeerMessage::Page(_) => panic!("those are the driver's"),
                }
                self.transmit((id, peer), &message);
            }
            Command::SendRange { peer, actor, after, upto, bytes_max } => {
                assert!(upto <= node.disk.vv.get(actor), "offered before its sync");
                let range = node.disk.range(actor, after, upto, bytes_max);
                let taken = (actor, range.last(), range.bytes());
                for seq in after.0 + 1..=range.last().0 {
                    let dot = Dot { actor, seq: Seq(seq) };
                    *self.carried.entry(((id, peer), dot)).or_default() += 1;
                }
                let link = self.links.get_mut(&(id, peer)).unwrap();
                if link.stalled {
                    link.held = Some(taken);
                } else {
                    self.take((id, peer), taken);
                }
                self.transmit((id, peer), &PeerMessage::Range(range));
            }
            Command::Reply { session, response } => node.replies.push((session, response)),
            Command::Read { session, id, body } => {
                if let Body::Read { within: Some(within), .. } = &body {
                    assert!(node.held.contains(&(session, within.transaction)), "a read of no snapshot");
                }
                node.reads.push((id, body));
            }
            Command::Begin { session, id, transaction } => {
                assert!(node.held.insert((session, transaction)), "begun twice");
                let token = node.disk.vv.clone();
                let result = Ok(Outcome::Begun { transaction, token });
                node.replies.push((session, Response { id, result }));
            }
            Command::Forget { session, transaction } => {
                assert!(node.held.remove(&(session, transaction)), "forgotten, but not held");
            }
            Command::Dial { peer } => {
                let (link, life) = ((id, peer), node.life);
                let at = self.now + self.links[&link].delay * 2;
                self.schedule(at, Event::Dialled { link, life });
            }
            Command::Drop { peer, reason } => {
                node.errors.push(reason);
                self.lose((peer, id));
            }
            Command::HangUp { peer } => {
                self.lose((id, peer));
                self.lose((peer, id));
            }
            Command::BeginCopy { peer } => drop(self.copies.insert((id, peer), node.disk.clone())),
            Command::EndCopy { peer } => assert!(self.copies.remove(&(id, peer)).is_some(), "a copy that is there"),
            Command::SendPage { peer, copy, number } => {
                assert!(self.copies.contains_key(&(id, peer)), "a page of no copy");
                let (at, life) = (self.now + ms(1), node.life);
                let page = StatePage { copy, number, entries: Bytes::new(), last: number + 1 == self.pages };
                self.transmit((id, peer), &PeerMessage::Page(page));
                self.schedule(at, Event::PageTaken { node: id, life, peer });
            }
            Command::BeginFill => node.filled = Some(0),
            Command::Fill { .. } => {
                *node.filled.as_mut().expect("a copy was begun") += 1;
                let now = self.clock_of(id);
                self.nodes.get_mut(&id).unwrap().replica.handle_filled(now, true);
            }
            Command::AbandonFill => assert!(node.filled.take().is_some(), "abandoned, but not begun"),
            Command::Switch => {
                assert_eq!(node.filled, Some(self.pages), "all of it");
                let (at, life) = (self.now + ms(5), node.life);
                self.schedule(at, Event::Switch { node: id, life });
            }
            Command::Alarm(alarm) => node.alarms.push(alarm),
        }
    }

    pub(crate) fn take(&mut self, link: (RegionId, RegionId), (actor, last, bytes): super::link::Taking) {
        let Some(open) = self.links[&link].open else { return };
        let event = Event::Taken { link, open, actor, last, bytes };
        self.schedule(self.now + ms(1), event);
    }

    pub(crate) fn transmit(&mut self, to: (RegionId, RegionId), message: &PeerMessage) {
        let (random, lost, twice) = (self.random(u64::MAX), self.random(100), self.random(100));
        let link = self.links.get_mut(&to).unwrap();
        let Some(open) = link.open else { return };
        let vanishes = match link.loses {
            Loses::Nothing => false,
            Loses::Records => matches!(message, PeerMessage::Range(_)),
            Loses::All => true,
        };
        if link.stalled || vanishes || lost < link.loss_percent {
            return;
        }
        let copies = if twice < link.twice_percent { 2 } else { 1 };
        let at = link.arrival(self.now, message, random);
        for _ in 0..copies {
            let message = message.clone();
            self.schedule(at, Event::Arrive { link: to, open, message });
        }
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { link, open, message } if self.links[&link].open == Some(open) => {
                let now = self.clock_of(link.1);
                let node = self.nodes.get_mut(&link.1).unwrap();
                if let Err(error) = node.replica.handle_peer(now, link.0, message) {
                    node.errors.push(error);
                    self.lose(link);
                }
                self.pump(link.1);
            }
            Event::Taken { link, open, actor, last, bytes } if self.links[&link].open == Some(open) => {
                let now = self.clock_of(link.0);
                let node = self.nodes.get_mut(&link.0).unwrap();
                node.replica.handle_sent(now, link.1, actor, last, bytes);
                self.pump(link.0);
            }
            Event::Arrive { .. } | Event::Taken { .. } => {}
            Event::Dialled { link, life } => {
                if self.nodes[&link.0].life == life {
                    self.dialled(link);
                }
            }
            Event::PageTaken { node, life, peer } => {
                if self.nodes[&node].life == life {
                    let now = self.clock_of(node);
                    self.nodes.get_mut(&node).unwrap().replica.handle_page_sent(now, peer, 1000);
                    self.pump(node);
                }
            }
            Event::Switch { node, life } => {
                if self.nodes[&node].life == life {
                    let from = self.nodes[&node].alarms.iter().rev().find_map(|alarm| match alarm {
                        Alarm::Rebuilding { from } => Some(*from),
                        _ => None,
                    });
                    let copy = self.copies[&(from.unwrap(), node)].clone();
                    self.switched += 1;
                    self.replace(node.get().into(), |disk| disk.rebuild(copy));
                }
            }
            Event::Commit { node, life } => {
                if self.nodes[&node].life == life {
                    self.commit(node);
                }
            }
        }
    }

    fn dialled(&mut self, id: (RegionId, RegionId)) {
        self.count += 1;
        let open = self.count;
        let link = self.links.get_mut(&id).unwrap();
        if link.severed || link.loses == Loses::All {
            return self.tell(id.0, id.1, LinkEvent::OutDown);
        }
        // As the net does, which asks nobody but the certificate.
        if self.nodes[&id.1].replica.members().region(id.0).is_none() {
            return self.tell(id.0, id.1, LinkEvent::OutRefused);
        }
        let link = self.links.get_mut(&id).unwrap();
        (link.open, link.held) = (Some(open), None);
        self.tell(id.1, id.0, LinkEvent::InUp);
        self.tell(id.0, id.1, LinkEvent::OutUp);
    }

    fn commit(&mut self, id: RegionId) {
        let now = self.clock_of(id);
        let node = self.nodes.get_mut(&id).unwrap();
        let jobs = std::mem::take(&mut node.group);
        let peers = node.replica.status(now).peers;
        // What counts as stable of a peer, every record it sends from here on has seen.
        let committed = node.disk.commit(jobs, |record| {
            let from = peers.iter().find(|peer| peer.actor == Some(record.dot.actor));
            let stable = from.map(|peer| &peer.stable);
            assert!(stable.is_none_or(|vv| vv.le(&record.deps)), "{:?} unseen by {:?}", stable, record.dot);
        });
        node.replica.handle_committed(now, committed);
        self.pump(id);
    }
}
