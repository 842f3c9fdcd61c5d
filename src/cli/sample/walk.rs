//! Makes one record after another: a root, then what hangs on it, then the next root. Only one root and
//! its descent are in memory at a time.

use super::{
    draw::Key,
    error::SampleError,
    make::{Which, record},
    plan::{Description, Plan},
    record::Record,
};

/// What takes each record.
pub(super) type Take<'a> = &'a mut dyn FnMut(&Record<'_>) -> Result<(), SampleError>;

/// Makes this many roots with all that hangs on them, and hands each record to `take`.
pub(super) fn all(
    description: &Description,
    cases: u64,
    seed: u64,
    take: Take<'_>,
) -> Result<(), SampleError> {
    let Some(root) = description.plans.first() else { return Ok(()) };
    let numbers = description.plans.iter().map(|_| 0).collect();
    let mut walk = Walk { description, numbers, take };
    let run = Key::of_run(seed);
    (1..=cases).try_for_each(|number| walk.record(root, 0, run, None, number))
}

struct Walk<'a> {
    description: &'a Description,
    /// Records made so far, by plan.
    numbers: Vec<u64>,
    take: Take<'a>,
}

impl Walk<'_> {
    /// One record with its descent; the depth is that of the collections in the description.
    fn record(
        &mut self,
        plan: &Plan,
        index: usize,
        above: Key,
        parent: Option<&Record<'_>>,
        sibling: u64,
    ) -> Result<(), SampleError> {
        let description = self.description;
        let key = above.of_record(&plan.collection, sibling);
        let number = self.numbers.get_mut(index).map_or(1, |number| {
            *number = number.saturating_add(1);
            *number
        });
        let made = record(description, Which { plan, key, parent, number, sibling })?;
        (self.take)(&made)?;
        for (child, below) in description.plans.iter().enumerate() {
            if below.parent != Some(index) {
                continue;
            }
            let [min, max] = below.count.map(i64::from);
            // A name of an entry has no capital: this label is nobody else's.
            let count = key.draw(&format!("COUNT {}", below.collection)).between(min, max);
            for sibling in 1..=count.unsigned_abs() {
                self.record(below, child, key, Some(&made), sibling)?;
            }
        }
        Ok(())
    }
}
