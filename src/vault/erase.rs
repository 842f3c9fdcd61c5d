//! Erase: records before their date. Decides record by record; the order itself is `retention::erase`'s.
//!
//! What a hold keeps is told apart from what is absent, to a caller who may erase it. Invariant: an
//! erased record is answered for only after its final event and the certificate are durable; what was
//! refused is logged too, before the answer.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    identity::Caller,
    ids::{CertificateId, CollectionName, RecordId, SubjectId},
    limits,
    policy::{Pack, Verb},
    retention::{Doomed, EraseRequest, Erased, Fate, Retention},
};

use super::{
    EraseAnswer, Intent, VaultError,
    candidates::{Candidate, Candidates, Wanted},
    head::{self, Loaded},
    links,
    once::{Once, SeenErasure},
    request::{self, OK, Tally},
    tokens,
};

/// What an erasure touches: the log, and retention, which writes the generation.
#[derive(Clone)]
pub(crate) struct Erase {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) retention: Arc<Retention>,
}

/// One record of the request, and what became of it.
type Item = (RecordId, Result<(), VaultError>);

impl Erase {
    /// Erases up to `limits::RECORDS_PER_ERASE_MAX` records, each answered by itself.
    pub(crate) async fn call(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        records: Vec<RecordId>,
    ) -> Result<EraseAnswer, VaultError> {
        let mut event = request::draft_for("erase", who, why, pack);
        match self.run(pack, who, why, records, &mut event).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    /// Erases every record of a subject that the caller may erase. One that he may not know of is left
    /// out; without any other the subject is as unknown to him as one that does not exist.
    pub(crate) async fn subject(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        subject: SubjectId,
    ) -> Result<EraseAnswer, VaultError> {
        let mut event = request::draft_for("erase", who, why, pack);
        event.subject = Some(subject);
        match self.run_subject(pack, who, why, subject, &mut event).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run_subject(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        subject: SubjectId,
        event: &mut EventDraft,
    ) -> Result<EraseAnswer, VaultError> {
        request::check_intent(pack, why)?;
        let once = Once::of(who, why.request.as_ref());
        if let SeenErasure::Done { certificate, erased } = once.look_erasure(&self.log)? {
            return self.repeated(erased.clone(), certificate, &erased, event).await;
        }
        let (records, more) = self.records_of(pack, who, why, subject).await?;
        if records.is_empty() {
            return Err(VaultError::NotAvailable);
        }
        let answer = self.run(pack, who, why, records, event).await?;
        Ok(EraseAnswer { more, ..answer })
    }

    /// Records of a subject that the caller may know of, and whether there are more than one call erases.
    async fn records_of(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        subject: SubjectId,
    ) -> Result<(Vec<RecordId>, bool), VaultError> {
        let (store, now) = (self.log.store().as_ref(), self.log.civil_now());
        let context = request::context(why, now);
        let (field, value) = tokens::subject(&subject);
        let mut found = Vec::new();
        for spec in pack.collections() {
            let wanted = vec![Wanted { field, value }];
            let keyring = self.log.keyring();
            let mut candidates = Candidates::of(store, keyring, &spec.name, wanted, (now, None));
            while let Some(Candidate { record, .. }) = candidates.next()? {
                request::take_turns(found.len()).await;
                let read = head::read_listed(&self.log, record)?;
                let own = |record: &Loaded| record.head.subject == subject && !record.expired(now);
                let Some(record) = read.filter(own) else { continue };
                let standing = record.standing(now);
                let resource = record.resource(&standing);
                let decision = pack.decide(who, Verb::Erase, &resource, &[], &context);
                if !decision.all_allowed() && !decision.may_know {
                    continue;
                }
                if found.len() == limits::RECORDS_PER_ERASE_MAX {
                    return Ok((found, true));
                }
                found.push(record.id);
            }
        }
        if found.is_empty() {
            let _nothing = pack.decide_decoy(who, Verb::Erase, &[], &context);
        }
        Ok((found, false))
    }

    async fn run(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        records: Vec<RecordId>,
        event: &mut EventDraft,
    ) -> Result<EraseAnswer, VaultError> {
        request::check_intent(pack, why)?;
        let limit = limits::RECORDS_PER_ERASE_MAX;
        if records.is_empty() || records.len() > limit {
            return Err(VaultError::TooMany { what: "records, and at least one", limit });
        }
        event.records.clone_from(&records);
        let once = Once::of(who, why.request.as_ref());
        if let SeenErasure::Done { certificate, erased } = once.look_erasure(&self.log)? {
            return self.repeated(records, certificate, &erased, event).await;
        }
        let mut answer = EraseAnswer::default();
        let mut items: Vec<Item> = Vec::with_capacity(records.len());
        let mut left = records;
        let (mut races, mut ended) = (0, Vec::new());
        while races < limits::REQUEST_RACES_MAX && !left.is_empty() {
            let mut tally = Tally::default();
            let round = self.decide(pack, who, why, &left, (&mut tally, event)).await?;
            items.extend(round.refused);
            if round.doomed.is_empty() && round.links.is_empty() {
                left.clear();
                break;
            }
            event.decision = tally.word();
            let ids: Vec<RecordId> = round.doomed.iter().map(|(one, _)| one.record).collect();
            ended.extend(round.doomed.iter().map(|(one, of)| (one.record, of.clone())));
            let doomed = round.doomed.into_iter().map(|(one, _)| one);
            let together = doomed.chain(round.links).collect();
            let erased = self.erase(pack, event.clone(), (together, &ids), &once).await?;
            // A record that somebody changed meanwhile is looked at again.
            let again = changed(&ids, &erased);
            races += usize::from(round.later.is_empty() || again.len() == ids.len());
            left = [again, round.later].concat();
            items.extend(ids.into_iter().zip(&erased.fates).filter_map(item));
            if erased.certificate.is_some() {
                (answer.generation, answer.certificate) = (erased.generation, erased.certificate);
            }
        }
        ended.retain(|(id, _)| items.iter().any(|(done, fate)| done == id && fate.is_ok()));
        self.left_links(pack, event, &ended, &once).await?;
        items.extend(left.into_iter().map(|id| (id, Err(VaultError::VersionMismatch))));
        // The very same request, sent twice at the same time: the other one's answer is this one's too.
        let gone = items.iter().any(|(_, item)| matches!(item, Err(VaultError::NotAvailable)));
        if gone
            && let SeenErasure::Done { certificate, erased } = once.look_erasure(&self.log)?
            && Some(certificate) != answer.certificate
        {
            let records = items.into_iter().map(|(id, _)| id).collect();
            return self.repeated(records, certificate, &erased, event).await;
        }
        self.log_refused(&items, event).await?;
        answer.items = items;
        Ok(answer)
    }

    /// Opens each head and decides; a record that is absent costs the same work.
    async fn decide(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        records: &[RecordId],
        (tally, event): (&mut Tally, &mut EventDraft),
    ) -> Result<Round, VaultError> {
        let (log, now) = (&self.log, self.log.civil_now());
        let context = request::context(why, now);
        let mut round = Round::default();
        for (position, id) in records.iter().enumerate() {
            request::take_turns(position).await;
            let read = Loaded::read(log.store().as_ref(), log.keyring(), *id, &[]);
            let found = match read {
                // One record that was changed on disk keeps nobody from the others.
                Err(VaultError::Corrupt(what)) => {
                    round.refused.push((*id, Err(VaultError::Corrupt(what))));
                    continue;
                }
                read => read?.filter(|record| !record.expired(now)),
            };
            let Some(record) = found else {
                let _nothing = pack.decide_decoy(who, Verb::Erase, &[], &context);
                round.refused.push((*id, Err(VaultError::NotAvailable)));
                continue;
            };
            let standing = record.standing(now);
            let resource = record.resource(&standing);
            let decision = pack.decide(who, Verb::Erase, &resource, &[], &context);
            tally.note(event, &decision);
            if decision.all_allowed() {
                event.collection = Some(record.head.collection.clone());
                let links = match record.held(now) {
                    // It stays, and so do they.
                    true => Vec::new(),
                    false => links::of(log, pack, (*id, &record.head.collection))?,
                };
                round.add(&record, &links);
            } else if decision.may_know {
                round.refused.push((*id, Err(VaultError::denied(&decision))));
            } else {
                round.refused.push((*id, Err(VaultError::NotAvailable)));
            }
        }
        Ok(round)
    }

    /// Erases links of what was erased that came, or were changed, while it was: none outlives the answer,
    /// unless a hold keeps it; and none of those is readable through its end any more.
    async fn left_links(
        &self,
        pack: &Arc<Pack>,
        event: &EventDraft,
        ended: &[(RecordId, CollectionName)],
        once: &Once,
    ) -> Result<(), VaultError> {
        for _ in 0..limits::REQUEST_RACES_MAX {
            let (mut round, now) = (Round::default(), self.log.civil_now());
            for (id, collection) in ended {
                let links = links::of(&self.log, pack, (*id, collection))?;
                let free: Vec<_> = links.into_iter().filter(|link| !link.held(now)).collect();
                round.add_links(&free);
            }
            if round.links.is_empty() {
                return Ok(());
            }
            self.erase(pack, event.clone(), (round.links, &[]), once).await?;
        }
        Ok(())
    }

    /// Hands the records over and waits. The work runs to its end whether or not the caller stays.
    async fn erase(
        &self,
        pack: &Arc<Pack>,
        mut event: EventDraft,
        (doomed, asked): (Vec<Doomed>, &[RecordId]),
        once: &Once,
    ) -> Result<Erased, VaultError> {
        event.records = doomed.iter().map(|one| one.record).collect();
        event.outcome = OK.to_owned();
        let (retention, pack) = (Arc::clone(&self.retention), Arc::clone(pack));
        let (log, once) = (Arc::clone(&self.log), once.clone());
        let asked = asked.to_vec();
        // Links that went along were not asked for, and the caller may not know of them.
        let remember = move |certificate: &CertificateId, erased: &[RecordId]| {
            let own: Vec<RecordId> =
                erased.iter().filter(|id| asked.contains(id)).copied().collect();
            if asked.is_empty() {
                return Some(Vec::new());
            }
            once.erasure_rows(&log, certificate, &own).ok()
        };
        let request = EraseRequest { event, doomed, remember: Box::new(remember) };
        let task = tokio::task::spawn_blocking(move || retention.erase(&pack, request));
        Ok(task.await.map_err(|_| VaultError::Interrupted)??)
    }

    /// The same request again: what it erased is told again, and logged again.
    async fn repeated(
        &self,
        records: Vec<RecordId>,
        certificate: CertificateId,
        erased: &[RecordId],
        event: &mut EventDraft,
    ) -> Result<EraseAnswer, VaultError> {
        let generation = self.retention.certified_generation(certificate)?;
        let item = |id: RecordId| {
            let gone = erased.contains(&id);
            (id, if gone { Ok(()) } else { Err(VaultError::NotAvailable) })
        };
        let items: Vec<Item> = records.into_iter().map(item).collect();
        event.records = erased.to_vec();
        event.notes = vec!["repeated=1".to_owned(), format!("certificate={certificate}")];
        event.outcome = OK.to_owned();
        let _receipt = request::record(&self.log, event).await?;
        let certificate = Some(certificate);
        Ok(EraseAnswer { generation, certificate, items, repeated: true, more: false })
    }

    /// One event for what was refused, if anything was. Records erased have their own.
    async fn log_refused(&self, items: &[Item], event: &mut EventDraft) -> Result<(), VaultError> {
        let refused = || items.iter().filter_map(|(id, item)| Some((*id, item.as_ref().err()?)));
        let Some((_, first)) = refused().next() else { return Ok(()) };
        let outcome = request::outcome(first);
        event.records = refused().map(|(id, _)| id).collect();
        event.decision = request::DENY;
        event.outcome = outcome.to_owned();
        if refused().any(|(_, error)| request::outcome(error) != outcome) {
            event.outcome = "NOT_ERASED".to_owned();
        }
        let _receipt = request::record(&self.log, event).await?;
        Ok(())
    }
}

/// What one generation is to erase, and what it is not.
#[derive(Default)]
struct Round {
    /// What was asked for and allowed, each with its collection.
    doomed: Vec<(Doomed, CollectionName)>,
    /// Links of these, which go with them.
    links: Vec<Doomed>,
    refused: Vec<Item>,
    /// What has no room beside the others: the next round's.
    later: Vec<RecordId>,
}

impl Round {
    /// Takes a record with all its links, or leaves it for later where they have no room: a link goes with
    /// its end, or before it.
    fn add(&mut self, record: &Loaded, links: &[Loaded]) {
        let room = limits::EVENT_RECORDS_MAX
            .saturating_sub(self.doomed.len())
            .saturating_sub(self.links.len());
        if links.len() < room {
            self.add_links(links);
            // A link that was asked for itself, beside its end.
            self.links.retain(|link| link.record != record.id);
            self.doomed.push((doom(record), record.head.collection.clone()));
            return;
        }
        if room == limits::EVENT_RECORDS_MAX {
            self.add_links(links);
        }
        self.later.push(record.id);
    }

    /// Takes links that it has not yet, as many as one event names.
    fn add_links(&mut self, links: &[Loaded]) {
        for link in links {
            let room = self.doomed.len() + self.links.len() < limits::EVENT_RECORDS_MAX;
            let mut taken = self.links.iter().chain(self.doomed.iter().map(|(one, _)| one));
            if room && taken.all(|one| one.record != link.id) {
                self.links.push(doom(link));
            }
        }
    }
}

/// Everything of a record that shall go, as its verified head lists it.
pub(super) fn doom(record: &Loaded) -> Doomed {
    let (mut cohorts, mut slots) = (vec![record.cohort.id], vec![record.slot]);
    for section in &record.head.sections {
        if !cohorts.contains(&section.cohort) {
            cohorts.push(section.cohort);
        }
        if !slots.contains(&section.slot) {
            slots.push(section.slot);
        }
    }
    let (row, former) = (record.row.clone(), record.head.former.clone());
    Doomed { record: record.id, cohorts, slots, former, row }
}

fn changed(ids: &[RecordId], erased: &Erased) -> Vec<RecordId> {
    let fates = ids.iter().zip(&erased.fates);
    fates.filter(|(_, fate)| **fate == Fate::Changed).map(|(id, _)| *id).collect()
}

fn item((id, fate): (RecordId, &Fate)) -> Option<Item> {
    match fate {
        Fate::Erased => Some((id, Ok(()))),
        Fate::Held => Some((id, Err(VaultError::Held))),
        Fate::Gone => Some((id, Err(VaultError::NotAvailable))),
        Fate::Changed => None,
    }
}
