//! Changes of the directory: appoint the first two, create, revoke, change a secret.
//!
//! Order, for each: row and event in one durable commit → memory and sessions → keyring generation
//! with the least revision that counts (DESIGN section 4) → its leaf durable → answer. The generation
//! is written by one function, [`Identity::settle`], for every row that waits for one; opening the
//! vault after a crash calls the same. The orders block (places and disks are synced): they run on
//! threads that may, and on to the end whether or not the caller still waits.

use super::{
    Identity, IdentityError, NewAgent, OneTimeSecret,
    directory::{Directory, Entry, Standing},
    login::Said,
    row::Agent,
    secret_hash::{self, Normalised},
    session::Session,
};
use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    clock::Timestamp,
    ids::AgentId,
    limits,
    random::Random,
    secret::SecretBytes,
    storage::{Group, Op, Precondition, keys},
};

/// Appoints the first two agents of a new vault in one commit with their event, and returns their
/// one-time secrets in the same order. Blocks. Errors: `SamePerson` if both are one agent, `Exists`
/// if the vault has any agent, `Invalid`, `Unavailable`.
pub fn appoint_first(
    log: &AuditLog,
    first: [NewAgent; 2],
    pack_hash: [u8; 32],
) -> Result<[OneTimeSecret; 2], IdentityError> {
    let [key_admin, dpo] = &first;
    if key_admin.agent == dpo.agent {
        return Err(IdentityError::SamePerson);
    }
    if Directory::load(log.store().as_ref(), log.keyring().as_ref())?.len() > 0 {
        return Err(IdentityError::Exists);
    }
    let (now, random) = (log.clock().now(), log.random().as_ref());
    let mut group = Group::default();
    let mut appoint = |new: &NewAgent| {
        let (secret, phc) = make_one_time(random)?;
        let entry = Entry::of(new_row(new, phc, 1, None, now)?, log.keyring().as_ref());
        add_row(&mut group, None, &entry);
        Ok::<_, IdentityError>(secret)
    };
    let secrets = [appoint(key_admin)?, appoint(dpo)?];
    // 1. Rows and event, durable. A crash after it leaves a vault whose first secrets nobody saw:
    //    `init` says so and starts again in an empty folder.
    let mut event = EventDraft::new("appoint-first");
    event.decision = "allow";
    event.outcome = "OK".into();
    event.pack_hash = pack_hash;
    write(log, group, &event).map_err(|error| match error {
        AuditError::Rejected => IdentityError::Exists,
        _ => IdentityError::Unavailable,
    })?;
    Ok(secrets)
}

impl Identity {
    /// The steps of creating an agent. Where the database lost a row that the keyring still knows
    /// (a restored copy), the new row continues above the least revision that counts.
    pub(super) fn create_blocking(
        &self,
        new: &NewAgent,
        created_by: Option<AgentId>,
        phc: String,
        event: &EventDraft,
    ) -> Result<(), IdentityError> {
        let _changes = self.0.changes.lock();
        let known = self.entry(&new.agent);
        if known.as_ref().is_some_and(|e| e.standing != Standing::Stale || e.is_revoked()) {
            return Err(IdentityError::Exists);
        }
        let floor = self.0.log.keyring().revocation(&new.agent);
        if floor.is_some_and(|f| f.revoked) {
            return Err(IdentityError::Exists);
        }
        if known.is_none() && self.0.directory.read().len() >= limits::AGENTS_MAX {
            return Err(IdentityError::Full);
        }
        let used = known.as_ref().map(|e| e.agent.revision).max(floor.map(|f| f.min_revision));
        let revision = used.unwrap_or(0).saturating_add(1);
        let row = new_row(new, phc, revision, created_by, self.now())?;
        self.change(known.as_ref(), row, event)
    }

    /// The steps of a revocation. For an agent revoked already, the event and whatever is missing.
    pub(super) fn revoke_blocking(
        &self,
        agent: &AgentId,
        event: &EventDraft,
    ) -> Result<(), IdentityError> {
        let _changes = self.0.changes.lock();
        let known = self.entry(agent).ok_or(IdentityError::Unknown)?;
        if known.is_revoked() {
            write(&self.0.log, Group::default(), event).map_err(|_| IdentityError::Unavailable)?;
            return self.settle();
        }
        let mut row = Agent::clone(&known.agent);
        row.revoked = true;
        row.revision = above(&known, self.0.log.keyring().revocation(agent));
        self.change(Some(&known), row, event)
    }

    /// The steps of a changed secret, once the old one was shown and the new one hashed.
    pub(super) fn replace_secret_blocking(
        &self,
        session: &Session,
        phc: String,
        event: &EventDraft,
    ) -> Result<(), IdentityError> {
        let _changes = self.0.changes.lock();
        let known = self.entry(&session.agent).ok_or(IdentityError::NoSession)?;
        if known.agent.revision != session.revision || !known.is_usable() {
            return Err(IdentityError::NoSession);
        }
        let mut row = Agent::clone(&known.agent);
        row.secret_phc = phc;
        row.one_time = false;
        row.revision = row.revision.saturating_add(1);
        self.change(Some(&known), row, event)
    }

    /// Shows the old secret, hashes the new one, and replaces it. Every session of the agent ends.
    pub(super) async fn swap_secret(
        self,
        token: SecretBytes,
        old: SecretBytes,
        new: SecretBytes,
        pack_hash: [u8; 32],
    ) -> Result<(), IdentityError> {
        // EXPOSE: looked up by its hash.
        let (session, entry, caller) = self.session(token.expose())?;
        let shown = Normalised::of(&old).ok_or(IdentityError::BadCredentials)?;
        let chosen = Normalised::of(&new).filter(Normalised::is_strong);
        let chosen = chosen.filter(|c| !c.same_as(&shown)).ok_or(IdentityError::WeakSecret)?;
        // 1. Throttle: a stolen session must not guess the secret any faster than a login.
        let attempt = self
            .0
            .throttle
            .begin(&session.agent, None, self.now())
            .map_err(|retry_ms| IdentityError::Throttled { retry_ms })?;
        // 2. Hash both, in one turn.
        let (phc, random) = (entry.agent.secret_phc.clone(), self.0.log.random().clone());
        let work = move || {
            let right = secret_hash::verify(Some(&shown), Some(&phc));
            right.then(|| secret_hash::hash(&chosen, random.as_ref()))
        };
        let hashed = match self.0.gate.run(work).await {
            Ok(hashed) => hashed,
            Err(error) => {
                self.0.throttle.untried(attempt);
                return Err(error);
            }
        };
        let said = |outcome| {
            let said = Said { action: "change-secret", outcome, pack_hash };
            said.draft(Some(&entry.agent), Some(&caller))
        };
        let Some(hashed) = hashed else {
            self.record(&said("BAD_CREDENTIALS")).await?;
            return Err(IdentityError::BadCredentials);
        };
        self.0.throttle.succeeded(attempt);
        let phc = hashed.ok_or(IdentityError::Unavailable)?;
        // 3. to 6. as every change of the directory.
        let event = said("OK");
        blocking(move || self.replace_secret_blocking(&session, phc, &event)).await
    }

    /// The steps every change shares. Called under the lock of changes.
    fn change(
        &self,
        known: Option<&Entry>,
        row: Agent,
        event: &EventDraft,
    ) -> Result<(), IdentityError> {
        let log = &self.0.log;
        // 1. Row and event, durable. A crash after it: the row is ahead of the keyring, and the next
        //    opening settles it; the answer was not given.
        let entry = Entry::of(row, log.keyring().as_ref());
        let mut group = Group::default();
        add_row(&mut group, known, &entry);
        write(log, group, event).map_err(|error| match (error, known) {
            (AuditError::Rejected, None) => IdentityError::Exists,
            _ => IdentityError::Unavailable,
        })?;
        // 2. Memory: from here on the change is in force in this process, whatever fails below.
        let agent = entry.agent.id.clone();
        self.0.directory.write().put(entry);
        self.0.sessions.end_agent(&agent);
        // 3. Generation and its leaf.
        self.settle()
    }

    /// Writes one keyring generation that names every row which is ahead of the keyring, and its
    /// leaf. Blocks. Called by each change and by opening. A crash before the commit point leaves
    /// them ahead; one after it leaves a generation whose leaf the log writes when it is opened.
    pub(super) fn settle(&self) -> Result<(), IdentityError> {
        let ahead: Vec<Entry> = {
            let directory = self.0.directory.read();
            directory.entries().filter(|e| e.standing == Standing::Ahead).cloned().collect()
        };
        if ahead.is_empty() {
            return Ok(());
        }
        let log = &self.0.log;
        // 1. Generation g + 1 at the places. Until its commit point a replayed older row would pass.
        let mut draft = log.keyring().draft();
        for entry in &ahead {
            draft.revoke(&entry.agent.id, entry.revocation());
        }
        let unpublished = draft
            .write(log.state(), log.random().as_ref())
            .map_err(|_| IdentityError::Unavailable)?;
        // 2. Its leaf, durable: only now may the change be answered.
        log.publish(unpublished).map_err(|_| IdentityError::Unavailable)?;
        let mut directory = self.0.directory.write();
        for mut entry in ahead {
            entry.standing = Standing::Current;
            directory.put(entry);
        }
        Ok(())
    }
}

/// Seals an event and makes it durable with its rows. Blocks. Sealed at the last moment: under an event
/// that waited sealed for a hashing or a generation, a purge could have dropped the slot.
fn write(log: &AuditLog, group: Group, event: &EventDraft) -> Result<(), AuditError> {
    let event = log.seal(event)?;
    log.commit_blocking(group, &[], Some(event)).map(drop)
}

/// Draws a one-time secret and hashes it. Blocks.
pub(super) fn make_one_time(random: &dyn Random) -> Result<(OneTimeSecret, String), IdentityError> {
    let secret = OneTimeSecret::make(random);
    let shown = Normalised::of(&secret.0).ok_or(IdentityError::Unavailable)?;
    let phc = secret_hash::hash(&shown, random).ok_or(IdentityError::Unavailable)?;
    Ok((secret, phc))
}

/// Runs an order to its end on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    order: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
) -> Result<T, IdentityError> {
    tokio::task::spawn_blocking(order).await.unwrap_or(Err(IdentityError::Unavailable))
}

fn new_row(
    new: &NewAgent,
    phc: String,
    revision: u64,
    created_by: Option<AgentId>,
    now: Timestamp,
) -> Result<Agent, IdentityError> {
    new.check()?;
    Ok(Agent {
        id: new.agent.clone(),
        kind: new.kind,
        display_name: new.display_name.clone(),
        habilitations: vec![new.habilitation.clone()],
        secret_phc: phc,
        one_time: true,
        revoked: false,
        revision,
        created_at: now,
        created_by,
    })
}

/// The next revision: above the row's own and not below what the keyring asks.
fn above(known: &Entry, floor: Option<crate::keyring::Revocation>) -> u64 {
    known.agent.revision.max(floor.map_or(0, |f| f.min_revision)).saturating_add(1)
}

/// The row's write, on condition that it is still what was known of it.
fn add_row(group: &mut Group, known: Option<&Entry>, entry: &Entry) {
    let key = keys::agent(entry.agent.id.as_str());
    group.preconditions.push(match known {
        Some(known) => Precondition::Unchanged(key.clone(), known.value.to_vec()),
        None => Precondition::Absent(key.clone()),
    });
    group.ops.push(Op::Put(key, entry.value.to_vec()));
}
