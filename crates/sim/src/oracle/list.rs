//! Lists: where a new element stands.
//!
//! Elements keep their places for ever, and a new one stands strictly between the two it was put between. *Which* place
//! between them is the origin's choice; so that the order of what is put into one gap by several regions can be foretold,
//! the choice is stated here, as a rule on paths of numbers.

use std::collections::BTreeMap;

use halcyon_types::{ActorId, Hlc};

use crate::scenario::ObjectRef;

use super::deed::Written;
use super::place::Leaf;
use super::truth::{Survivor, Truth, latest};

/// A place in a list: a path of labels, which orders as its list does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(Vec<Label>);

/// Stamp, actor, index, side. Before the middle of a list stamps and indexes count backwards.
type Label = (i128, ActorId, i64, Side);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// Deeper than this, a shallower place is taken if there is one.
const DEEP: usize = 4;

impl Position {
    /// The place of the `index`th element that a record puts into lists.
    pub(super) fn between(left: Option<&Self>, right: Option<&Self>, (actor, index, hlc): (ActorId, i64, Hlc)) -> Self {
        let stamp = i128::from(hlc.as_u64());
        let younger: Label = (stamp + 1, actor, index, Side::Right);
        let older: Label = (-stamp - 1, actor, -index, Side::Right);
        let fits = |path: &Self| left.is_none_or(|left| left < path) && right.is_none_or(|right| path < right);
        let below = |above: &[Label], label: Label| Self([above, &[label]].concat());
        let labels = |of: Option<&Self>| of.map_or_else(Vec::new, |of| of.0.clone());
        let parent = |of: &[Label]| of.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec());

        let (l, r) = (labels(left), labels(right));
        // A sibling of the left neighbour, or else of the right; or else a child of the inner one of the two.
        let mut choices = vec![below(&parent(&l), younger)];
        if right.is_some() {
            choices.push(below(&parent(&r), older));
            if r.starts_with(&l) {
                let mut inner = r.clone();
                if let Some(last) = inner.last_mut() {
                    last.3 = Side::Left;
                }
                choices.push(below(&inner, younger));
            }
        }
        choices.push(below(&l, younger));
        let near = choices.into_iter().find(&fits);
        let shallow = || {
            let beside = |of: &[Label], label: Label| {
                (0..of.len()).map(|n| below(of.get(..n).unwrap_or_default(), label)).collect()
            };
            let siblings: [Vec<Self>; 2] = [beside(&l, younger), beside(&r, older)];
            siblings.into_iter().flatten().find(&fits)
        };
        let chosen = match near {
            Some(near) if near.0.len() <= DEEP => near,
            near => shallow().or(near).unwrap_or_else(|| below(&l, younger)),
        };
        assert!(fits(&chosen), "an element stands between its neighbours");
        chosen
    }
}

impl Truth {
    /// A list's elements, in order.
    pub fn items(&self, object: &ObjectRef) -> Vec<(Position, String)> {
        let mut places: BTreeMap<&Position, Vec<&Survivor>> = BTreeMap::new();
        for survivor in &self.survivors {
            if let Leaf::Item(position) = &survivor.write.place.leaf
                && survivor.write.place.object == *object
            {
                places.entry(position).or_default().push(survivor);
            }
        }
        let value = |of: Vec<&Survivor>| match latest(of.into_iter()) {
            Some(Written::Value { text, .. }) => text.clone(),
            _ => String::new(),
        };
        places.into_iter().map(|(position, of)| (position.clone(), value(of))).collect()
    }
}
