//! What an auditor takes home: events, a checkpoint, the exported log, the certificate of a purge.
//! Each holds as it was given, and no longer once a byte of it is changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oubliette::{
    audit::verify::verify_folder,
    client::{
        Reason,
        types::{Detail, EventFilter, Intent},
    },
    retention::{self, Evidence, LogCopy, Verdict, prove},
};

use crate::support::{DAY_MS, DPO, House, Served, case, lab_result, refused, run};

fn p2() -> Intent {
    Intent::of("p2")
}

/// The log as a folder, as `audit export` writes it.
async fn export(served: &Served<'_>, folder: &Path) -> Vec<PathBuf> {
    let dpo = served.as_agent(DPO).await;
    let mut files = dpo.export_log().await.unwrap();
    let mut paths = Vec::new();
    while let Some((path, content)) = files.next().await.unwrap() {
        let target = folder.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, content).unwrap();
        paths.push(target);
    }
    paths
}

#[test]
fn an_event_says_who_saw_what_under_which_rule_and_never_a_value() {
    run(async {
        let house = House::in_memory(300);
        let served = house.serve().await;
        let filed = case("reunion", "EXEMPLE-TRACE", "2020-11-22");
        let filed = served.queue("reunion", filed, "clusters-974").await;
        let clusters = served.as_agent("clu-974").await;
        let why = Intent { justification: Some("call back".to_owned()), ..p2() };
        let revealed = clusters.reveal(&why, filed.record, &["identity", "status"]).await;
        assert!(revealed.is_ok());
        let dpo = served.as_agent(DPO).await;
        let filter = EventFilter {
            record: Some(filed.record),
            kind: Some("reveal".to_owned()),
            ..EventFilter::default()
        };
        let page = dpo.list_events(&filter, None, 10).await.unwrap();
        let [event] = page.events.as_slice() else { panic!("{} events", page.events.len()) };
        let Detail::Open(detail) = &event.detail else { panic!("a detail") };
        assert_eq!(detail.agent, "clu-974");
        assert_eq!((detail.role.as_str(), detail.unit.as_str()), ("clusters", "clusters-974"));
        assert_eq!((detail.purpose.as_str(), detail.justification.as_str()), ("p2", "call back"));
        assert_eq!(detail.records.0, [filed.record]);
        assert_eq!(detail.asked, ["identity", "status"]);
        assert!(detail.given.iter().any(|g| g.field == "confirmed" && g.mask.is_empty()));
        assert!(detail.given.iter().any(|g| g.field == "last_name" && g.mask == "initial"));
        let rules: Vec<&str> = detail.policies.iter().map(|(id, _)| id.as_str()).collect();
        assert!(rules.contains(&"clusters-read"), "{rules:?}");
        assert!(rules.contains(&"clusters-case-identity-masked"), "{rules:?}");
        assert!(detail.policies.iter().all(|(_, legal)| !legal.is_empty()));
        assert_eq!(detail.outcome, "OK");
        let all = dpo.list_events(&EventFilter::default(), None, 500).await.unwrap();
        let text = serde_json::to_string(&all).unwrap();
        assert!(!text.contains("EXEMPLE") && !text.contains("+262639980001"));
        // Another agent's filter does not find it.
        let none = EventFilter { agent: Some("ope-974".to_owned()), ..filter };
        assert!(dpo.list_events(&none, None, 10).await.unwrap().events.is_empty());
        served.stop().await;
    });
}

#[test]
fn an_exported_log_verifies_and_one_with_a_byte_changed_in_any_file_does_not() {
    run(async {
        let house = House::in_folders(301);
        let served = house.serve().await;
        served.file("reunion", lab_result("reunion", "EXEMPLE-PREUVE", "2020-11-22")).await;
        let older = served.as_agent(DPO).await.checkpoint().await.unwrap();
        let key = served.vault.state().unwrap().log_verifier_key;
        // More than 256 leaves, so that whole tiles and bundles are there as well as partial ones.
        let dpo = served.as_agent(DPO).await;
        while served.vault.state().unwrap().log_size < 270 {
            dpo.checkpoint().await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let files = export(&served, folder.path()).await;
        assert!(files.len() >= 6, "{files:?}");
        let verified = verify_folder(folder.path(), &key, Some(&older)).unwrap();
        assert!(verified.checkpoint.size >= 270);
        for path in &files {
            let whole = fs::read(path).unwrap();
            for at in [0, whole.len() / 2, whole.len() - 1] {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                fs::write(path, changed).unwrap();
                let result = verify_folder(folder.path(), &key, Some(&older));
                assert!(result.is_err(), "byte {at} of {}", path.display());
            }
            fs::write(path, whole).unwrap();
        }
        assert!(verify_folder(folder.path(), &key, Some(&older)).is_ok());
        // A file that is gone, and the key of another vault.
        fs::remove_file(&files[files.len() - 1]).unwrap();
        assert!(verify_folder(folder.path(), &key, None).is_err());
        served.stop().await;
    });
}

#[test]
fn a_log_cut_after_an_older_checkpoint_and_one_of_another_vault_are_refused() {
    run(async {
        let house = House::in_memory(302);
        let served = house.serve().await;
        let folder = tempfile::tempdir().unwrap();
        export(&served, folder.path()).await;
        let key = served.vault.state().unwrap().log_verifier_key;
        let newer = served.as_agent(DPO).await.checkpoint().await.unwrap();
        assert!(verify_folder(folder.path(), &key, None).is_ok());
        let cut = verify_folder(folder.path(), &key, Some(&newer));
        assert!(cut.is_err(), "the folder is shorter than a checkpoint that was signed later");
        let other = House::in_memory(303);
        let other = other.serve().await;
        let foreign = other.vault.state().unwrap().log_verifier_key;
        assert!(verify_folder(folder.path(), &foreign, None).is_err());
        other.stop().await;
        served.stop().await;
    });
}

#[test]
fn a_purge_forgets_what_is_due_keeps_what_lives_and_certifies_it() {
    run(async {
        let house = House::in_memory(304);
        let served = house.serve().await;
        let queue = "investigation-974";
        let due = case("reunion", "EXEMPLE-DU", "2020-08-24");
        let due = served.queue("reunion", due, queue).await;
        let live = case("reunion", "EXEMPLE-VIF", "2020-11-22");
        let live = served.queue("reunion", live, queue).await;
        let robot = served.as_agent("robot").await;
        assert!(robot.preview_purge().await.unwrap().cohorts.is_empty());
        let dpo = served.as_agent(DPO).await;
        assert_eq!(refused(dpo.certificate(None).await), Reason::NoCertificate);

        house.clock.advance_millis(DAY_MS);
        served.forget_sessions().await;
        let investigator = served.as_agent("inv-974").await;
        let expired = investigator.reveal(&p2(), due.record, &["identity"]).await;
        assert_eq!(refused(expired), Reason::NotAvailable, "by date, before any purge");
        let robot = served.as_agent("robot").await;
        let preview = robot.preview_purge().await.unwrap();
        assert_eq!(preview.cohorts.iter().map(|c| c.records).sum::<u64>(), 1);
        let purged = robot.run_purge().await.unwrap();
        assert_eq!(purged.cohorts, preview.cohorts);
        assert_eq!((purged.records, purged.generation_after), (1, purged.generation_before + 1));

        let dpo = served.as_agent(DPO).await;
        let certificate = dpo.certificate(purged.certificate).await.unwrap();
        let key = served.vault.state().unwrap().certificate_verifier_key;
        let summary = retention::verify(&certificate, &key).unwrap();
        assert_eq!((summary.records, summary.cohorts), (1, 1));
        assert!(summary.failures.is_empty(), "{:?}", summary.failures);
        // And the log bears it out, from the intent to the chain of generations.
        let folder = tempfile::tempdir().unwrap();
        export(&served, folder.path()).await;
        let log_key = served.vault.state().unwrap().log_verifier_key;
        let log = Some(LogCopy { folder: folder.path(), key: &log_key });
        let proven = prove(&certificate, &key, Evidence { log, keyring: None }).unwrap();
        let ok = proven.findings.iter().filter(|finding| finding.verdict == Verdict::Ok);
        assert_eq!(
            ok.map(|finding| finding.check).collect::<Vec<_>>(),
            ["signature", "content", "checkpoint", "log", "intent", "generations"]
        );
        assert!(proven.holds(), "{:?}", proven.findings);
        let changed = certificate.replacen("\"records\":1", "\"records\":2", 1);
        assert_ne!(changed, certificate);
        assert!(retention::verify(&changed, &key).is_err());

        let gone = investigator.reveal(&p2(), due.record, &["identity"]).await;
        assert_eq!(refused(gone), Reason::NotAvailable);
        assert!(investigator.reveal(&p2(), live.record, &["identity"]).await.is_ok());
        served.stop().await;
    });
}
