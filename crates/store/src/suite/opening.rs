//! Whose data it is, and whether its parts agree.

use halcyon_types::{ActorId, Dot, Hlc, RegionId, Seq, UnixMs};

use super::Disk;
use super::node::{Node, T, add, claim};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::identity::Claim;
use crate::layout;
use crate::{Committer, OpenError};

/// Opens what a used node left, once `change` has been at it.
fn reopened<D: Disk>(claim: &Claim, change: impl FnOnce(&Node<D>, &mut <D::Backend as Backend>::Batch)) -> OpenError {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    node.put(vec![add("stock", 1)]);
    let backend = node.disk.start();
    let mut batch = backend.batch();
    change(&node, &mut batch);
    backend.write(batch, Durability::Synced).unwrap();
    match Committer::open(backend, claim) {
        Ok(_) => panic!("it must not open"),
        Err(error) => error,
    }
}

fn damage<D: Disk>(change: impl FnOnce(&Node<D>, &mut <D::Backend as Backend>::Batch)) {
    let error = reopened::<D>(&claim(1, T), change);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

fn own<D: Disk>(node: &Node<D>, seq: u64) -> Dot {
    Dot { actor: node.actor(), seq: Seq(seq) }
}

fn a_new_directory_mints_an_actor_and_keeps_it<D: Disk>() {
    let mut node = Node::<D>::new(7);
    let (actor, id) = (node.actor(), node.recovered.node);
    assert_eq!((actor.region().unwrap().get(), actor.minted_at()), (7, T));
    node.now = T.plus(std::time::Duration::from_secs(5));
    node.restart();
    assert_eq!((node.actor(), node.recovered.node), (actor, id));
    assert!(node.recovered.vv.is_empty() && node.recovered.heads.is_empty());
}

fn data_of_another_cluster_is_refused<D: Disk>() {
    let other = Claim { cluster: "farm".parse().unwrap(), ..claim(1, T) };
    let expected = OpenError::OtherCluster { found: "shop".to_owned(), expected: "farm".to_owned() };
    assert_eq!(reopened::<D>(&other, |_, _| ()), expected);
}

fn data_of_another_region_is_refused<D: Disk>() {
    let expected = OpenError::OtherRegion {
        found: claim(1, T).region,
        found_name: "region-1".to_owned(),
        expected: claim(2, T).region,
    };
    assert_eq!(reopened::<D>(&claim(2, T), |_, _| ()), expected);
}

fn a_dead_clock_is_refused<D: Disk>() {
    let error = reopened::<D>(&claim(1, UnixMs(Hlc::EPOCH.0 - 1)), |_, _| ());
    assert!(matches!(error, OpenError::DeadClock { .. }));
    let mut disk = D::new();
    let new = Committer::open(disk.start(), &claim(1, UnixMs(0)));
    assert!(matches!(new, Err(OpenError::DeadClock { .. })), "and nothing is minted by it");
    assert!(Committer::open(disk.start(), &claim(1, T)).is_ok());
}

fn a_newer_identity_is_refused<D: Disk>() {
    let error = reopened::<D>(&claim(1, T), |_, batch| {
        batch.put(Family::Local, &layout::IDENTITY_KEY, &[2, 0, 0]);
    });
    assert_eq!(error, OpenError::Format { found: 2, expected: 1 });
}

fn parts_that_contradict_each_other_are_damage<D: Disk>() {
    damage::<D>(|node, batch| {
        let mut ahead = Vec::new();
        layout::put_vv(&mut ahead, &[(node.actor(), Seq(3))].into_iter().collect());
        batch.put(Family::State, &layout::VV_KEY, &ahead);
    });
    damage::<D>(|node, batch| batch.delete(Family::State, &layout::head_key(node.actor())));
    damage::<D>(|_, batch| batch.delete(Family::State, &layout::VV_KEY));
    damage::<D>(|node, batch| batch.delete(Family::Log, &layout::log_key(own(node, 2))));
    damage::<D>(|node, batch| batch.put(Family::Log, &layout::log_key(own(node, 3)), b"record"));
    damage::<D>(|node, batch| batch.put(Family::Log, &layout::log_key(own(node, u64::MAX)), b"record"));
    damage::<D>(|_, batch| batch.delete(Family::Local, &layout::IDENTITY_KEY));
    damage::<D>(|_, batch| batch.put(Family::Local, &layout::IDENTITY_KEY, &[1, 0, 0]));
    damage::<D>(|_, batch| batch.put(Family::Local, &layout::CEILING_KEY, &[1, 0]));
    damage::<D>(|node, batch| batch.put(Family::State, &layout::head_key(node.actor()), &[1, 0]));
    // A head whose deps are not those of its record: the next one would be encoded against them, and nobody could read it.
    let far = ActorId::mint(RegionId::try_from(9).unwrap(), T);
    for (of_own, of_far) in [(0, 0), (2, 0), (1, 1)] {
        damage::<D>(|node, batch| {
            let mut head = node.heads[&node.actor()].clone();
            head.deps = [(node.actor(), Seq(of_own)), (far, Seq(of_far))].into_iter().collect();
            let mut value = Vec::new();
            layout::put_head(&mut value, &head);
            batch.put(Family::State, &layout::head_key(node.actor()), &value);
        });
    }
}

fn rows_that_nobody_owns_are_damage_not_a_new_directory<D: Disk>() {
    let later = UnixMs(T.0 + 1000);
    let error = reopened::<D>(&claim(1, later), |node, batch| {
        batch.delete(Family::Local, &layout::IDENTITY_KEY);
        batch.delete(Family::State, &layout::VV_KEY);
        batch.delete(Family::State, &layout::head_key(node.actor()));
    });
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

on_every_backend!(
    rows_that_nobody_owns_are_damage_not_a_new_directory,
    a_new_directory_mints_an_actor_and_keeps_it,
    data_of_another_cluster_is_refused,
    data_of_another_region_is_refused,
    a_dead_clock_is_refused,
    a_newer_identity_is_refused,
    parts_that_contradict_each_other_are_damage,
);
