//! The numbers as a table for people and as JSON for programs.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    load::{CLASSES, Call, Taken},
    sync::Disk,
};

/// One call at one number of callers, over all its slices.
pub(crate) struct Cell {
    pub(crate) call: Call,
    pub(crate) callers: usize,
    elapsed: Duration,
    latencies: Vec<Duration>,
    leaves: u64,
}

/// Everything one run measured.
pub(crate) struct Report {
    pub(crate) cells: Vec<Cell>,
    pub(crate) disk: Disk,
    pub(crate) records: usize,
}

impl Cell {
    pub(crate) fn new(call: Call, callers: usize) -> Self {
        Self { call, callers, elapsed: Duration::ZERO, latencies: Vec::new(), leaves: 0 }
    }

    /// Adds a slice, after which the log was so many leaves longer.
    pub(crate) fn add(&mut self, taken: Taken, leaves: u64) {
        self.elapsed = self.elapsed.saturating_add(taken.elapsed);
        self.latencies.extend(taken.latencies);
        self.leaves = self.leaves.saturating_add(leaves);
    }

    /// Drops what a warm-up added.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.call, self.callers);
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is printed with four digits")]
    fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

impl Report {
    /// Calls per second relative to the echo with as many callers.
    fn to_echo(&self, cell: &Cell) -> Option<f64> {
        let like = |c: &&Cell| c.call == Call::Echo && c.callers == cell.callers;
        let echo = self.cells.iter().find(like)?;
        Some(cell.per_second() / echo.per_second().max(f64::EPSILON))
    }

    /// A table, and the disk's own figures below it.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, text: &mut String) -> fmt::Result {
        writeln!(
            text,
            "| call | callers | calls/s | p50 ms | p99 ms | calls | leaves | to echo |"
        )?;
        writeln!(text, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
        for cell in &self.cells {
            let (p50, p99) = (at(&cell.latencies, 50), at(&cell.latencies, 99));
            let ratio = self.to_echo(cell).map_or_else(|| "-".to_owned(), |r| format!("{r:.3}"));
            writeln!(
                text,
                "| {} | {} | {:.0} | {p50:.2} | {p99:.2} | {} | {} | {ratio} |",
                cell.call.name(),
                cell.callers,
                cell.per_second(),
                cell.latencies.len(),
                cell.leaves,
            )?;
        }
        let (in_place, appended) = (&self.disk.in_place, &self.disk.appended);
        writeln!(text)?;
        writeln!(
            text,
            "fdatasync after 4 KiB: in place p50 {:.2} ms, p99 {:.2} ms; growing file p50 {:.2} ms, \
             p99 {:.2} ms",
            at(in_place, 50),
            at(in_place, 99),
            at(appended, 50),
            at(appended, 99),
        )?;
        writeln!(text, "reveals of {} over {} records", CLASSES.join(", "), self.records)?;
        writeln!(text, "load average of the machine at the end: {}", load_average())
    }

    /// The same as JSON; latencies in milliseconds.
    pub(crate) fn json(&self) -> Outcome<String> {
        let cells: Vec<Value> = self.cells.iter().map(|cell| self.cell_json(cell)).collect();
        let probe = |of: &[Duration]| json!({ "p50_ms": at(of, 50), "p99_ms": at(of, 99) });
        let report = json!({
            "cells": cells,
            "fdatasync_in_place": probe(&self.disk.in_place),
            "fdatasync_growing": probe(&self.disk.appended),
            "records": self.records,
            "reveal_classes": CLASSES,
            "load_average": load_average(),
        });
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }

    fn cell_json(&self, cell: &Cell) -> Value {
        json!({
            "call": cell.call.name(),
            "callers": cell.callers,
            "calls": cell.latencies.len(),
            "leaves": cell.leaves,
            "calls_per_second": cell.per_second(),
            "p50_ms": at(&cell.latencies, 50),
            "p99_ms": at(&cell.latencies, 99),
            "to_echo": self.to_echo(cell),
        })
    }
}

/// Of the last minute, this bench included; a number taken on a busy machine should say so.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// The latency below which so many of a hundred stay, in milliseconds; 0 when there is none.
fn at(latencies: &[Duration], percent: usize) -> f64 {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let position = sorted.len().saturating_sub(1).saturating_mul(percent) / 100;
    sorted.get(position).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
}
