//! Up to where the logs have been dropped, and whether more of them is being dropped now. At most one truncation is with the
//! committer; until its result is here, nothing of what it may drop is promised to anybody.

use halcyon_types::{ActorId, Seq, VersionVector};

#[derive(Debug)]
pub(crate) struct Truncation {
    bytes_max: Option<u64>,
    floors: VersionVector,
    /// What the committer may be dropping.
    under_way: Option<VersionVector>,
}

impl Truncation {
    pub(crate) const fn new(bytes_max: Option<u64>, floors: VersionVector) -> Self {
        Self { bytes_max, floors, under_way: None }
    }

    pub(crate) const fn bytes_max(&self) -> Option<u64> {
        self.bytes_max
    }

    pub(crate) const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The last record of each log that is not there any more.
    pub(crate) const fn floors(&self) -> &VersionVector {
        &self.floors
    }

    /// The last record of a log that may not be there any more.
    pub(crate) fn floor(&self, actor: ActorId) -> Seq {
        let under_way = self.under_way.as_ref().map_or(Seq::ZERO, |stable| stable.get(actor));
        self.floors.get(actor).max(under_way)
    }

    pub(crate) fn begin(&mut self, stable: VersionVector) {
        self.under_way = Some(stable);
    }

    pub(crate) fn end(&mut self, floors: &VersionVector) {
        self.under_way = None;
        self.floors.join(floors);
    }
}
