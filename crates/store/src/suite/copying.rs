//! Copies of the whole state: what they hold, and what is made of them.

use halcyon_types::{Hlc, Seq, UnixMs, VersionVector};

use super::Disk;
use super::node::{Node, T, add, claim, insert, object, set};
use crate::copy::{Fill, FillError, Page, replay};
use crate::{Committer, OpenError, Settings, Staged};

/// A node with something of everything, and of two actors.
fn source<D: Disk>() -> Node<D> {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    for number in 0..40 {
        node.put(vec![add("stock", 1), insert("cart", &format!("item {number}"))]);
        other.put(vec![add("stock", 10), set(&format!("last {number}"), &"x".repeat(100))]);
    }
    node.pull(&other, other.actor(), 40);
    node
}

fn pages<D: Disk>(node: &Node<D>, bytes_max: usize) -> Vec<Page> {
    let snapshot = node.committer.reader().snapshot();
    let mut pages: Vec<Page> = vec![snapshot.page(&[], bytes_max).unwrap()];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(snapshot.page(&next, bytes_max).unwrap());
    }
    pages
}

/// Another region's directory, restored from a copy.
fn restored<D: Disk>(pages: &[Page], region: u16) -> Node<D> {
    let mut disk = D::new();
    let mut fill = Fill::begin(disk.start()).unwrap();
    for page in pages {
        fill.page(&page.entries).unwrap();
    }
    fill.restored(&claim(region, T), Hlc::from_parts(T, 9).unwrap()).unwrap();
    Node::on(disk, region, Settings::default())
}

fn p3_a_copy_holds_what_was_copied<D: Disk>() {
    let node = source::<D>();
    for bytes_max in [1, 1000, 1 << 20] {
        let pages = pages(&node, bytes_max);
        assert_eq!(pages.len() > 1, bytes_max < 1 << 20);
        let copy = restored::<D>(&pages, 3);
        assert_eq!((copy.vv(), copy.digest()), (node.vv(), node.digest()));
        assert_eq!(copy.recovered.heads, node.heads, "the next records are read against them");
        assert_eq!(copy.rows(crate::Family::Derived), node.rows(crate::Family::Derived), "computed again");
    }
}

fn p2_a_restored_directory_writes_as_a_new_actor<D: Disk>() {
    let mut node = source::<D>();
    let mut copy = restored::<D>(&pages(&node, 1000), 1);
    assert!(copy.actor() > node.actor() && copy.actor().region() == node.actor().region());
    assert_eq!(copy.recovered.floors, node.vv(), "its logs begin there");
    // Its request ids are to be others than those in the copy.
    copy.now = UnixMs(T.0 + 5);
    let dot = copy.put(vec![add("stock", 5)]);
    assert_eq!(dot.seq, Seq(1));
    node.put(vec![add("stock", 7)]);
    let (former, present) = (node.actor(), copy.actor());
    assert_eq!((copy.pull(&node, former, 9), node.pull(&copy, present, 9)), (1, 1));
    assert_eq!((copy.digest(), copy.sum(&object("stock"))), (node.digest(), 40 + 400 + 5 + 7));
    copy.restart();
    assert_eq!(copy.actor(), present);
}

fn a_retry_is_known_where_a_copy_was_restored<D: Disk>() {
    let mut node = source::<D>();
    let write = node.write(vec![add("stock", 1)]);
    assert!(matches!(node.take(T, &write), Ok(Staged::Fresh { .. })));
    node.commit();
    let mut copy = restored::<D>(&pages(&node, 1000), 2);
    let dot = halcyon_types::Dot { actor: node.actor(), seq: Seq(41) };
    assert_eq!(copy.take(T, &write), Ok(Staged::Duplicate(dot)));
}

fn what_is_committed_after_a_copy_began_is_not_in_it<D: Disk>() {
    let mut node = source::<D>();
    let (snapshot, before) = (node.committer.reader().snapshot(), node.digest());
    let first = snapshot.page(&[], 1000).unwrap();
    node.put(vec![add("stock", 1), set("zz", "new")]);
    let mut pages = vec![first];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(snapshot.page(&next, 1000).unwrap());
    }
    assert_eq!(restored::<D>(&pages, 3).digest(), before);
}

fn p4_records_that_some_region_lacks_come_along_with_their_logs<D: Disk>() {
    let node = source::<D>();
    let other = node.heads.keys().copied().find(|actor| *actor != node.actor()).unwrap();
    let stable = [(node.actor(), Seq(30)), (other, Seq(40))].into_iter().collect();
    let snapshot = node.committer.reader().snapshot();
    for bytes_max in [1, 300, 1 << 20] {
        let mut pages: Vec<Page> = vec![snapshot.page_with_logs(&[], bytes_max, &stable).unwrap()];
        while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
            pages.push(snapshot.page_with_logs(&next, bytes_max, &stable).unwrap());
        }
        let copy = restored::<D>(&pages, 1);
        assert_eq!(copy.recovered.floors, stable);
        assert_eq!((copy.vv(), copy.digest()), (node.vv(), node.digest()));
        let log = |of: &Node<D>| of.committer.reader().log(node.actor(), Seq(30), Seq(40), 1 << 20).unwrap();
        assert_eq!((log(&copy), log(&copy).len()), (log(&node), 10), "in pages of {bytes_max}");
        assert!(copy.rows(crate::Family::Log).len() == 10, "and of the other log nothing");
    }
    assert!(snapshot.ceiling().unwrap().wall() >= T);
}

/// An entry of a log.
fn logged(seq: u64, node: &Node<impl Disk>) -> Vec<u8> {
    let key = [node.actor().as_u64().to_be_bytes(), seq.to_be_bytes()].concat();
    let value = &node.committer.reader().log(node.actor(), Seq(seq - 1), Seq(seq), 1).unwrap()[0].bytes;
    let lengths = [key.len(), value.len()].map(|len| u32::try_from(len).unwrap().to_be_bytes());
    [&[2][..], &lengths[0], &key, &lengths[1], value].concat()
}

fn a_log_with_a_gap_begins_behind_it_and_one_without_its_end_is_refused<D: Disk>() {
    let node = source::<D>();
    let filled = |seqs: &[u64]| {
        let mut disk = D::new();
        let mut fill = Fill::begin(disk.start()).unwrap();
        for page in pages(&node, 1000) {
            fill.page(&page.entries).unwrap();
        }
        for seq in seqs {
            fill.page(&logged(*seq, &node)).unwrap();
        }
        (fill.restored(&claim(1, T), Hlc::from_parts(T, 9).unwrap()), disk)
    };
    let (vv, disk) = filled(&[30, 31, 38, 39, 40]);
    assert_eq!(vv, Ok(node.vv()));
    let copy = Node::<D>::on(disk, 1, Settings::default());
    assert_eq!((copy.recovered.floors.get(node.actor()), copy.rows(crate::Family::Log).len()), (Seq(37), 3));
    assert!(matches!(filled(&[30, 31]).0, Err(FillError::Page(_))));
}

fn damaged_pages_are_refused<D: Disk>() {
    let node = source::<D>();
    let pages = pages(&node, 1000);
    let begin = || {
        let mut disk = D::new();
        (Fill::begin(disk.start()).unwrap(), disk)
    };
    let (mut fill, _disk) = begin();
    let entries = &pages[0].entries;
    assert!(matches!(fill.page(&entries[..entries.len() - 1]), Err(FillError::Page(_))), "cut short");
    let (mut fill, _disk) = begin();
    fill.page(entries).unwrap();
    assert!(matches!(fill.page(entries), Err(FillError::Page(_))), "the same again");
    let (mut fill, _disk) = begin();
    assert!(matches!(fill.page(&[7, 0, 0, 0, 0, 0, 0, 0, 0]), Err(FillError::Page(_))), "of no family");
    let snapshot = node.committer.reader().snapshot();
    assert!(snapshot.page(&[7], 1000).is_err(), "a place that is none");
}

fn a_copy_is_taken_in_by_an_empty_directory_and_is_none_before_its_end<D: Disk>() {
    let mut node = source::<D>();
    let pages = pages(&node, 1000);
    assert!(matches!(Fill::begin(node.disk.start()), Err(FillError::Open(OpenError::Damaged { .. }))));
    let mut disk = D::new();
    let mut fill = Fill::begin(disk.start()).unwrap();
    for page in &pages {
        fill.page(&page.entries).unwrap();
    }
    assert_eq!(fill.rows(), pages.iter().map(|page| page.count).sum::<u64>());
    drop(fill);
    assert!(Committer::open(disk.start(), &claim(1, T)).is_ok_and(|(_, found)| found.vv == VersionVector::new()));
}

fn p6_what_only_the_old_state_has_is_replayed_behind_a_copy<D: Disk>() {
    let (mut source, mut old) = (source::<D>(), Node::<D>::new(3));
    let actors = source.vv().iter().map(|(actor, _)| actor).collect::<Vec<_>>();
    for actor in &actors {
        old.pull(&source, *actor, 10);
    }
    // Its own, which nobody else has; and what it has not, which the copy brings.
    for _ in 0..5 {
        old.put(vec![add("stock", 1000)]);
    }
    source.put(vec![add("stock", 1)]);
    let mut disk = D::new();
    let backend = disk.start();
    let mut fill = Fill::begin(backend.clone()).unwrap();
    for page in pages(&source, 1000) {
        fill.page(&page.entries).unwrap();
    }
    fill.instead_of(&old.committer.reader()).unwrap();
    let vv = replay(&old.committer.reader(), backend, &claim(3, T)).unwrap();
    assert!(source.vv().le(&vv) && old.vv().le(&vv));
    let mut new = Node::<D>::on(disk, 3, Settings::default());
    assert_eq!((new.vv(), new.actor()), (vv, old.actor()), "it goes on as who it was");
    assert_eq!(new.sum(&object("stock")), 41 + 400 + 5000);
    let own = new.actor();
    assert_eq!(source.pull(&new, own, 9), 5, "they are in its log, too");
    assert_eq!(source.digest(), new.digest());
    new.now = UnixMs(T.0 + 5);
    assert_eq!(new.put(vec![add("stock", 1)]).seq, Seq(6));
}

on_every_backend!(
    p6_what_only_the_old_state_has_is_replayed_behind_a_copy,
    p3_a_copy_holds_what_was_copied,
    p2_a_restored_directory_writes_as_a_new_actor,
    a_retry_is_known_where_a_copy_was_restored,
    p4_records_that_some_region_lacks_come_along_with_their_logs,
    a_log_with_a_gap_begins_behind_it_and_one_without_its_end_is_refused,
    what_is_committed_after_a_copy_began_is_not_in_it,
    damaged_pages_are_refused,
    a_copy_is_taken_in_by_an_empty_directory_and_is_none_before_its_end,
);
