//! The simulator's dialect of the scenario language, and back: what a request on the wire says, in the language's words.
//!
//! Clients speak the language, nodes hear updates and queries, and invariants hear what nodes hear: they need no word from
//! the clients.

use bytes::Bytes;
use halcyon_crdt::{End, Kind, Object, Op, Place, Query as Question, Side, Update};
use halcyon_types::{KeyspaceId, RegionId};

use crate::scenario::{Command, CommandOp, Dialect, ListEnd, ListSide, ObjectRef, Query, QueryKind, vocabulary};

/// What words mean in the simulator: keys of the first keyspace, values as their text, regions as letters.
pub fn dialect() -> Dialect<'static> {
    Dialect {
        keyspace: KeyspaceId::FIRST,
        prefix: "",
        region: &region_of,
        encode: &|word| Bytes::copy_from_slice(word.as_bytes()),
    }
}

/// The letter of a region: A is the first.
pub fn letter_of(region: RegionId) -> String {
    let letter = u8::try_from(region.get()).ok().and_then(|nth| b'A'.checked_add(nth - 1)).unwrap_or(b'?');
    char::from(letter).to_string()
}

fn region_of(letter: &str) -> Option<RegionId> {
    match letter.as_bytes() {
        [letter @ b'A'..=b'Z'] => RegionId::try_from(u64::from(letter - b'A') + 1).ok(),
        _ => None,
    }
}

/// The text of bytes.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where something is.
pub fn object_of(object: &Object) -> ObjectRef {
    ObjectRef { key: text(&object.key), path: object.path.iter().map(|field| text(field)).collect() }
}

/// The command that an update means; `None` for what the language cannot say, a list's element by its position.
pub fn command_of(update: &Update) -> Option<Command> {
    Some(Command { object: object_of(&update.object), op: op_of(&update.op)? })
}

fn op_of(op: &Op) -> Option<CommandOp> {
    let all = |values: &[Bytes]| values.iter().map(|value| text(value)).collect::<Vec<_>>();
    let whole = |amount: &u64| i64::try_from(*amount).ok();
    let end = |end: &End| if *end == End::Front { ListEnd::Front } else { ListEnd::Back };
    Some(match op {
        Op::Set { value, ttl_ms } => {
            let ttl_ms = match ttl_ms {
                Some(ms) => Some(whole(ms)?),
                None => None,
            };
            CommandOp::Set { value: text(value), ttl_ms }
        }
        Op::SetMv { value } => CommandOp::MvSet(text(value)),
        Op::Add { amount } => CommandOp::Incr(*amount),
        Op::Enable => CommandOp::Enable,
        Op::Insert { element } => CommandOp::SetAdd(vec![text(element)]),
        Op::Remove { element } => CommandOp::SetRemove(vec![text(element)]),
        Op::Score { member, score } => CommandOp::SortedAdd { member: text(member), score: *score },
        Op::AddScore { member, amount } => CommandOp::SortedIncr { member: text(member), delta: *amount },
        Op::RemoveMember { member } => CommandOp::SortedRemove(text(member)),
        Op::Push { end: to, values } => CommandOp::ListPush { end: end(to), values: all(values) },
        Op::InsertAt { place: Place::Value(target), side, values } => {
            let side = if *side == Side::Before { ListSide::Before } else { ListSide::After };
            CommandOp::ListInsert { side, target: text(target), values: all(values) }
        }
        Op::InsertAt { place: Place::Index(index), side: Side::Before, values } => {
            CommandOp::ListInsertAt { index: *index, values: all(values) }
        }
        Op::SetAt { place: Place::Value(old), value } => CommandOp::ListSet { old: text(old), new: text(value) },
        Op::SetAt { place: Place::Index(index), value } => CommandOp::ListSetAt { index: *index, value: text(value) },
        Op::RemoveAt { place: Place::Value(value) } => CommandOp::ListRemove(text(value)),
        Op::RemoveAt { place: Place::Index(index) } => CommandOp::ListRemoveAt(*index),
        Op::MoveTo { place: Place::Value(value), end: to } => CommandOp::ListMove { value: text(value), end: end(to) },
        Op::MoveTo { place: Place::Index(index), end: to } => CommandOp::ListMoveAt { index: *index, end: end(to) },
        Op::InsertAt { .. } | Op::SetAt { .. } | Op::RemoveAt { .. } | Op::MoveTo { .. } => return None,
        Op::Observe { elements } => CommandOp::HllAdd(all(elements)),
        Op::Raise { amount } => CommandOp::BoundedIncr(whole(amount)?),
        Op::Spend { amount } => CommandOp::BoundedDecr(whole(amount)?),
        Op::Transfer { to, amount } => CommandOp::BoundedGive { to: letter_of(*to), amount: whole(amount)? },
        Op::Expire { ttl_ms } => CommandOp::Expire(whole(ttl_ms)?),
        Op::Persist => CommandOp::Persist,
        Op::Clear { kind: Kind::Register } => CommandOp::Unset,
        Op::Clear { kind: Kind::Counter } => CommandOp::Reset,
        Op::Clear { kind: Kind::Flag } => CommandOp::Disable,
        Op::Clear { kind } => CommandOp::Clear(vocabulary::TYPES.iter().find(|(_, known)| known == kind)?.0),
        Op::Delete => CommandOp::Delete,
    })
}

/// The query that a question means; `None` for what the language cannot say. Of pages the first.
pub fn query_of(object: &Object, question: &Question) -> Option<Query> {
    let kind = match question {
        Question::Get => QueryKind::Get,
        Question::Values => QueryKind::MvGet,
        Question::Sum => QueryKind::Counter,
        Question::IsEnabled => QueryKind::Flag,
        Question::Contains { element } => QueryKind::Contains(text(element)),
        Question::Elements(_) => QueryKind::Members,
        Question::Fields(_) => QueryKind::Fields,
        Question::Score { member } => QueryKind::Score(text(member)),
        Question::Rank { member, reverse } => QueryKind::Rank { member: text(member), reverse: *reverse },
        Question::ByRank { first, last, reverse, .. } => {
            QueryKind::RankRange { start: *first, stop: *last, reverse: *reverse }
        }
        Question::ByScore { min, max, reverse, .. } => {
            QueryKind::ScoreRange { min: *min, max: *max, reverse: *reverse }
        }
        Question::Range { first, last, .. } if first == last => QueryKind::ListIndex(*first),
        Question::Range { first, last, .. } => QueryKind::ListRange { start: *first, stop: *last },
        Question::Estimate => QueryKind::HllCount,
        Question::Value => QueryKind::BoundedValue,
        Question::Rights => QueryKind::BoundedRights,
        Question::Deadline => QueryKind::Ttl,
        Question::Kinds => QueryKind::Kinds,
    };
    Some(Query { object: object_of(object), kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::workload::diet::Diet;
    use crate::workload::questions::about_all;

    #[test]
    fn what_the_wire_says_is_what_the_client_said() {
        let mut dice = Dice::new(1);
        let mut commands = Vec::new();
        for _ in 0..2000 {
            let (object, op) = Diet::Mixed.write(&mut dice);
            let command = Command { object, op };
            // Elements are said one by one.
            let updates = dialect().updates(&command).unwrap();
            let back: Vec<_> = updates.iter().map(|update| command_of(update).unwrap()).collect();
            let again: Vec<_> = back.iter().flat_map(|command| dialect().updates(command).unwrap()).collect();
            assert_eq!(updates, again, "{command}");
            commands.push(command);
        }
        for query in about_all(&commands) {
            let (object, question) = dialect().question(&query);
            assert_eq!(query_of(&object, &question), Some(query));
        }
    }

    #[test]
    fn regions_are_letters() {
        for nth in 1..=5 {
            let region = RegionId::try_from(nth).unwrap();
            assert_eq!(region_of(&letter_of(region)), Some(region));
        }
    }
}
