//! Sorted sets: the score is the last one given and every addition; the order is that of (score, member).

use std::collections::BTreeSet;

use crate::scenario::ObjectRef;

use super::deed::Written;
use super::place::Leaf;
use super::truth::{Truth, latest};

impl Truth {
    /// A member's score. Sums of floats are taken in the order of actors; those of one actor are taken as exact.
    pub fn score(&self, object: &ObjectRef, member: &str) -> Option<f64> {
        let given = latest(self.leaf(object, Leaf::Score(member.to_owned())));
        let mut added = self.leaf(object, Leaf::Added(member.to_owned())).peekable();
        if given.is_none() && added.peek().is_none() {
            return None;
        }
        let given = if let Some(Written::Score(score)) = given { *score } else { 0.0 };
        let points =
            added.map(|survivor| if let Written::Points { amount, .. } = survivor.write.what { amount } else { 0.0 });
        // No zero has a sign.
        Some(given + points.sum::<f64>() + 0.0)
    }

    /// Members and scores, from the lowest on.
    pub fn ranking(&self, object: &ObjectRef) -> Vec<(f64, String)> {
        let members: BTreeSet<&String> = self
            .survivors
            .iter()
            .filter(|survivor| survivor.write.place.object == *object)
            .filter_map(|survivor| match &survivor.write.place.leaf {
                Leaf::Score(member) | Leaf::Added(member) => Some(member),
                _ => None,
            })
            .collect();
        let score = |member: &String| Some((self.score(object, member)?, member.clone()));
        let mut ranking: Vec<_> = members.into_iter().filter_map(score).collect();
        // They stand in the order of members already, and the sort is stable.
        ranking.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        ranking
    }
}
