//! Links and consent: of one complaint with two witnesses and one consent, the other desk learns nothing.

use oubliette::{
    identity::Caller,
    ids::{CollectionName, RecordId},
    vault::{
        FindInput, ImportBatch, ImportRecord, PageRequest, RevealManyInput, UpdateInput, Vault,
        VaultError, WorklistInput,
    },
};

use super::{
    Scene, camille, consent, create, found, hand_to, hearing, helene, islander, person, reveal,
    scene, sorted, started, text, through, tie, wanda,
};
use crate::house::{class, events, field, run, text_of};

/// Who complained, as this caller is told through this link.
async fn told(
    vault: &Vault,
    who: &Caller,
    complaint: RecordId,
    link: RecordId,
) -> Result<String, String> {
    let answer = through(vault, who, (complaint, link), "identity").await;
    answer
        .map(|shown| text_of(&shown, "family_name").unwrap().to_owned())
        .map_err(|error| format!("{error:?}"))
}

#[test]
fn who_complained_is_told_through_the_one_link_with_consent_and_by_no_other_name() {
    let (_house, vault) = started(810);
    run(async {
        let Scene { complaint, witnesses, ties } = scene(&vault).await;
        let [given, none] = ties;
        let absent = RecordId::from_bytes([9; 16]);
        let closed = Err("NotAvailable".to_owned());
        assert_eq!(told(&vault, &helene(), complaint, given).await, Ok("EXEMPLE".to_owned()));
        let event = events(&vault, "reveal").await.remove(0);
        assert_eq!(event.notes, [format!("link={given}")]);
        assert!(event.policies.iter().any(|(id, _)| id == "hearings-told"));
        // Without a link, and with what is none, absent, another desk's, or another record's.
        assert!(reveal(&vault, &helene(), complaint, "identity").await.is_err());
        let other = create(&vault, &camille(), person("complaints", "AUTRE")).await.unwrap().record;
        hand_to(&vault, other, "north").await;
        for link in [none, absent, witnesses[0], witnesses[1], complaint, other] {
            assert_eq!(told(&vault, &helene(), complaint, link).await, closed);
        }
        assert_eq!(told(&vault, &helene(), other, given).await, closed);
        assert_eq!(told(&vault, &helene(), absent, given).await, closed);
        // The other desk, through its own tie without consent, and through the one that is not its own.
        for link in [given, none, absent] {
            assert_eq!(told(&vault, &wanda(), complaint, link).await, closed);
        }
        // Only what the policy opens: not how to reach the person.
        let phone = through(&vault, &helene(), (complaint, given), "phone").await;
        assert!(matches!(phone, Err(VaultError::Denied { .. })));
    });
}

#[test]
fn consent_counts_from_its_version_on_and_its_withdrawal_at_once() {
    let (_house, vault) = started(811);
    run(async {
        let Scene { complaint, ties: [given, none], .. } = scene(&vault).await;
        let change = |tied, version, to| {
            let input = consent(tied, version, to);
            let vault = &vault;
            async move { vault.update(&camille(), &hearing(), input).await.unwrap().version }
        };
        let closed = Err("NotAvailable".to_owned());
        assert_eq!(told(&vault, &wanda(), complaint, none).await, closed);
        let version = change(none, 2, "given").await;
        assert_eq!(told(&vault, &wanda(), complaint, none).await, Ok("EXEMPLE".to_owned()));
        change(none, version, "withdrawn").await;
        assert_eq!(told(&vault, &wanda(), complaint, none).await, closed);
        assert!(told(&vault, &helene(), complaint, given).await.is_ok(), "the other one's stays");
        change(given, 2, "withdrawn").await;
        assert_eq!(told(&vault, &helene(), complaint, given).await, closed);
    });
}

#[test]
fn a_witness_that_leaves_the_desk_takes_its_link_along() {
    let (_house, vault) = started(812);
    run(async {
        let Scene { complaint, witnesses, ties: [given, _] } = scene(&vault).await;
        assert!(told(&vault, &helene(), complaint, given).await.is_ok());
        let unassigned =
            oubliette::vault::Assignee::Unit(oubliette::ids::UnitName::parse("east").unwrap());
        vault.unassign(&camille(), &hearing(), witnesses[0], unassigned).await.unwrap();
        assert!(told(&vault, &helene(), complaint, given).await.is_err());
    });
}

#[test]
fn the_other_desk_learns_nothing_by_find_list_or_error() {
    let (_house, vault) = started(813);
    run(async {
        let Scene { complaint, witnesses, ties: [given, none] } = scene(&vault).await;
        assert_eq!(found(&vault, &wanda(), "complaint", complaint).await, [none]);
        assert!(found(&vault, &wanda(), "witness", witnesses[0]).await.is_empty());
        assert_eq!(found(&vault, &wanda(), "witness", witnesses[1]).await, [none]);
        assert_eq!(
            found(&vault, &camille(), "complaint", complaint).await,
            sorted(vec![given, none])
        );
        assert_eq!(found(&vault, &camille(), "witness", witnesses[0]).await, [given]);
        let by_name = FindInput {
            collection: CollectionName::parse("complaints").unwrap(),
            conditions: vec![(field("family_name"), text("EXEMPLE"))],
            page: PageRequest { size: 10, after: None },
        };
        let refused = vault.find(&wanda(), &hearing(), by_name).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        let list = |collection: &str| WorklistInput {
            collection: CollectionName::parse(collection).unwrap(),
            of: None,
            page: PageRequest { size: 10, after: None },
        };
        let ties = vault.worklist(&wanda(), &hearing(), list("ties")).await.unwrap().entries;
        assert_eq!(ties.iter().map(|entry| entry.record).collect::<Vec<_>>(), [none]);
        let records = vec![complaint, given, witnesses[0], RecordId::from_bytes([9; 16])];
        let input = RevealManyInput { records, classes: vec![class("identity"), class("tie")] };
        let answers = vault.reveal_many(&wanda(), &hearing(), input).await.unwrap();
        for answer in answers {
            assert!(matches!(answer.result, Err(VaultError::NotAvailable)));
        }
    });
}

#[test]
fn a_link_is_filed_only_between_records_that_the_caller_may_know() {
    let (_house, vault) = started(814);
    run(async {
        let Scene { complaint, witnesses: [witness, _], .. } = scene(&vault).await;
        let absent = RecordId::from_bytes([9; 16]);
        let stranger = islander("carl", "complaints", "west");
        let refused = |answer: Result<_, VaultError>| {
            format!("{:?}", answer.map(|_: oubliette::vault::Created| ()).err().unwrap())
        };
        let mut told = Vec::new();
        for (who, from, to) in [
            (&stranger, complaint, witness), // may know neither
            (&camille(), absent, witness),
            (&camille(), complaint, absent),
            (&camille(), witness, complaint), // each in the other's place
            (&camille(), complaint, complaint),
        ] {
            told.push(refused(create(&vault, who, tie(from, to, "none")).await));
        }
        assert_eq!(told, ["NotAvailable"; 5]);
        let event = events(&vault, "create").await.remove(0);
        assert_eq!((event.outcome.as_str(), event.records.len()), ("NOT_AVAILABLE", 0));
        assert!(create(&vault, &camille(), tie(complaint, witness, "none")).await.is_ok());
        let mut malformed = tie(complaint, witness, "none");
        malformed.fields[0].1 = text("EXEMPLE");
        let Err(VaultError::Invalid(violations)) = create(&vault, &camille(), malformed).await
        else {
            panic!("no id")
        };
        assert_eq!(violations[0].path, "fields.complaint");
        assert!(!violations[0].reason.contains("EXEMPLE"));
    });
}

#[test]
fn an_import_files_the_links_between_what_may_be_known_and_refuses_the_others_one_by_one() {
    let (_house, vault) = started(815);
    run(async {
        let Scene { complaint, witnesses, .. } = scene(&vault).await;
        let one = |input| ImportRecord { request: None, input };
        let records = vec![
            one(tie(complaint, witnesses[0], "given")),
            one(tie(complaint, RecordId::from_bytes([9; 16]), "given")),
            one(tie(complaint, witnesses[1], "given")),
        ];
        let collection = CollectionName::parse("ties").unwrap();
        let batch = ImportBatch { collection, records };
        let answers = vault.import(&camille(), &hearing(), batch).await.unwrap();
        assert!(answers[0].is_ok() && answers[2].is_ok());
        assert!(matches!(answers[1], Err(VaultError::NotAvailable)));
        assert_eq!(found(&vault, &camille(), "complaint", complaint).await.len(), 4);
    });
}

#[test]
fn an_end_is_set_once_and_the_rest_of_a_link_is_not() {
    let (_house, vault) = started(816);
    run(async {
        let Scene { complaint, witnesses, ties: [given, _] } = scene(&vault).await;
        for end in [Some(text(&witnesses[1].to_string())), None] {
            let change = UpdateInput {
                record: given,
                expected_version: 2,
                attributes: Vec::new(),
                fields: vec![(field("witness"), end)],
            };
            let refused = vault.update(&camille(), &hearing(), change).await;
            let Err(VaultError::Invalid(violations)) = refused else { panic!("an end moved") };
            assert_eq!(violations[0].path, "fields.witness");
        }
        let change = UpdateInput {
            record: given,
            expected_version: 2,
            attributes: Vec::new(),
            fields: vec![(field("setting"), Some(text("street")))],
        };
        vault.update(&camille(), &hearing(), change).await.unwrap();
        assert_eq!(found(&vault, &camille(), "witness", witnesses[0]).await, [given]);
        assert!(told(&vault, &helene(), complaint, given).await.is_ok());
    });
}
