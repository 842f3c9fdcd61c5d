//! The proof that one event is durable. A disclosure consumes it (DESIGN section 2).
//!
//! Invariant: `issue` is called by the committer alone, after the commit that carries the leaf has
//! returned `Durable`. There is no other constructor and no `Clone`.

use crate::ids::EventId;

/// Proof that one event is durable. Only the log can make one.
///
/// ```compile_fail
/// let forged = oubliette::audit::Receipt { k: 0, n: 0, ..panic!() }; // fields are private
/// ```
#[must_use = "a receipt that is dropped proves nothing to anybody"]
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    event: EventId,
    k: u32,
    n: u64,
}

impl Receipt {
    pub(super) fn issue(event: EventId, k: u32, n: u64) -> Self {
        Self { event, k, n }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Origin number and leaf number of the event.
    #[must_use]
    pub fn index(&self) -> (u32, u64) {
        (self.k, self.n)
    }
}
