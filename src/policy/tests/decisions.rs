//! What the engine answers: permits, masks, errors, decoys, and slices that change nothing.

use std::collections::BTreeSet;

use super::*;
use crate::policy::engine::Engine;

const VERBS: [Verb; 6] =
    [Verb::Reveal, Verb::Match, Verb::Write, Verb::Create, Verb::Assign, Verb::Restrict];

fn investigator() -> Someone {
    Someone::new("inv-974", "investigator", "investigation-974", "reunion")
}

fn clusters() -> Someone {
    Someone::new("clu-974", "clusters", "clusters-974", "reunion")
}

fn operator() -> Someone {
    Someone::new("ope-974", "operator", "operators-974", "reunion")
}

fn verdicts(decision: &Decision) -> Vec<Verdict> {
    decision.classes.iter().map(|class| class.verdict).collect()
}

#[test]
fn the_permit_lists_exactly_what_is_allowed_or_masked_of_that_record() {
    let asked = Asked::about("cases", "clusters-974");
    let decision =
        asked.decide(&shipped_pack(), &clusters(), Verb::Reveal, "place identity status");
    assert_eq!(verdicts(&decision), [Verdict::Allow, Verdict::Mask, Verdict::Allow]);
    let permit = decision.permit.unwrap();
    assert_eq!((permit.record(), permit.verb()), (RECORD, &Verb::Reveal));
    let names = class_names("place identity status");
    let wanted: Vec<_> = names.into_iter().zip([false, true, false]).collect();
    assert_eq!(permit.classes(), wanted);
}

#[test]
fn a_class_that_is_denied_is_not_in_the_permit_and_nothing_allowed_gives_none() {
    let pack = shipped_pack();
    let asked = Asked::about("contacts", "operators-974");
    let decision = asked.decide(&pack, &operator(), Verb::Reveal, "coordinates nir");
    assert_eq!(verdicts(&decision), [Verdict::Allow, Verdict::Deny]);
    let permit = decision.permit.unwrap();
    assert_eq!(permit.classes(), [(class_names("coordinates")[0].clone(), false)]);
    assert!(asked.decide(&pack, &operator(), Verb::Reveal, "nir").permit.is_none());
}

#[test]
fn who_may_know_of_a_record_learns_that_a_class_is_denied_and_nobody_else_does() {
    let pack = shipped_pack();
    let asked = Asked::about("contacts", "operators-974");
    assert!(asked.decide(&pack, &operator(), Verb::Reveal, "nir").may_know);
    assert!(!asked.decide(&pack, &investigator(), Verb::Reveal, "nir").may_know);
    let elsewhere = Asked { territory: TerritoryName::parse("guadeloupe").unwrap(), ..asked };
    assert!(!elsewhere.decide(&pack, &operator(), Verb::Reveal, "coordinates").may_know);
}

#[test]
fn a_decoy_never_gives_a_permit_and_answers_like_a_forbidden_record() {
    let pack = shipped_pack();
    let asked = Asked::about("cases", "medical-974");
    for verb in VERBS {
        let decoy = asked.decoy(&pack, &investigator(), verb, "identity coordinates");
        assert!(decoy.permit.is_none() && !decoy.may_know && !decoy.all_allowed());
        assert_eq!(verdicts(&decoy), [Verdict::Deny; 2]);
        assert_eq!(decoy.policies(), []);
    }
    let forbidden = asked.decide(&pack, &investigator(), Verb::Reveal, "identity coordinates");
    let decoy = asked.decoy(&pack, &investigator(), Verb::Reveal, "identity coordinates");
    assert_eq!(forbidden.classes, decoy.classes);
}

#[test]
fn a_decision_names_the_policies_with_reason_and_legal_basis() {
    let mut asked = Asked::about("cases", "investigation-974");
    let pack = shipped_pack();
    let allowed = asked.decide(&pack, &investigator(), Verb::Reveal, "identity");
    let policy = &allowed.classes[0].policies[0];
    assert_eq!(policy.id, "investigator-case-read");
    assert!(policy.legal.contains("art. 3") && policy.reason.ends_with('.'));
    asked.restricted = true;
    let denied = asked.decide(&pack, &investigator(), Verb::Reveal, "identity nir");
    let ids: Vec<_> = denied.policies().into_iter().map(|policy| policy.id).collect();
    assert_eq!(ids, ["processing-restricted"]);
}

/// Overflows, and so errs, from two recent reveals on.
const ERRING_FORBID: &str = r#"
@id("erring") @reason("Errs.") @legal("None: a test.")
forbid (principal, action in Action::"data", resource)
when { context.recent_subjects * 9223372036854775807 < 0 };"#;

/// The same in a permit that adds a class the operator never sees.
const ERRING_PERMIT: &str = r#"
@id("erring") @reason("Errs.") @legal("None: a test.")
permit (principal, action == Action::"reveal:identity", resource is contacts)
when { context.recent_subjects * 9223372036854775807 < 0 };"#;

#[test]
fn an_erring_forbid_denies_and_one_that_does_not_err_leaves_the_permit_alone() {
    let pack = shipped_pack_and(ERRING_FORBID);
    let mut asked = Asked::about("contacts", "operators-974");
    asked.recent_subjects = 1;
    let sound = asked.decide(&pack, &operator(), Verb::Reveal, "identity");
    assert_eq!(verdicts(&sound), [Verdict::Allow]);
    asked.recent_subjects = 2;
    let erring = asked.decide(&pack, &operator(), Verb::Reveal, "identity nir");
    assert_eq!(verdicts(&erring), [Verdict::Deny; 2]);
    assert!(erring.permit.is_none() && !erring.may_know);
    assert_eq!(erring.policies()[0].id, "erring");
}

#[test]
fn an_erring_permit_denies_even_where_another_permit_allows() {
    let pack = shipped_pack_and(ERRING_PERMIT);
    let mut asked = Asked::about("contacts", "operators-974");
    asked.recent_subjects = 2;
    let decision = asked.decide(&pack, &operator(), Verb::Reveal, "identity coordinates");
    assert_eq!(verdicts(&decision), [Verdict::Deny, Verdict::Allow]);
}

#[test]
fn an_erring_reveal_is_not_softened_to_a_mask() {
    let pack = shipped_pack_and(&ERRING_PERMIT.replace("contacts", "cases"));
    let mut asked = Asked::about("cases", "clusters-974");
    assert_eq!(
        verdicts(&asked.decide(&pack, &clusters(), Verb::Reveal, "identity")),
        [Verdict::Mask]
    );
    asked.recent_subjects = 2;
    assert_eq!(
        verdicts(&asked.decide(&pack, &clusters(), Verb::Reveal, "identity")),
        [Verdict::Deny]
    );
}

#[test]
fn what_the_pack_does_not_know_is_denied() {
    let pack = shipped_pack();
    let mut asked = Asked::about("cases", "investigation-974");
    let unknown = asked.decide(&pack, &investigator(), Verb::Reveal, "symptoms whatever");
    assert_eq!(verdicts(&unknown), [Verdict::Deny; 2]);
    asked.purpose = PurposeName::parse("curiosity").unwrap();
    let decision = asked.decide(&pack, &investigator(), Verb::Reveal, "identity");
    assert!(decision.permit.is_none() && !decision.may_know);
    let stranger = Someone::new("x", "consultant", "investigation-974", "reunion");
    let asked = Asked::about("cases", "investigation-974");
    assert!(asked.decide(&pack, &stranger, Verb::Reveal, "identity").permit.is_none());
    let at = pack.moment(None, MONDAY);
    assert!(!pack.action_as(&stranger.principal(), "status:read", &at).allowed);
    assert!(!pack.action_as(&investigator().principal(), "no:action", &at).allowed);
}

#[test]
fn a_create_is_one_question_per_class_and_an_assignment_is_one() {
    let pack = shipped_pack();
    let asked = Asked::about("contacts", "");
    let create = asked.decide(&pack, &investigator(), Verb::Create, "attributes identity symptoms");
    assert_eq!(verdicts(&create), [Verdict::Allow, Verdict::Allow, Verdict::Deny]);
    assert!(create.may_know && !create.all_allowed());
    let mut taken = Asked::about("contacts", "operators-974");
    taken.to_agent = AgentId::parse("ope-974").ok();
    let assign = taken.decide(&pack, &operator(), Verb::Assign, "");
    assert!(assign.all_allowed());
    assert_eq!(assign.permit.unwrap().classes(), [(class_names("attributes")[0].clone(), false)]);
}

/// Asks both packs the same of every kind of record, and tells how much was asked and how much given.
fn compare(pack: &Pack, whole: &Pack, recent_subjects: u32) -> (usize, usize) {
    let roles = [
        "investigator",
        "operator",
        "medical_service",
        "clusters",
        "rights_desk",
        "intake",
        "dpo",
        "key_admin",
    ];
    let classes =
        "attributes identity nir coordinates result status symptoms link place call support";
    let (mut decisions, mut given) = (0, 0);
    for role in roles {
        let who = Someone::new("me", role, "operators-974", "reunion");
        for spec in pack.collections() {
            for unit in ["operators-974", "investigation-971", ""] {
                for (purpose, territory, restricted) in [
                    ("p1", "reunion", false),
                    ("p2", "reunion", false),
                    ("p2", "reunion", true),
                    ("p4", "reunion", false),
                    ("p2", "guadeloupe", false),
                    ("p4", "guadeloupe", true),
                ] {
                    let mut asked = Asked::about(spec.name.as_str(), unit);
                    asked.purpose = PurposeName::parse(purpose).unwrap();
                    asked.territory = TerritoryName::parse(territory).unwrap();
                    asked.to_agent = AgentId::parse("me").ok();
                    (asked.restricted, asked.recent_subjects) = (restricted, recent_subjects);
                    for verb in VERBS {
                        let sliced = asked.decide(pack, &who, verb, classes);
                        let all = asked.decide(whole, &who, verb, classes);
                        assert_eq!(sliced.classes, all.classes, "{role} {} {verb:?}", spec.name);
                        assert_eq!(sliced.may_know, all.may_know);
                        decisions += 1;
                        given += usize::from(sliced.permit.is_some());
                    }
                }
            }
        }
    }
    (decisions, given)
}

fn unsliced(pack: Arc<Pack>) -> Pack {
    let mut whole = Arc::try_unwrap(pack).ok().unwrap();
    whole.engine = Engine::unsliced(whole.engine);
    whole
}

#[test]
fn slices_and_shared_forbids_decide_as_all_policies_together_would() {
    let (decisions, given) = compare(&shipped_pack(), &unsliced(shipped_pack()), 0);
    assert!(given > 20 && decisions > 10 * given, "{given} of {decisions}: a lopsided grid");
}

#[test]
fn a_shared_forbid_that_errs_denies_every_class_as_it_would_in_each_slice() {
    let pack = shipped_pack_and(ERRING_FORBID);
    let whole = unsliced(shipped_pack_and(ERRING_FORBID));
    let (_, given) = compare(&pack, &whole, 1);
    assert!(given > 20, "it does not err yet, and stands in nobody's way");
    assert_eq!(compare(&pack, &whole, 2).1, 0, "it errs for everybody");
}

#[test]
fn slices_are_smaller_than_the_whole() {
    let pack = shipped_pack();
    let sizes: BTreeSet<usize> = pack.engine.slice_sizes().into_iter().collect();
    let policies = pack.engine.policy_ids().len();
    assert!(sizes.iter().all(|size| size * 2 < policies), "{sizes:?} of {policies}");
}
