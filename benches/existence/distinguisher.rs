//! Two ways to tell from times whether a record is there: a threshold, which sees a shift, and bins, which
//! see any difference of shape. Both learn from the first half of the calls and are tried on the second.

/// Bins of the second, of equally many calls each.
const BINS: usize = 20;

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) nanos: u64,
    pub(crate) is_there: bool,
}

/// How often the best single threshold is right, from 0 to 1; a coin has a half.
pub(crate) fn by_threshold(samples: &[Sample]) -> f64 {
    let (learn, trial) = samples.split_at(samples.len() / 2);
    let mut sorted = learn.to_vec();
    sorted.sort_unstable_by_key(|sample| sample.nanos);
    // `lead`: records that are there at or below the threshold, less those that are not.
    let (mut lead, mut best) = (0_i64, (0_i64, 0_u64));
    for sample in &sorted {
        lead += if sample.is_there { 1 } else { -1 };
        if lead.abs() > best.0.abs() {
            best = (lead, sample.nanos);
        }
    }
    let (lead, threshold) = best;
    right(trial, |nanos| (nanos <= threshold) == (lead > 0))
}

/// The same for a guess by which kind of call was more often in the same bin.
pub(crate) fn by_bins(samples: &[Sample]) -> f64 {
    let (learn, trial) = samples.split_at(samples.len() / 2);
    let mut sorted = learn.to_vec();
    sorted.sort_unstable_by_key(|sample| sample.nanos);
    let size = sorted.len().div_ceil(BINS).max(1);
    let bins: Vec<(u64, bool)> = sorted
        .chunks(size)
        .map(|bin| {
            let there = bin.iter().filter(|sample| sample.is_there).count();
            (bin.last().map_or(u64::MAX, |sample| sample.nanos), there * 2 > bin.len())
        })
        .collect();
    right(trial, |nanos| {
        let bin = bins.iter().find(|(upper, _)| nanos <= *upper).or(bins.last());
        bin.is_some_and(|(_, there)| *there)
    })
}

fn right(trial: &[Sample], guess: impl Fn(u64) -> bool) -> f64 {
    let hits = trial.iter().filter(|sample| guess(sample.nanos) == sample.is_there).count();
    hits as f64 / trial.len().max(1) as f64
}
