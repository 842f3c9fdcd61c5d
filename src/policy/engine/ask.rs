//! The questions a pack answers: about a record, about no record, about the vault, about a role.

use chrono::{Datelike, NaiveDate, Timelike};

use super::{
    Slot, decision,
    facts::{Assignment, ContextFacts},
    request::{ActionDecision, Moment, Principal, RequestContext, Resource},
};
use crate::{
    clock::Timestamp,
    identity::{AgentKind, Caller},
    ids::{ClassName, CollectionName, FieldName, PurposeName, RecordId},
    policy::{
        pack::{BreakGlassRule, Pack, PackError, spec::CollectionSpec},
        permit::{Decision, Verb},
        schema::has_class,
        value::{FieldType, Value},
    },
};

impl Pack {
    /// Decides one request about one record, class by class. Every evaluation error is a deny.
    ///
    /// A create is asked once per class it would write; ask for `attributes` too. An assignment, an
    /// erasure, a hold, a derivation or a restriction is one question: ask it for `attributes`. With no
    /// class given they are.
    /// `may_know` holds when a class asked, or `reveal:attributes`, is allowed; for a create always,
    /// since there is no record to hide.
    #[must_use]
    pub fn decide(
        &self,
        who: &Caller,
        verb: Verb,
        on: &Resource<'_>,
        classes: &[ClassName],
        context: &RequestContext<'_>,
    ) -> Decision {
        let at = self.moment_of(who, context.now);
        self.decide_as(&principal(who, at.today), verb, on, classes, context, at)
    }

    /// The same work for a record that does not exist: denied, never a permit.
    #[must_use]
    pub fn decide_decoy(
        &self,
        who: &Caller,
        verb: Verb,
        classes: &[ClassName],
        context: &RequestContext<'_>,
    ) -> Decision {
        let at = self.moment_of(who, context.now);
        self.decoy_as(&principal(who, at.today), verb, classes, context, at)
    }

    /// Decides an action on the vault itself, one of [`super::VAULT_ACTIONS`]; any other is denied.
    #[must_use]
    pub fn decide_action(&self, who: &Caller, action: &str, now: Timestamp) -> ActionDecision {
        let at = self.moment_of(who, now);
        self.engine.vault_action(&principal(who, at.today), action, &at)
    }

    /// What this caller's role could do on some record, for Describe: per collection and class the
    /// verbs that a permit of the pack can allow. `create` and whatever is asked of the whole record stand at
    /// `attributes`.
    #[must_use]
    pub fn abilities(&self, who: &Caller) -> Vec<(CollectionName, ClassName, Vec<String>)> {
        let (engine, role) = (&self.engine, &who.habilitation.role);
        let mut abilities = Vec::new();
        for spec in self.collections() {
            let Some(slots) = engine.collections.get(&spec.name) else { continue };
            for class in [&engine.attributes_class].into_iter().chain(&spec.classes) {
                let Some(own) = slots.classes.get(class) else { continue };
                let mut verbs = vec![
                    ("reveal", &own.reveal),
                    ("mask", &own.mask),
                    ("match", &own.matching),
                    ("write", &own.write),
                ];
                if class == &engine.attributes_class {
                    verbs.extend([
                        ("create", &slots.create),
                        ("assign", &slots.assign),
                        ("erase", &slots.erase),
                        ("hold", &slots.hold),
                        ("derive", &slots.derive),
                        ("restrict", &slots.restrict),
                    ]);
                }
                let able = verbs.into_iter().filter(|(_, slot)| slot.may_permit(role));
                let able: Vec<String> = able.map(|(verb, _)| verb.to_owned()).collect();
                if !able.is_empty() {
                    abilities.push((spec.name.clone(), class.clone(), able));
                }
            }
        }
        abilities
    }

    /// Whether some permit of the pack could allow this verb on these classes of a collection to the
    /// caller's role for this purpose: what a search is refused by before it looks at any record.
    #[must_use]
    pub fn could(
        &self,
        who: &Caller,
        (verb, purpose): (Verb, &PurposeName),
        collection: &CollectionName,
        classes: &[ClassName],
    ) -> bool {
        let Some(slots) = self.engine.collections.get(collection) else { return false };
        let role = &who.habilitation.role;
        let may = |slot: &Slot| slot.may_permit_for(role, purpose);
        classes.iter().all(|class| slots.of(verb, class, role).any(may))
    }

    /// Whether a policy that concerns the caller's role asks how many persons were revealed to him lately.
    #[must_use]
    pub fn counts_reveals(&self, who: &Caller) -> bool {
        self.engine.counted.contains(&who.habilitation.role)
    }

    /// Entries of `[[break_glass]]` that open nothing, since no permit could give their role a class of
    /// theirs at all: a rule that looks as if it were in force is a mistake.
    pub(in crate::policy) fn idle_break_glass(&self, file: &str) -> Vec<PackError> {
        let mut errors = Vec::new();
        for rule in &self.vocabulary.break_glass {
            for collection in &rule.collections {
                let Some(slots) = self.engine.collections.get(collection) else { continue };
                for class in &rule.classes {
                    let mut slots = slots.of(Verb::Reveal, class, &rule.role);
                    if !slots.any(|slot| slot.may_permit(&rule.role)) {
                        let role = &rule.role;
                        let reason = format!(
                            "no permit lets `{role}` reveal `{class}` of `{collection}`, glass broken or \
                             not; write one with `context.break_glass`, or take the class out"
                        );
                        errors.push(PackError { file: file.into(), line: rule.line, reason });
                    }
                }
            }
        }
        errors
    }

    pub(in crate::policy) fn decide_as(
        &self,
        who: &Principal<'_>,
        verb: Verb,
        on: &Resource<'_>,
        classes: &[ClassName],
        context: &RequestContext<'_>,
        at: Moment,
    ) -> Decision {
        let default = [self.engine.attributes_class.clone()];
        let asked = match verb {
            Verb::Create
            | Verb::Assign
            | Verb::Erase
            | Verb::Hold
            | Verb::Derive
            | Verb::Restrict
                if classes.is_empty() =>
            {
                &default
            }
            _ => classes,
        };
        if !self.hold_purpose_allows(verb, on, context) {
            return Decision::nothing(asked);
        }
        let facts = self.facts(who, verb, on, context, at);
        match self.engine.classes(who, verb, on, asked, &facts) {
            Some((classes, knows)) => {
                let may_know = knows || verb == Verb::Create;
                let past_date = self.hold_purpose() == Some(context.purpose);
                decision(on.record, verb, classes, (may_know, past_date))
            }
            None => Decision::nothing(asked),
        }
    }

    /// What policies are told of a request.
    pub(super) fn facts<'a>(
        &'a self,
        who: &Principal<'_>,
        verb: Verb,
        on: &Resource<'_>,
        context: &RequestContext<'a>,
        at: Moment,
    ) -> ContextFacts<'a> {
        ContextFacts {
            purpose: context.purpose,
            at,
            justification: context.justification,
            recent_subjects: context.recent_subjects,
            approved: context.approved,
            glass: self.glass(who, verb, on, context),
            link: context.link,
            assignment: (verb == Verb::Assign).then(|| self.assignment(who, context)),
        }
    }

    /// Whatever the policies say: under the purpose of holds a second person has approved the request,
    /// which reads a held record or asks for a hold, and does nothing else.
    fn hold_purpose_allows(
        &self,
        verb: Verb,
        on: &Resource<'_>,
        context: &RequestContext<'_>,
    ) -> bool {
        if self.hold_purpose() != Some(context.purpose) {
            return true;
        }
        context.approved && (verb == Verb::Hold || (verb == Verb::Reveal && on.held))
    }

    /// The entry under which the glass is broken for this request: whatever a caller says, none without an
    /// entry of the pack for his role in this collection, and none for anything but a reveal.
    fn glass(
        &self,
        who: &Principal<'_>,
        verb: Verb,
        on: &Resource<'_>,
        context: &RequestContext<'_>,
    ) -> Option<&BreakGlassRule> {
        let rule = self.break_glass(who.role, on.collection);
        rule.filter(|_| context.break_glass && verb == Verb::Reveal)
    }

    pub(in crate::policy) fn decoy_as(
        &self,
        who: &Principal<'_>,
        verb: Verb,
        classes: &[ClassName],
        context: &RequestContext<'_>,
        at: Moment,
    ) -> Decision {
        // The collection that has most of the classes asked: what a real record would cost.
        let has = |spec: &&CollectionSpec| {
            classes.iter().filter(|class| has_class(spec, class.as_str())).count()
        };
        let Some(spec) = self.collections().iter().max_by_key(has) else {
            return Decision::nothing(classes);
        };
        let attributes = plausible(spec);
        let on = Resource {
            record: RecordId::from_bytes([0; 16]),
            collection: &spec.name,
            territory: who.territory,
            attributes: &attributes,
            assigned_agents: &[],
            assigned_units: &[],
            restricted: false,
            held: false,
            filed_by: Some(&self.engine.somebody),
            age_hours: 0,
        };
        // Whatever the policies say of a record in nobody's hands, there is none.
        let Decision { classes: decided, .. } =
            self.decide_as(who, verb, &on, classes, context, at);
        let asked: Vec<ClassName> = decided.into_iter().map(|decision| decision.class).collect();
        Decision::nothing(&asked)
    }

    /// This instant, local to a caller's territory.
    pub(in crate::policy) fn moment(
        &self,
        territory: Option<&crate::ids::TerritoryName>,
        now: Timestamp,
    ) -> Moment {
        let local = now.in_zone(self.zone_of(territory));
        Moment {
            today: local.date_naive(),
            minutes: local.hour() * 60 + local.minute(),
            weekday: local.weekday().number_from_monday(),
        }
    }

    pub(in crate::policy) fn action_as(
        &self,
        who: &Principal<'_>,
        action: &str,
        at: &Moment,
    ) -> ActionDecision {
        self.engine.vault_action(who, action, at)
    }

    fn moment_of(&self, who: &Caller, now: Timestamp) -> Moment {
        self.moment(who.habilitation.territory.as_ref(), now)
    }

    fn assignment(&self, who: &Principal<'_>, context: &RequestContext<'_>) -> Assignment {
        self.engine.symbols.assignment(who, context.assignee_agent, context.assignee_unit)
    }
}

/// The caller's habilitation as the policies see it on this day.
fn principal(who: &Caller, today: NaiveDate) -> Principal<'_> {
    let habilitation = &who.habilitation;
    Principal {
        agent: &who.agent,
        role: &habilitation.role,
        unit: habilitation.unit.as_ref(),
        territory: habilitation.territory.as_ref(),
        profession: habilitation.profession.as_deref(),
        service: who.kind == AgentKind::Service,
        sworn: habilitation.sworn,
        undertaking: habilitation.undertaking_on.is_some_and(|signed| signed <= today),
        valid_today: (habilitation.valid_from..=habilitation.valid_to).contains(&today),
    }
}

/// Attributes of the right types, so that policies run as far on a decoy as on a record.
pub(in crate::policy) fn plausible(spec: &CollectionSpec) -> Vec<(FieldName, Value)> {
    let value = |kind: &FieldType| {
        Some(match kind {
            FieldType::Code { values } => Value::Text(values.first()?.clone()),
            FieldType::Integer { min, .. } => Value::Integer(*min),
            FieldType::Date => Value::Date(NaiveDate::default()),
            FieldType::Boolean => Value::Boolean(false),
            _ => return None,
        })
    };
    let attributes = spec.attributes.iter();
    attributes.filter_map(|a| Some((a.name.clone(), value(&a.kind)?))).collect()
}
