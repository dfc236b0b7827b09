//! Who is a member, as the rows of the system's keyspace say.

use std::ops::ControlFlow;

use halcyon_crdt::{Object, RowPrefix};
use halcyon_types::members::{Facts, Retired};
use halcyon_types::{KeyspaceId, UnixMs};
use halcyon_wire::Fact;

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::view_rows::decode_row;

/// All facts that are committed. A row that is none that this version knows is passed over, and logged.
pub(crate) fn read(view: &impl View) -> Result<Facts, ReadError> {
    let all = RowPrefix::keyspace(KeyspaceId::SYSTEM);
    let mut facts = Facts::default();
    let mut outcome = Ok(());
    view.scan(Family::State, all.as_bytes(), all.end().as_deref(), |key, value| {
        let row = match decode_row(key, value) {
            Ok(row) => row,
            Err(error) => {
                outcome = Err(error);
                return ControlFlow::Break(());
            }
        };
        let winner = row.winner(UnixMs(0));
        let fact = Object::root_of(key).zip(winner).and_then(|(object, entry)| Fact::of(&object.key, &entry.payload));
        match fact {
            Some(Fact::Joined(region)) => drop(facts.joined.insert(region.id, region)),
            Some(Fact::Retired(region)) => {
                let records = row.entries().iter().map(|entry| entry.dot).collect();
                facts.retired.insert(region.id, Retired { region, records });
            }
            None => {
                tracing::warn!(row = %key.escape_ascii(), "a row of the system's keyspace is no fact of this version");
            }
        }
        ControlFlow::Continue(())
    })?;
    outcome.map(|()| facts)
}
