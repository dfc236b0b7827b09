//! Counter: one row `C ‖ actor` per actor that added to it, holding the interval of its running sum that counts.
//! A reset drops what it saw of each interval; what was added meanwhile stays.

use std::ops::ControlFlow;

use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// The sum, or `None` if nothing has been added since the last reset.
pub(crate) fn sum<R: Rows>(rows: &mut R, object: &Object) -> Result<Option<i128>, R::Error> {
    let counter = object.counter();
    let mut sum = None;
    rows.scan(&counter, counter.as_bytes(), |_, row| {
        if let Row::Interval(interval) = row {
            sum = Some(sum.unwrap_or(0) + interval.whole());
        }
        ControlFlow::Continue(())
    })?;
    Ok(sum)
}
