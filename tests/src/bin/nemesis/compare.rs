//! What somebody found, against what somebody who had seen so much must, may and must not find.

use std::collections::{BTreeMap, BTreeSet};

use crate::cells::{Alive, Cells, HAS_VALUE, base, slug};
use crate::facts::{Facts, View};
use crate::op::{Read, Type, Value};

/// What a comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Elements that could have been found wrong; of a register, the one value that was read.
    pub(crate) judged: BTreeSet<String>,
    pub(crate) wrong: Vec<Wrong>,
}

/// Something found that must not be there, or not found that must.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    /// Which address it is about.
    pub(crate) address: String,
}

/// Compares elements, fields and flags; of a multi-value register and a register, the values.
pub(crate) fn elements(facts: &Facts<'_>, cells: &Cells, read: &Read, value: &Value, view: &View) -> Compared {
    let base = base(&read.key, &read.path);
    let found: BTreeSet<String> = match value {
        Value::Texts(found) | Value::Row(found) => found.iter().cloned().collect(),
        Value::Scores(found) => found.iter().map(|(member, _)| member.clone()).collect(),
        Value::Text(found) => found.iter().cloned().collect(),
        Value::Is(on) => on.then(String::new).into_iter().collect(),
        Value::Sum(_) | Value::Count(_) => return Compared::default(),
    };
    let below = format!("{base}{}", slug(read.kind));
    let mut expected: BTreeMap<String, Alive> = BTreeMap::new();
    for (address, _) in cells.below(&below) {
        // A flag has one element, without a name; a field is there as long as anything is below it.
        let rest = address.get(below.len()..).unwrap_or_default();
        let rest = if read.kind == Type::Map { rest } else { rest.strip_prefix("e:").unwrap_or(rest) };
        let name = rest.split('/').next().unwrap_or_default();
        // A nested register's value may be hidden; that it has one may not.
        let alive = cells.alive(facts, address, view);
        let sum = expected.entry(name.to_owned()).or_default();
        *sum = sum.and(alive);
    }
    let mut compared = Compared::default();
    let address = |name: &str| match read.kind {
        Type::Map => format!("{below}{name}/"),
        Type::Flag => below.clone(),
        _ => format!("{below}e:{name}/"),
    };
    for (name, alive) in &expected {
        if alive.is_decided() {
            compared.judged.insert(name.clone());
        }
        let is = found.contains(name);
        if is && alive.most == 0 {
            compared.wrong(format!("{name:?} is there, and must not be"), address(name));
        } else if !is && alive.least > 0 {
            compared.wrong(format!("{name:?} is not there, and must be"), address(name));
        }
    }
    for name in found.iter().filter(|name| !expected.contains_key(*name)) {
        compared.wrong(format!("{name:?} is there, and nobody ever wrote it"), address(name));
    }
    if read.kind == Type::Register {
        let has = cells.alive(facts, &format!("{base}{HAS_VALUE}"), view);
        let decided = has.is_decided() || !compared.judged.is_empty();
        compared.judged = decided.then(|| found.first().cloned().unwrap_or_default()).into_iter().collect();
        if found.is_empty() && has.least > 0 {
            compared.wrong("there is no value, and must be one".to_owned(), format!("{base}{HAS_VALUE}"));
        }
    }
    compared
}

impl Compared {
    fn wrong(&mut self, what: String, address: String) {
        self.wrong.push(Wrong { what, address });
    }
}

/// What a sum can be.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) least: i64,
    pub(crate) most: i64,
    /// How many additions are in doubt.
    pub(crate) doubtful: usize,
    /// Whether any was acked and is not in doubt: without one, little could be wrong.
    pub(crate) is_decided: bool,
}

/// The least and the most that a sum can be.
pub(crate) fn bounds(facts: &Facts<'_>, cells: &Cells, address: &str, view: &View) -> Bounds {
    let mut bounds = Bounds::default();
    for adding in cells.at(address) {
        let alive = cells.alive_of(facts, address, adding, view);
        let times = |count: usize| adding.amount * i64::try_from(count).unwrap_or(i64::MAX);
        let (low, high) = (times(alive.least), times(alive.most));
        bounds.least += low.min(high);
        bounds.most += low.max(high);
        // Where what was told contradicts itself, others say so.
        bounds.doubtful += alive.most.saturating_sub(alive.least);
        bounds.is_decided |= adding.amount != 0 && alive.acked && alive.least == alive.most;
    }
    bounds
}
