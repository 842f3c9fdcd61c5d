//! Whole erasures: alone, many at one time, and a segment that is compacted.

use std::{sync::Arc, time::Duration};

use oubliette::{ids::RecordId, keyring::SegmentState, vault::Vault};
use tokio::task::JoinSet;

use crate::{
    Outcome, Sizes,
    house::{House, rights_desk},
    measure::{Disk, at, now, timed, written},
};

/// Single erasures alone, then at one time, then what is left moves to another segment.
pub(crate) fn erasures(house: &House, disk: &mut Disk, sizes: &Sizes) -> Outcome<String> {
    let survivors = sizes.together;
    let mut records = house.file(sizes.alone + sizes.together + survivors)?;
    let mut text = String::from(
        "| erase a record | calls | calls/s | p50 ms | p99 ms | generations | bytes written a \
         generation | p50 / fdatasync p50 |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (what, count) in [("alone", sizes.alone), ("at one time", sizes.together)] {
        let erased = records.split_off(records.len() - count);
        let (generation, bytes) = (house.keyring().generation(), written());
        let mut syncs = disk.turn()?;
        let (taken, time) = if what == "alone" {
            timed(|| one_by_one(house, &erased))
        } else {
            timed(|| house.runtime.block_on(together(&house.vault, &erased)))
        };
        let taken = taken?;
        syncs.extend(disk.turn()?);
        let written = (written() - bytes).saturating_sub(probe(&syncs));
        let generations = house.keyring().generation() - generation;
        let (p50, sync) = (at(&taken, 50), at(&syncs, 50));
        text += &format!(
            "| {what} | {count} | {:.0} | {p50:.2} | {:.2} | {generations} | {} | {:.1} |\n",
            per_second(taken.len(), time),
            at(&taken, 99),
            written / generations.max(1),
            p50 / sync,
        );
    }
    text += &compaction(house, records.len())?;
    Ok(text)
}

/// Bytes that the disk's own syncs wrote.
fn probe(syncs: &[Duration]) -> u64 {
    u64::try_from(syncs.len()).unwrap_or_default() * 4_096
}

fn one_by_one(house: &House, records: &[RecordId]) -> Outcome<Vec<Duration>> {
    let mut taken = Vec::with_capacity(records.len());
    for record in records {
        taken.push(house.runtime.block_on(erase(Arc::clone(&house.vault), *record))?);
    }
    Ok(taken)
}

async fn together(vault: &Arc<Vault>, records: &[RecordId]) -> Outcome<Vec<Duration>> {
    let mut calls = JoinSet::new();
    for record in records {
        calls.spawn(erase(Arc::clone(vault), *record));
    }
    calls.join_all().await.into_iter().collect()
}

/// How long one erasure took. One that did not take place is an error.
async fn erase(vault: Arc<Vault>, record: RecordId) -> Outcome<Duration> {
    let (who, why) = rights_desk()?;
    let begin = now();
    let answer = vault.erase(&who, &why, vec![record]).await?;
    let taken = begin.elapsed();
    for (_, item) in answer.items {
        item?;
    }
    Ok(taken)
}

/// The survivors move out of their segment, which is dropped.
fn compaction(house: &House, survivors: usize) -> Outcome<String> {
    let keyring = house.keyring();
    let heaviest = keyring.cover_weights().into_iter().next().ok_or("a segment")?;
    let (bytes, nodes) = (keyring.file_bytes(), heaviest.nodes);
    if !house.vault.compact(&heaviest.segment)? {
        return Err("the segment of the survivors is compacted".into());
    }
    let (done, time) = timed(|| -> Outcome<()> {
        while house.vault.compaction()?.0.is_some() {
            house.vault.tick()?;
        }
        Ok(())
    });
    done?;
    if !matches!(keyring.segment(&heaviest.segment), SegmentState::Tombstoned { .. }) {
        return Err("the segment is dropped".into());
    }
    Ok(format!(
        "\na segment of {nodes} nodes compacted: {survivors} records moved in {:.0} ms ({:.0} records/s), \
         keyring from {bytes} to {} bytes\n\n",
        time.as_secs_f64() * 1000.0,
        per_second(survivors, time),
        keyring.file_bytes(),
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a rate is printed without decimals")]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::EPSILON)
}
