//! Equal vectors have equal bytes (P3): whenever two regions have seen the same, and all of them at the end, their rows have
//! one digest.

use halcyon_store::Digest;
use halcyon_types::{RegionId, UnixMs};

use super::Invariant;
use crate::world::{Node, Observation, World};

/// Entries with a time of their own are left out, but for the end: each region drops what has expired when it comes to it.
const ALWAYS: UnixMs = UnixMs(u64::MAX);

/// See above.
#[derive(Debug, Default)]
pub(super) struct EqualBytes {
    /// The latest that any clock has shown: nobody has dropped what expires behind it.
    latest: UnixMs,
    judged: u64,
}

impl EqualBytes {
    fn same(
        &mut self,
        (one, of_one): (RegionId, &Digest),
        (other, of_other): (RegionId, &Digest),
    ) -> Result<(), String> {
        if of_one.vv != of_other.vv {
            return Ok(());
        }
        self.judged += 1;
        if of_one == of_other {
            return Ok(());
        }
        Err(format!(
            "regions {one} and {other} have both seen {:?}, and hold {} and {} rows of other bytes",
            of_one.vv, of_one.rows, of_other.rows
        ))
    }

    fn compare(&mut self, one: &Node, others: &[&Node], at: UnixMs) -> Result<(), String> {
        if others.is_empty() {
            return Ok(());
        }
        let digest = |node: &Node| node.reader().digest(at).map_err(|error| error.to_string());
        let of_one = digest(one)?;
        others.iter().try_for_each(|other| self.same((one.region(), &of_one), (other.region(), &digest(other)?)))
    }
}

impl Invariant for EqualBytes {
    fn name(&self) -> &'static str {
        "equal_vectors_have_equal_bytes"
    }

    fn promise(&self) -> &'static str {
        "P3"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        if let Observation::Stepped { region } = seen
            && let (Some(now), Some(node)) = (world.clocks(*region), world.node(*region))
        {
            self.latest = self.latest.max(now.wall).max(node.replica().hlc().wall());
        }
        let Observation::Applied { region, vv, .. } = seen else { return Ok(()) };
        let Some(one) = world.node(*region) else { return Ok(()) };
        let others = world.regions().filter(|other| other != region).filter_map(|other| world.node(other));
        let others: Vec<_> = others.filter(|other| other.vv() == *vv).collect();
        self.compare(one, &others, ALWAYS)
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        let nodes: Vec<_> = world.regions().filter_map(|region| world.node(region)).collect();
        let Some((first, others)) = nodes.split_first() else { return Ok(()) };
        self.compare(first, others, ALWAYS)?;
        self.compare(first, others, self.latest)
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{region, vv};

    #[test]
    fn other_bytes_at_one_vector_are_noticed() {
        let digest = |seq, byte| Digest { vv: vv(&[(1, seq)]), digest: [byte; 32], rows: 1 };
        let same = |one, other| EqualBytes::default().same((region(1), &one), (region(2), &other));
        assert_eq!(same(digest(1, 7), digest(1, 7)), Ok(()));
        assert_eq!(same(digest(1, 7), digest(2, 8)), Ok(()), "they have not seen the same");
        assert!(same(digest(1, 7), digest(1, 8)).is_err());
    }
}
