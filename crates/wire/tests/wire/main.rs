//! The formats from outside: their bytes, checked in (`format`); what no origin writes, refused (`refused`);
//! ranges of records, packed (`packed`); and bytes of
//! any kind, read without harm (`hostile`). One of every value there is stands in `values`.

#[cfg(test)]
mod format;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod values;
