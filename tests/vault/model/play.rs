//! Plays a script on a real vault and holds every answer against the possible worlds.

use std::sync::Arc;

use oubliette::{
    storage::memory::{Counted, Fault},
    vault::Vault,
};

use super::{
    script::{NAMES, New, Op, Sent, Step, UNITS},
    send::{Ids, Lost, send},
    world::{Answer, Call, Number, World},
};
use crate::house::{House, date, watch};

struct Player<'h> {
    house: &'h House,
    vault: Option<Arc<Vault>>,
    worlds: Vec<World>,
    ids: Ids,
    next: Number,
    /// Writes that were sent, with what they were.
    sent: Vec<Call>,
}

/// Plays a script. `Err` says at which step no world is left.
pub(super) async fn script(house: &House, steps: &[Step]) -> Result<(), String> {
    let mut player = Player::new(house);
    for (place, step) in steps.iter().enumerate() {
        player.step(step).await.map_err(|why| format!("step {place} {step:?}: {why}"))?;
    }
    player.look_at_everything().await
}

/// A write is acknowledged by the vault and kept from the model: it must be noticed.
pub(super) async fn with_a_lost_write(house: &House) -> Result<(), String> {
    let mut player = Player::new(house);
    let new = |name| Op::Create(New { name, phone: 0, day: 2 });
    player.step(&Step::One(Sent { op: new(0), id: true })).await?;
    let assign = Op::Assign { record: 0, unit: 0 };
    player.step(&Step::One(Sent { op: assign, id: true })).await?;
    let lost = player.worlds.clone();
    let update = Op::Update { unit: 0, record: 0, stale: false, name: Some(1), phone: None };
    player.step(&Step::One(Sent { op: update, id: true })).await?;
    player.worlds = lost;
    player.look_at_everything().await
}

impl<'h> Player<'h> {
    fn new(house: &'h House) -> Self {
        Self {
            vault: Some(house.start().unwrap()),
            house,
            worlds: vec![World::new(date("2020-11-23"))],
            ids: Ids::new(),
            next: 0,
            sent: Vec::new(),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::One(Sent { op, id }) => {
                let call = self.call(op, *id);
                self.make(call).await
            }
            Step::Again(place) => match self.sent.get(place % self.sent.len().max(1)) {
                Some(earlier) if earlier.request.is_some() => self.make(earlier.clone()).await,
                _ => Ok(()),
            },
            Step::Reuse(place, new) => {
                let earlier = self.sent.get(place % self.sent.len().max(1));
                let Some(request) = earlier.and_then(|earlier| earlier.request) else {
                    return Ok(());
                };
                let mut call = self.call(&Op::Create(new.clone()), false);
                call.request = Some(request);
                self.make(call).await
            }
            Step::Together(ops) => {
                // A failure of the disk among calls at the same time is `Fail` before one of them.
                self.house.disk.heal();
                let calls = ops.iter().map(|op| self.call(op, true)).collect();
                self.together(calls).await
            }
            Step::Restart => {
                self.restart();
                Ok(())
            }
            Step::Fail(n, kind) => {
                let fault = match kind {
                    0 => Fault::FailAndNotPersist(*n),
                    1 => Fault::FailButPersist(*n),
                    _ => Fault::DeadFrom(*n),
                };
                self.house.disk.inject(Counted::All, fault);
                Ok(())
            }
            Step::Day => {
                self.house.disk.heal();
                self.house.pass_days(1);
                if self.vault().run_purge(&watch()).await.is_err() {
                    // The log was latched by an earlier failure.
                    self.restart();
                    self.vault().run_purge(&watch()).await.map_err(|e| e.to_string())?;
                }
                self.worlds.iter_mut().for_each(World::day);
                self.worlds.dedup();
                Ok(())
            }
        }
    }

    fn vault(&self) -> Arc<Vault> {
        Arc::clone(self.vault.as_ref().unwrap())
    }

    fn restart(&mut self) {
        let old = self.vault.take().unwrap();
        old.drain();
        drop(old);
        self.vault = Some(self.house.start().unwrap());
    }

    /// Resolves what a call names. All worlds agree on what was filed: creates carry request ids.
    fn call(&mut self, op: &Op, id: bool) -> Call {
        let number = self.next;
        self.next += 1;
        let place = match op {
            Op::Update { record, .. }
            | Op::Assign { record, .. }
            | Op::Unassign { record, .. }
            | Op::Reveal { record, .. }
            | Op::Match { record, .. } => Some(*record),
            _ => None,
        };
        let named = self.worlds[0].named();
        let record = place.and_then(|place| named.get(place % named.len().max(1)).copied());
        let version = record.map_or(0, |record| self.worlds[0].version(record));
        let stale = matches!(op, Op::Update { stale: true, .. });
        let always = matches!(op, Op::Create(_) | Op::Import(_));
        let write =
            always || matches!(op, Op::Update { .. } | Op::Assign { .. } | Op::Unassign { .. });
        let call = Call {
            number,
            op: op.clone(),
            request: (write && (id || always)).then_some(number),
            record,
            expected: version.saturating_sub(u32::from(stale)),
        };
        if write {
            self.sent.push(call.clone());
        }
        call
    }

    /// Makes one call; where its answer is lost, starts again and, if that is safe, sends it again.
    async fn make(&mut self, call: Call) -> Result<(), String> {
        let mut lost = false;
        let answer = loop {
            match send(&self.vault(), &call, &self.ids).await {
                Ok(answer) => break Some(answer),
                Err(Lost) => {
                    lost = true;
                    self.restart();
                    let write = matches!(
                        call.op,
                        Op::Update { .. } | Op::Assign { .. } | Op::Unassign { .. }
                    );
                    if write && call.request.is_none() {
                        break None;
                    }
                }
            }
        };
        let mut left: Vec<World> = Vec::new();
        for world in &self.worlds {
            let mut after = world.clone();
            let expected = after.answer(&call);
            match &answer {
                None => left.extend([world.clone(), after]),
                Some((answer, _)) if same(answer, &expected, lost) => left.push(after),
                Some(_) => {}
            }
        }
        left.dedup();
        let Some((answer, ids)) = answer else {
            self.worlds = left;
            return Ok(());
        };
        if left.is_empty() {
            let expected: Vec<Answer> =
                self.worlds.iter().map(|world| world.clone().answer(&call)).collect();
            return Err(format!("no world answers {answer:?}; they answer {expected:?}"));
        }
        self.worlds = left;
        self.ids.extend(ids);
        Ok(())
    }

    /// Makes calls at the same time: they must answer as in some order. A change may be told that
    /// somebody else changed the record meanwhile, if somebody did.
    async fn together(&mut self, calls: Vec<Call>) -> Result<(), String> {
        let tasks: Vec<_> = calls
            .iter()
            .map(|call| {
                let (vault, call, ids) = (self.vault(), call.clone(), self.ids.clone());
                tokio::spawn(async move { send(&vault, &call, &ids).await })
            })
            .collect();
        let (mut answers, mut lost) = (Vec::new(), false);
        for (task, call) in tasks.into_iter().zip(&calls) {
            match task.await.unwrap() {
                Ok((answer, ids)) => {
                    self.ids.extend(ids);
                    answers.push((call.clone(), answer));
                }
                Err(Lost) => lost = true,
            }
        }
        if lost {
            // The log was latched before this step: nothing was done. Again, on a vault that writes.
            self.restart();
            return Box::pin(self.together(calls)).await;
        }
        let mut left: Vec<World> = Vec::new();
        for world in &self.worlds {
            for order in orders(answers.len()) {
                let mut after = world.clone();
                let holds = order.iter().all(|place| {
                    let (call, answer) = &answers[*place];
                    let crossed = *answer == Answer::Refused("VERSION_MISMATCH")
                        && answers.iter().any(|(other, answer)| {
                            other.number != call.number
                                && other.record == call.record
                                && matches!(answer, Answer::Version(_, false))
                        });
                    crossed || after.answer(call) == *answer
                });
                if holds && !left.contains(&after) {
                    left.push(after);
                }
            }
        }
        if left.is_empty() {
            return Err(format!("no world answers {answers:?} in any order"));
        }
        self.worlds = left;
        Ok(())
    }

    /// Every unit looks at everything, so that no wrong state stays unseen.
    async fn look_at_everything(&mut self) -> Result<(), String> {
        self.house.disk.heal();
        for unit in 0..UNITS.len() {
            for op in [Op::Worklist { unit }, Op::RevealMany { unit }] {
                let call = self.call(&op, false);
                self.make(call).await.map_err(|why| format!("at the end, {op:?}: {why}"))?;
            }
            for name in 0..NAMES.len() {
                let call = self.call(&Op::Find { unit, name: Some(name), phone: None }, false);
                self.make(call).await.map_err(|why| format!("at the end, name {name}: {why}"))?;
            }
        }
        Ok(())
    }
}

/// Whether a real answer is the model's; after a lost answer, whether or not it was a repetition.
fn same(real: &Answer, model: &Answer, lost: bool) -> bool {
    match (real, model) {
        (Answer::Filed(a, _), Answer::Filed(b, _)) if lost => a == b,
        (Answer::Version(a, _), Answer::Version(b, _)) if lost => a == b,
        (Answer::Imported(a), Answer::Imported(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, lost))
        }
        _ => real == model,
    }
}

/// All orders of so many calls.
fn orders(count: usize) -> Vec<Vec<usize>> {
    match count {
        0 => vec![Vec::new()],
        _ => orders(count - 1)
            .into_iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, count - 1);
                    order
                })
            })
            .collect(),
    }
}
