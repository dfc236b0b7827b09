//! Pages of lists and sorted sets against slices of a vector.

use halcyon_types::limits::{PAGE_BYTES_MAX, PAGE_ITEMS_MAX};
use proptest::prelude::*;

use crate::ReadError;
use crate::fixture::{Node, all, b, object, push, up};
use crate::op::{End, Op};
use crate::query::{Answer, Page, PageRequest, Query};
use crate::read;
use crate::sorted_set::Standing;

/// What stands at `first` to `last` of `all`, as Redis has it.
fn slice<T: Clone>(all: &[T], first: i64, last: i64) -> Vec<T> {
    let len = i128::try_from(all.len()).unwrap();
    let at = |index: i64| if index < 0 { len + i128::from(index) } else { i128::from(index) };
    let (first, last) = (at(first).max(0), at(last).min(len - 1));
    (first..=last).map(|at| all[usize::try_from(at).unwrap()].clone()).collect()
}

type Ask<'a> = &'a dyn Fn(PageRequest) -> Query;

/// Every page of a query, each as asked for; what they hold together.
fn pages<T>(items_max: u32, mut ask: impl FnMut(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = ask(PageRequest { after: after.take(), items_max });
        assert!(page.items.len() <= items_max.max(1) as usize);
        assert!(page.next.is_none() || page.items.len() == items_max.max(1) as usize, "only the last is short");
        found.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn index() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -14..14_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => Just(i64::MIN + 1)]
}

proptest! {
    #[test]
    fn pages_of_a_list_are_slices_of_it(
        values in prop::collection::vec("[a-c]", 0..12), front in any::<bool>(),
        (first, last) in (index(), index()), items_max in 0..6_u32,
    ) {
        let (mut node, list) = (Node::new(1), object("l"));
        node.write(&list, push(End::Back, &["-", "+"]));
        let end = if front { End::Front } else { End::Back };
        for value in &values {
            node.write(&list, push(end, &[value]));
        }
        let mut all = vec!["-".to_owned(), "+".to_owned()];
        for value in values {
            if front { all.insert(0, value) } else { all.push(value) }
        }
        let found = pages(items_max, |page| {
            let Answer::Items(page) = node.read(&list, &Query::Range { first, last, page }) else { panic!() };
            page
        });
        let found: Vec<String> = found.iter().map(|item| String::from_utf8(item.value.to_vec()).unwrap()).collect();
        prop_assert_eq!(found, slice(&all, first, last));
    }

    #[test]
    fn pages_of_a_sorted_set_are_slices_of_its_order(
        given in prop::collection::btree_map("[a-k]", -2..3_i8, 0..10), reverse in any::<bool>(),
        (first, last) in (index(), index()), (min, max) in (-3..4_i8, -3..4_i8), items_max in 0..6_u32,
    ) {
        let (mut node, z) = (Node::new(1), object("z"));
        let scores: Vec<_> =
            given.iter().map(|(member, score)| up(&z, Op::Score { member: b(member), score: (*score).into() })).collect();
        if !scores.is_empty() {
            node.commit(&scores);
        }
        let mut order: Vec<(i8, String)> = given.into_iter().map(|(member, score)| (score, member)).collect();
        order.sort();
        if reverse {
            order.reverse();
        }
        let mut found = |query: &dyn Fn(PageRequest) -> Query| -> Vec<(f64, String)> {
            let items = pages(items_max, |page| {
                let Answer::Scored(page) = node.read(&z, &query(page)) else { panic!() };
                page
            });
            items.iter().map(|item| (item.score, String::from_utf8(item.member.to_vec()).unwrap())).collect()
        };
        let floats = |order: Vec<(i8, String)>| -> Vec<(f64, String)> {
            order.into_iter().map(|(score, member)| (score.into(), member)).collect()
        };
        prop_assert_eq!(
            found(&|page| Query::ByRank { first, last, reverse, page }),
            floats(slice(&order, first, last))
        );
        let within = order.iter().filter(|(score, _)| (min..=max).contains(score)).cloned().collect();
        prop_assert_eq!(
            found(&|page| Query::ByScore { min: min.into(), max: max.into(), reverse, page }),
            floats(within)
        );
        let everything = found(&|page| Query::ByScore { min: f64::NEG_INFINITY, max: f64::INFINITY, reverse, page });
        prop_assert_eq!(everything, floats(order));
    }
}

#[test]
fn a_page_ends_early_when_it_is_large() {
    let (mut node, list) = (Node::new(1), object("l"));
    let large = "v".repeat(PAGE_BYTES_MAX / 3);
    for _ in 0..8 {
        node.write(&list, push(End::Back, &[&large]));
    }
    let (mut pages, mut found, mut after) = (0, 0, None);
    loop {
        let page = PageRequest { after, items_max: u32::MAX };
        let Answer::Items(page) = node.read(&list, &Query::Range { first: 0, last: -1, page }) else { panic!() };
        (pages, found) = (pages + 1, found + page.items.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((pages, found), (3, 8));
}

#[test]
fn a_page_has_no_more_items_than_a_page_may_have() {
    let (mut node, list) = (Node::new(1), object("l"));
    node.write(&list, push(End::Back, &vec!["v"; PAGE_ITEMS_MAX + 1]));
    let Answer::Items(page) = node.read(&list, &Query::Range { first: 0, last: -1, page: all() }) else { panic!() };
    assert!(page.items.len() == PAGE_ITEMS_MAX && page.next.is_some());
}

#[test]
fn cursors_that_no_page_has_told_are_refused() {
    let (mut node, both) = (Node::new(1), object("k"));
    node.write(&both, push(End::Back, &["v", "w"]));
    node.write(&both, Op::Score { member: b("m"), score: 1.0 });
    let first = PageRequest { after: None, items_max: 1 };
    let Answer::Items(list) = node.read(&both, &Query::Range { first: 0, last: -1, page: first }) else { panic!() };
    let of_list = list.next.unwrap().to_vec();
    let standing = Standing { score: 1.0, member: b("m") }.to_key();
    let of_rank = [&[0; 8][..], &standing].concat();

    let range = |page| Query::Range { first: 0, last: -1, page };
    let by_rank = |page| Query::ByRank { first: 0, last: -1, reverse: false, page };
    let by_score = |page| Query::ByScore { min: 0.0, max: 9.0, reverse: false, page };
    let short = of_list[..of_list.len() - 1].to_vec();
    let unknown: [(Ask<'_>, Vec<Vec<u8>>); 3] = [
        (&range, vec![vec![1], vec![0; 8], short, of_rank.clone(), standing.clone()]),
        (&by_rank, vec![vec![1], vec![0; 8], of_list.clone(), standing.clone()]),
        (&by_score, vec![vec![1], vec![0; 8], of_list.clone(), of_rank.clone()]),
    ];
    for (query, cursors) in unknown {
        for cursor in cursors {
            let page = PageRequest { after: Some(cursor.clone().into()), items_max: 9 };
            let found = read(&mut node.rows, &both, &query(page), node.now);
            assert_eq!(found, Err(ReadError::UnknownCursor), "{cursor:?}");
        }
    }
    for (query, cursor) in [(range(page(of_list)), 1), (by_rank(page(of_rank)), 0), (by_score(page(standing)), 0)] {
        let items = match node.read(&both, &query) {
            Answer::Items(page) => page.items.len(),
            Answer::Scored(page) => page.items.len(),
            _ => panic!(),
        };
        assert_eq!(items, cursor, "{query:?}");
    }
}

fn page(after: Vec<u8>) -> PageRequest {
    PageRequest { after: Some(after.into()), items_max: 9 }
}

#[test]
fn a_cursor_of_another_range_of_scores_shows_nothing_beside_this_one() {
    let (mut node, z) = (Node::new(1), object("z"));
    for n in 0..9_i8 {
        node.write(&z, Op::Score { member: b(&n.to_string()), score: n.into() });
    }
    for (reverse, elsewhere, expected) in [(false, 1.0, [4.0, 5.0, 6.0]), (true, 8.0, [6.0, 5.0, 4.0])] {
        let after = Standing { score: elsewhere, member: b("x") }.to_key();
        let query = Query::ByScore { min: 4.0, max: 6.0, reverse, page: page(after) };
        let Answer::Scored(page) = node.read(&z, &query) else { panic!() };
        assert_eq!(page.items.iter().map(|item| item.score).collect::<Vec<_>>(), expected);
    }
}
