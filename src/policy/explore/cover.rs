//! Which combinations of values satisfy a condition, and how few regions say so.
//!
//! Pure: it knows numbers of values and truths, no facts. Invariants: every combination of a region
//! satisfies; every combination that satisfies is in a region.

/// For each fact, which of its values.
pub(super) type Region = Vec<Vec<bool>>;

/// All combinations of some facts' values, each with whether it satisfies. The first fact turns fastest.
#[derive(Clone)]
pub(super) struct Space {
    sizes: Vec<usize>,
    satisfied: Vec<bool>,
}

// === impl Space ===

impl Space {
    /// Asks for every combination.
    pub(super) fn of<E>(
        sizes: Vec<usize>,
        mut satisfies: impl FnMut(&[usize]) -> Result<bool, E>,
    ) -> Result<Self, E> {
        let total = sizes.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
        let satisfied: Result<_, E> =
            (0..total).map(|number| satisfies(&combination(&sizes, number))).collect();
        Ok(Self { satisfied: satisfied?, sizes })
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.satisfied.contains(&true)
    }

    /// Whether a combination satisfies.
    pub(super) fn has(&self, at: &[usize]) -> bool {
        let (mut number, mut step) = (0_usize, 1_usize);
        for (value, size) in at.iter().zip(&self.sizes) {
            number = number.saturating_add(value.saturating_mul(step));
            step = step.saturating_mul(*size);
        }
        self.satisfied.get(number) == Some(&true)
    }

    /// Of those that satisfy, these alone still do.
    pub(super) fn keep(&mut self, stays: impl Fn(&[usize]) -> bool) {
        for (number, satisfied) in self.satisfied.iter_mut().enumerate() {
            *satisfied = *satisfied && stays(&combination(&self.sizes, number));
        }
    }

    /// As few regions as a greedy search finds, together all that satisfies; they may overlap.
    pub(super) fn cover(&self) -> Vec<Region> {
        let (mut regions, mut left) = (Vec::new(), self.satisfied.clone());
        while let Some(first) = left.iter().position(|left| *left) {
            let region = self.widened(&combination(&self.sizes, first), |_, _| true);
            for number in self.numbers(&region) {
                left.get_mut(number).into_iter().for_each(|left| *left = false);
            }
            regions.push(region);
        }
        regions
    }

    /// From one that satisfies, fact by fact, every value that may be and with which the whole region
    /// still does.
    pub(super) fn widened(&self, from: &[usize], may: impl Fn(usize, usize) -> bool) -> Region {
        let only = |size: usize, at: usize| (0..size).map(|value| value == at).collect();
        let mut region: Region =
            self.sizes.iter().zip(from).map(|(size, at)| only(*size, *at)).collect();
        for (fact, size) in self.sizes.iter().enumerate() {
            for value in (0..*size).filter(|value| may(fact, *value)) {
                let mut more = region.clone();
                let Some(values) = more.get_mut(fact) else { continue };
                *values = only(*size, value);
                let all = self.numbers(&more);
                if all.into_iter().all(|number| self.satisfied.get(number) == Some(&true)) {
                    let found = region.get_mut(fact).and_then(|values| values.get_mut(value));
                    found.into_iter().for_each(|value| *value = true);
                }
            }
        }
        region
    }

    /// The combinations of a region.
    pub(super) fn combinations(&self, region: &Region) -> impl Iterator<Item = Vec<usize>> {
        self.numbers(region).into_iter().map(|number| combination(&self.sizes, number))
    }

    /// In order.
    fn numbers(&self, region: &Region) -> Vec<usize> {
        let (mut all, mut step) = (vec![0_usize], 1_usize);
        for (values, size) in region.iter().zip(&self.sizes) {
            let chosen = values.iter().enumerate().filter(|(_, chosen)| **chosen);
            let chosen = chosen.map(|(value, _)| value.saturating_mul(step));
            all = chosen.flat_map(|more| all.iter().map(move |n| n.saturating_add(more))).collect();
            step = step.saturating_mul(*size);
        }
        all
    }
}

/// Which value of each fact the combination of this number has.
pub(super) fn combination(sizes: &[usize], mut number: usize) -> Vec<usize> {
    let value = |size: &usize| {
        let at = number.checked_rem(*size)?;
        number = number.checked_div(*size)?;
        Some(at)
    };
    sizes.iter().map_while(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(sizes: &[usize], satisfies: impl Fn(&[usize]) -> bool) -> Space {
        let asked = |at: &[usize]| Ok::<_, ()>(satisfies(at));
        Space::of(sizes.to_vec(), asked).unwrap()
    }

    #[test]
    fn alternatives_are_a_region_each_and_a_conjunction_is_one() {
        let either = space(&[2, 3], |at| at[0] == 1 || at[1] < 2).cover();
        assert_eq!(
            either,
            [
                vec![vec![true, true], vec![true, true, false]],
                vec![vec![false, true], vec![true, true, true]]
            ]
        );
        let both = space(&[2, 3], |at| at[0] == 1 && at[1] < 2).cover();
        assert_eq!(both, [vec![vec![false, true], vec![true, true, false]]]);
        assert!(space(&[2, 3], |_| false).cover().is_empty());
        assert_eq!(space(&[], |_| true).cover(), [Vec::<Vec<bool>>::new()]);
    }

    /// Every condition on three facts of 2, 2 and 3 values: 4096 of them.
    #[test]
    fn the_regions_of_any_condition_hold_all_that_satisfies_it_and_nothing_else() {
        let sizes = [2, 2, 3];
        let number = |at: &[usize]| at[0] + 2 * at[1] + 4 * at[2];
        for condition in 0_u32..4096 {
            let space = space(&sizes, |at| condition >> number(at) & 1 == 1);
            let mut covered = 0_u32;
            for region in space.cover() {
                space.combinations(&region).for_each(|at| covered |= 1 << number(&at));
            }
            assert_eq!(covered, condition);
        }
    }
}
