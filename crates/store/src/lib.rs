//! The committer and its backends.
