//! The SDK: typed handles on a region of a Halcyon cluster.
