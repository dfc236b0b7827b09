//! Which regions a node listens to. They come and go while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use halcyon_types::{RegionId, RegionName};

/// The regions that are admitted. Clones share one.
#[derive(Debug, Clone, Default)]
pub struct Roster(Arc<RwLock<BTreeMap<RegionName, RegionId>>>);

impl Roster {
    /// These, from now on. Links that stand stay.
    pub fn admit(&self, regions: impl IntoIterator<Item = (RegionName, RegionId)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = regions.into_iter().collect();
    }

    /// The number of the region that is called so, if it is admitted.
    pub fn id_of(&self, name: &RegionName) -> Option<RegionId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    pub(crate) fn admits(&self, name: &RegionName) -> bool {
        self.id_of(name).is_some()
    }
}
