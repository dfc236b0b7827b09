//! The kernel: four effects on rows, and one module per type; pure.
