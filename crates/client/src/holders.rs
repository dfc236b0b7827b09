//! Rights of a bounded counter, by region.

use std::fmt;

use halcyon_types::{ActorId, RegionName};

/// Who may spend how much of a bounded counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The region, if `regions.toml` names it.
    pub region: Option<RegionName>,
    /// The log that holds the rights. Rights of a region's earlier log pass to its present one once that is closed.
    pub actor: ActorId,
    /// How much.
    pub rights: i128,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{region} holds {}", self.rights),
            None => write!(f, "{} holds {}", self.actor, self.rights),
        }
    }
}

/// Everybody who may spend anything of a bounded counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders(pub Vec<Holder>);

impl fmt::Display for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nobody holds any");
        }
        for (i, holder) in self.0.iter().enumerate() {
            write!(f, "{}{holder}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
