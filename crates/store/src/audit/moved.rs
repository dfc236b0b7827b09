//! Whether a range has changed since a vector, as far as the logs tell.

use std::ops::ControlFlow;

use halcyon_types::VersionVector;
use halcyon_types::limits::AUDIT_RECORDS_MAX;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_wire::Record;

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::layout;

/// Whether a record above `since`, up to `vv`, touches the rows from `from` on and below `upto`; also if that cannot be told,
/// because records are too many or not there any more.
pub(super) fn touched(
    view: &impl View,
    since: &VersionVector,
    vv: &VersionVector,
    from: &[u8],
    upto: &[u8],
) -> Result<bool, ReadError> {
    if planted(Mutant::AuditIgnoresNews) {
        return Ok(false);
    }
    let news = |(actor, last): &(_, halcyon_types::Seq)| last.0.saturating_sub(since.get(*actor).0);
    let expected: u64 = vv.iter().map(|entry| news(&entry)).fold(0, u64::saturating_add);
    if expected > AUDIT_RECORDS_MAX as u64 {
        return Ok(true);
    }
    let (mut found, mut touches, mut outcome) = (0, false, Ok(()));
    for (actor, last) in vv.iter().filter(|entry| news(entry) > 0) {
        let [first, end] = [since.get(actor), last].map(|seq| layout::log_bound(actor, seq.next()));
        view.scan(Family::Log, &first, Some(&end), |key, record| {
            found += 1;
            match Record::effects_of(record) {
                Ok(effects) => touches = effects.iter().any(|effect| effect.touches(from, upto)),
                Err(error) => {
                    let what =
                        layout::log_dot(key).map_or_else(|| "a record".to_owned(), |dot| format!("record {dot}"));
                    outcome = Err(ReadError::damaged(what, &error));
                }
            }
            if touches || outcome.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if touches || outcome.is_err() {
            break;
        }
    }
    outcome?;
    Ok(touches || found < expected)
}
