//! The order of standings, and what a score adds up to.

use proptest::prelude::*;

use super::*;
use crate::fixture::{Node, all, b, object};
use crate::op::Op;
use crate::query::{Answer, Query};

const SCORES: [f64; 11] =
    [f64::MIN, -1e300, -1.5, -1.0, -f64::MIN_POSITIVE, -5e-324, 0.0, 5e-324, f64::MIN_POSITIVE, 1.0, f64::MAX];

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::sample::select(SCORES.to_vec()),
        Just(-0.0),
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |score| score.is_finite()),
    ]
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let member = prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..4);
    (score(), member).prop_map(|(score, member)| Standing::new(score, member.into()))
}

proptest! {
    #[test]
    fn keys_order_as_standings_do_and_tell_them_again(a in any_standing(), b in any_standing()) {
        prop_assert_eq!(a.to_key().cmp(&b.to_key()), a.cmp(&b));
        prop_assert_eq!(a.to_key() == b.to_key(), a == b);
        prop_assert_eq!(Standing::from_key(&a.to_key()), Some(a.clone()));
        let as_numbers = a.score.partial_cmp(&b.score).unwrap().then_with(|| a.member.cmp(&b.member));
        prop_assert_eq!(a.cmp(&b), as_numbers, "zero stands once, whatever its sign");
    }
}

#[test]
fn scores_stand_from_the_lowest_to_the_highest_and_then_by_member() {
    let members = ["", "\0", "a", "a\0", "a\0\u{1}", "b"];
    let standings = SCORES.iter().flat_map(|score| members.map(|member| Standing::new(*score, b(member))));
    let keys: Vec<Vec<u8>> = standings.map(|standing| standing.to_key()).collect();
    assert!(keys.is_sorted_by(|a, b| a < b));
}

#[test]
fn bytes_that_are_no_standing_are_none() {
    let key = Standing::new(1.0, b("m")).to_key();
    assert_eq!(Standing::from_key(&key[..7]), None);
    assert_eq!(Standing::from_key(&key[..key.len() - 1]), None);
    assert_eq!(Standing::from_key(&[&key[..], b"x"].concat()), None);
    let nan = Standing { score: f64::NAN, member: b("m") };
    assert_eq!(Standing::from_key(&nan.to_key()), None);
}

#[test]
fn minus_zero_is_zero() {
    let (mut node, z) = (Node::new(1), object("z"));
    node.write(&z, Op::Score { member: b("b"), score: -0.0 });
    node.write(&z, Op::Score { member: b("a"), score: 0.0 });
    let range = Query::ByScore { min: 0.0, max: -0.0, reverse: false, page: all() };
    let Answer::Scored(page) = node.read(&z, &range) else { panic!() };
    let found: Vec<_> = page.items.iter().map(|item| (item.member.clone(), item.score.to_bits())).collect();
    assert_eq!(found, [(b("a"), 0), (b("b"), 0)]);
}

#[test]
fn sums_past_what_a_float_holds_stop_at_its_ends() {
    let (mut a, mut b_node, z) = (Node::new(1), Node::new(2), object("z"));
    for (member, amount) in [("up", f64::MAX), ("down", f64::MIN)] {
        let add = Op::AddScore { member: b(member), amount };
        let (one, other) = (a.write(&z, add.clone()), b_node.write(&z, add));
        a.receive(&other);
        b_node.receive(&one);
        for node in [&mut a, &mut b_node] {
            assert_eq!(node.read(&z, &Query::Score { member: b(member) }), Answer::Score(Some(amount)));
        }
    }
    assert_eq!(a.rows, b_node.rows);
}

#[test]
fn a_rank_counts_from_either_end() {
    let (mut node, z) = (Node::new(1), object("z"));
    for (member, score) in [("a", 1.0), ("b", 1.0), ("c", -2.0)] {
        node.write(&z, Op::Score { member: b(member), score });
    }
    for (member, rank) in [("c", 0), ("a", 1), ("b", 2)] {
        let query = |reverse| Query::Rank { member: b(member), reverse };
        assert_eq!(node.read(&z, &query(false)), Answer::Rank(Some(rank)));
        assert_eq!(node.read(&z, &query(true)), Answer::Rank(Some(2 - rank)));
    }
    assert_eq!(node.read(&z, &Query::Rank { member: b("d"), reverse: false }), Answer::Rank(None));
}
