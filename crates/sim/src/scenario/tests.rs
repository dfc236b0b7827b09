//! What the language is, proved line by line.

mod errors;
mod language;
mod percent_g;
mod round_trip;
mod values;
