//! The simulator as a program: `make sim` and `make mutants`.

fn main() {}
