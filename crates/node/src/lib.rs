//! The node: configuration, driver loop, committer thread, admin plane.
