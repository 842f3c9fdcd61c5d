//! Whether an exported log bears a certificate out: its checkpoint, its intent, and the chain of keyring
//! generations from the one before to the one that erased.
//!
//! The folder is verified whole in the same pass; if it does not verify, nothing that was seen in it counts.

use std::collections::BTreeMap;

use super::{CHECKPOINT, Finding, GENERATIONS, INTENT, LOG, LogCopy, T2};
use crate::{
    audit::{
        clear::GenerationDetail,
        leaf::KIND_GENERATION,
        note::Checkpoint,
        verify::{Seen, Verified, signed_checkpoint, verify_folder_seeing},
    },
    retention::certificate::{Certificate, ERASURE, LeafIndex, RESEAL},
};

/// Origin number and leaf number: in the order in which leaves were written.
type At = (u32, u64);

pub(super) fn check(certificate: &Certificate, copy: LogCopy<'_>) -> Vec<Finding> {
    let (checkpoint, end) = checkpoint(certificate, copy.key);
    // Only a checkpoint that holds can be required of the log.
    let older = end.as_ref().map(|_| certificate.audit.checkpoint.as_str());
    let mut sought = Sought::of(certificate);
    let verified =
        verify_folder_seeing(copy.folder, copy.key, older, &mut |seen| sought.look(&seen));
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            let skipped = |check| Finding::not_checked(check, "the exported log does not hold");
            let log = Finding::failed(LOG, error.to_string());
            return vec![checkpoint, log, skipped(INTENT), skipped(GENERATIONS), skipped(T2)];
        }
    };
    let log = Finding::ok(LOG, sentence(&verified, end.is_some()));
    let Some((k, end)) = end else {
        // Whatever this log says, the certificate is not tied to it.
        let skipped =
            |check| Finding::not_checked(check, "the certificate's checkpoint does not hold");
        return vec![checkpoint, log, skipped(INTENT), skipped(GENERATIONS), skipped(T2)];
    };
    let look = Look { certificate, verified: &verified, found: &sought, end: (k, end.size) };
    vec![checkpoint, log, look.intent(), look.generations(), look.t2()]
}

fn sentence(verified: &Verified, continues: bool) -> String {
    let Checkpoint { origin, size, .. } = &verified.checkpoint;
    let continues = if continues { ", and it continues the certificate's checkpoint" } else { "" };
    format!("the log of {origin} holds with {size} leaves{continues}")
}

/// The checkpoint in the certificate: signed by the log's key, of this vault and node.
fn checkpoint(c: &Certificate, key: &str) -> (Finding, Option<(u32, Checkpoint)>) {
    let (base, k, checkpoint) = match signed_checkpoint(&c.audit.checkpoint, key) {
        Ok(signed) => signed,
        Err(error) => return (Finding::failed(CHECKPOINT, error.to_string()), None),
    };
    if base != format!("{}/{}", c.vault, c.node) {
        let why = format!("it is of the log {base}, the certificate of {}/{}", c.vault, c.node);
        return (Finding::failed(CHECKPOINT, why), None);
    }
    let size = checkpoint.size;
    let text = format!("signed by the log's key over {size} leaves of {}", checkpoint.origin);
    (Finding::ok(CHECKPOINT, text), Some((k, checkpoint)))
}

/// What is looked for while the log is read.
struct Sought {
    intent: Option<At>,
    range: (u64, u64),
    t2: Option<u64>,
    /// Kind of the leaf at the intent's position.
    kind: Option<String>,
    /// Generations in the range, as many as it is wide at most.
    chain: Vec<(At, GenerationDetail)>,
    t2_leaf: Option<(At, GenerationDetail)>,
    /// Leaves of generations without their detail.
    untold: u64,
    /// Leaves of each origin.
    sizes: BTreeMap<u32, u64>,
}

impl Sought {
    fn of(c: &Certificate) -> Self {
        Self {
            intent: c.audit.intent.map(|LeafIndex { k, n }| (k, n)),
            range: (c.generation_before, c.generation_after),
            t2: c.t2_generation.as_ref().map(|t2| t2.generation),
            kind: None,
            chain: Vec::new(),
            t2_leaf: None,
            untold: 0,
            sizes: BTreeMap::new(),
        }
    }

    fn look(&mut self, seen: &Seen<'_>) {
        let at = (seen.k, seen.leaf.number);
        self.sizes.insert(seen.k, seen.leaf.number.saturating_add(1));
        if self.intent == Some(at) {
            self.kind = Some(seen.leaf.kind.clone());
        }
        let Some(detail) = seen.generation else {
            let untold = seen.leaf.kind == KIND_GENERATION;
            self.untold = self.untold.saturating_add(u64::from(untold));
            return;
        };
        if self.t2 == Some(detail.generation) {
            self.t2_leaf = Some((at, detail));
        }
        let (before, after) = self.range;
        if (before..=after).contains(&detail.generation) {
            self.chain.push((at, detail));
        }
    }
}

/// The certificate next to what was found.
struct Look<'a> {
    certificate: &'a Certificate,
    verified: &'a Verified,
    found: &'a Sought,
    /// Where the certificate's checkpoint ends.
    end: At,
}

impl Look<'_> {
    fn intent(&self) -> Finding {
        match self.intended() {
            Ok(Some(text)) => Finding::ok(INTENT, text),
            Ok(None) if self.certificate.what == RESEAL => Finding::not_checked(
                INTENT,
                "what records left by moving is erased on the word of the event that moved them",
            ),
            Ok(None) => Finding::not_checked(INTENT, "the certificate names no intent"),
            Err(why) => Finding::failed(INTENT, why),
        }
    }

    fn intended(&self) -> Result<Option<String>, String> {
        let Some((k, n)) = self.found.intent else { return Ok(None) };
        let wanted = if self.certificate.what == ERASURE { "erase-intent" } else { "purge-intent" };
        let Some(kind) = &self.found.kind else {
            let size = self.found.sizes.get(&k).copied().unwrap_or(0);
            return Err(format!("there is no leaf {n} of origin {k}, which has {size} leaves"));
        };
        if kind != wanted {
            return Err(format!("leaf {n} of origin {k} is of kind {kind}, not {wanted}"));
        }
        self.covered((k, n), "the intent")?;
        let after = self.certificate.generation_after;
        let erased = self.found.chain.iter().find(|(_, detail)| detail.generation == after);
        match erased {
            Some((at, _)) if *at < (k, n) => Err(format!(
                "leaf {n} of origin {k} comes after the leaf of generation {after}: it announced nothing"
            )),
            Some(_) => Ok(Some(format!(
                "leaf {n} of origin {k} is the {wanted}, before the leaf of generation {after}"
            ))),
            None => Ok(Some(format!("leaf {n} of origin {k} is the {wanted}"))),
        }
    }

    fn generations(&self) -> Finding {
        self.chained().map_or_else(
            |why| Finding::failed(GENERATIONS, why),
            |text| Finding::ok(GENERATIONS, text),
        )
    }

    fn chained(&self) -> Result<String, String> {
        let (before, after) = self.found.range;
        let mut chain: Vec<&(At, GenerationDetail)> = self.found.chain.iter().collect();
        chain.sort_unstable_by_key(|(at, _)| *at);
        let mut last: Option<&GenerationDetail> = None;
        let mut links = chain.into_iter();
        for generation in before..=after {
            let Some((at, detail)) = links.next() else { return Err(self.missing(generation)) };
            if detail.generation > generation {
                return Err(self.missing(generation));
            }
            if detail.generation < generation {
                return Err(format!("generation {} is not where it belongs", detail.generation));
            }
            if last.is_some_and(|last| last.keyring_hash != detail.previous_hash) {
                return Err(format!("generation {generation} names another keyring before it"));
            }
            if generation == after {
                self.covered(*at, "the leaf of the erasing generation")?;
            }
            last = Some(detail);
        }
        let hash = last.map(|last| hex::encode(last.keyring_hash)).unwrap_or_default();
        if hash != self.certificate.keyring_hash {
            let own = &self.certificate.keyring_hash;
            return Err(format!(
                "the log has keyring {hash} for generation {after}, the certificate {own}"
            ));
        }
        Ok(format!(
            "the log has every generation from {before} to {after}, each naming the one before"
        ))
    }

    /// Why a generation's leaf may not be found.
    fn missing(&self, generation: u64) -> String {
        if self.found.untold > 0 {
            return format!(
                "the details of {} generation leaves are not in the folder: export the log again with this version",
                self.found.untold
            );
        }
        let mut why = format!("the log has no leaf of generation {generation}");
        for lost in &self.verified.closed {
            let (closed, kept, to) = (lost.closed, lost.kept, lost.lost_to);
            why.push_str(&format!("; origin {closed} lost its leaves from {kept} to {to}"));
        }
        why
    }

    fn t2(&self) -> Finding {
        let Some(t2) = &self.certificate.t2_generation else {
            let why = match (&self.certificate.t2, self.certificate.revision) {
                (None, _) => "t2 is still to come",
                (Some(_), 1) => "t2 is t1: the same generation",
                (Some(_), _) => "the certificate names no generation of t2",
            };
            return Finding::not_checked(T2, why);
        };
        let generation = t2.generation;
        let Some((at, detail)) = &self.found.t2_leaf else {
            return Finding::failed(T2, self.missing(generation));
        };
        if hex::encode(detail.keyring_hash) != t2.keyring_hash {
            let why = format!("the log has another keyring for generation {generation}");
            return Finding::failed(T2, why);
        }
        match self.covered(*at, "the leaf of the generation of t2") {
            Ok(()) => Finding::ok(T2, format!("the log has generation {generation}")),
            Err(why) => Finding::failed(T2, why),
        }
    }

    /// Whether the certificate's checkpoint covers this leaf.
    fn covered(&self, (k, n): At, what: &str) -> Result<(), String> {
        if (k, n) < self.end {
            return Ok(());
        }
        Err(format!("{what} (leaf {n} of origin {k}) is not under the certificate's checkpoint"))
    }
}
