//! Between the wire and the vault: the only place that knows both kinds of types.
//!
//! Requests are checked for shape and bounds here (ids, names, dates, counts, lengths), and each
//! refusal names the path of the field as the request message has it, never its value. What the
//! policy pack says about a value is checked below, in `policy`.

mod answers;
mod backup;
mod bound;
mod check;
mod log;
mod records;
mod requests;
mod reviews;
mod second;

pub(crate) use answers::*;
pub(crate) use backup::*;
pub(crate) use log::*;
pub(crate) use records::*;
pub(crate) use requests::*;
pub(crate) use reviews::*;
pub(crate) use second::*;

#[cfg(test)]
mod tests;
