//! Another policy pack while the vault runs: who may, what it leaves, what refuses it, and that every cut
//! leaves a vault that starts.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use oubliette::{
    identity::Caller,
    policy::{Pack, PackError},
    storage::memory::Counted,
    vault::{
        PackReader, Reloaded, Vault, VaultError,
        startup::{Parts, StartError, start},
    },
};

use crate::{
    erase::{Plan, plans},
    house::{DAY_MS, House, caller, clerk, events, filed, reveal, run, watch},
};

/// What closes the identity of a file to its clerk, where a pack says so.
const CLOSED: &str = "\n@id(\"closed\")\n@reason(\"nobody reads names\")\n@legal(\"test pack\")\n\
    forbid (principal, action == Action::\"reveal:identity\", resource);\n";

/// The folder of a pack that somebody edits.
struct Folder(tempfile::TempDir);

impl Folder {
    /// A copy of the tests' pack.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.restore();
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn restore(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/desk");
        for name in ["pack.toml", "desk.cedar", "scenarios.toml"] {
            fs::copy(source.join(name), self.path().join(name)).unwrap();
        }
    }

    /// Replaces a text that must be there in one of the files.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Says something else without changing what anybody may.
    fn reword(&self) {
        self.edit("desk.cedar", "sees the end", "sees only the end");
    }

    /// Nobody reads names any more: its scenario says so.
    fn close(&self) {
        let path = self.path().join("desk.cedar");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + CLOSED).unwrap();
        self.edit(
            "scenarios.toml",
            "expect = \"allow\"\npolicy = \"clerk-own-files\"",
            "expect = \"deny\"\npolicy = \"closed\"",
        );
    }

    fn pack(&self) -> Arc<Pack> {
        Pack::load(self.path()).unwrap_or_else(|errors| panic!("{errors:#?}"))
    }
}

struct Reader(std::path::PathBuf);

impl PackReader for Reader {
    fn read(&self) -> Result<Arc<Pack>, Vec<PackError>> {
        Pack::load(&self.0)
    }
}

fn started(house: &House, folder: &Folder) -> Arc<Vault> {
    let vault = house.start().unwrap();
    vault.read_pack_by(Arc::new(Reader(folder.path().to_owned())));
    vault
}

fn keys() -> Caller {
    caller("keys-1", "keys", None)
}

fn pinned(vault: &Vault) -> [u8; 32] {
    vault.log().keyring().pinned_pack().0
}

fn start_with(house: &House, pack: Arc<Pack>) -> Result<Arc<Vault>, StartError> {
    house.places.restart();
    house.disk.heal();
    start(Parts { pack, ..house.parts() })
}

#[test]
fn the_key_admin_puts_a_changed_pack_in_force_and_both_hashes_are_logged_and_the_new_one_pinned() {
    run(async {
        let (house, folder) = (House::founded(900), Folder::new());
        let vault = started(&house, &folder);
        let record = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        assert!(reveal(&vault, record).await.is_ok());
        let (old, before) = (house.pack.hash(), vault.state().unwrap().generation);
        folder.close();
        let new = folder.pack().hash();
        assert!(reveal(&vault, record).await.is_ok(), "an edited file alone is not in force");
        let done = vault.reload_policies(&keys()).await.unwrap();
        let generation = before + 1;
        let name = "desk/test".to_owned();
        let expected = Reloaded { name, hash: new, previous: old, generation: Some(generation) };
        assert_eq!(Reloaded { name: expected.name.clone(), ..done }, expected);
        assert_eq!((pinned(&vault), vault.state().unwrap().pack_hash), (new, new));
        assert_eq!(vault.state().unwrap().generation, generation);
        let refused = reveal(&vault, record).await.map(|_| ());
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");

        let intent = events(&vault, "policy-reload-intent").await.remove(0);
        let event = events(&vault, "policy-reload").await.remove(0);
        assert_eq!((intent.outcome.as_str(), event.outcome.as_str()), ("STARTED", "OK"));
        let notes = [
            format!("old={}", hex::encode(old)),
            format!("new={}", hex::encode(new)),
            format!("generation={generation}"),
        ];
        assert_eq!((intent.notes.as_slice(), event.notes.as_slice()), (&notes[..], &notes[..]));
        assert_eq!(event.agent.unwrap().as_str(), "keys-1");
        assert_eq!(event.pack_hash, old, "it was decided by the pack before");
    });
}

#[test]
fn a_vault_starts_with_the_pack_that_was_put_in_force_and_writes_no_further_generation_for_it() {
    run(async {
        let (house, folder) = (House::founded(901), Folder::new());
        let vault = started(&house, &folder);
        folder.reword();
        vault.reload_policies(&keys()).await.unwrap();
        vault.drain();
        drop(vault);
        let vault = start_with(&house, folder.pack()).unwrap();
        assert_eq!(pinned(&vault), folder.pack().hash());
        assert_eq!(events(&vault, "policy-reload").await.len(), 1, "the start has nothing to tell");
    });
}

#[test]
fn a_start_with_another_pack_tells_the_log_both_hashes_and_one_with_the_same_tells_nothing() {
    run(async {
        let (house, folder) = (House::founded(902), Folder::new());
        drop(house.start().unwrap());
        folder.reword();
        let vault = start_with(&house, folder.pack()).unwrap();
        let told = events(&vault, "policy-reload").await;
        let [event] = told.as_slice() else { panic!("{told:?}") };
        assert!(event.agent.is_none() && event.outcome == "OK");
        assert_eq!(event.notes[0], format!("old={}", hex::encode(house.pack.hash())));
        assert_eq!(event.notes[1], format!("new={}", hex::encode(folder.pack().hash())));
        assert_eq!(event.pack_hash, folder.pack().hash());
        drop(vault);
        let vault = start_with(&house, folder.pack()).unwrap();
        assert_eq!(events(&vault, "policy-reload").await.len(), 1);
    });
}

#[test]
fn an_unchanged_pack_is_said_to_be_so_and_no_generation_is_written() {
    run(async {
        let (house, folder) = (House::founded(903), Folder::new());
        let vault = started(&house, &folder);
        let before = vault.state().unwrap().generation;
        let done = vault.reload_policies(&keys()).await.unwrap();
        assert_eq!(
            (done.hash, done.previous, done.generation),
            (house.pack.hash(), done.hash, None)
        );
        assert_eq!(vault.state().unwrap().generation, before);
        assert!(events(&vault, "policy-reload-intent").await.is_empty());
        let event = events(&vault, "policy-reload").await.remove(0);
        assert_eq!(event.notes, [format!("unchanged={}", hex::encode(done.hash))]);
    });
}

#[test]
fn who_is_no_key_admin_reloads_nothing_and_the_refusal_is_logged() {
    run(async {
        let (house, folder) = (House::founded(904), Folder::new());
        let vault = started(&house, &folder);
        folder.close();
        for who in [watch(), clerk()] {
            let refused = vault.reload_policies(&who).await;
            assert!(matches!(refused, Err(VaultError::Denied { .. })));
        }
        assert_eq!(vault.pack().hash(), house.pack.hash());
        let refusals = events(&vault, "policy-reload").await;
        assert!(refusals.len() == 2 && refusals.iter().all(|e| e.outcome == "DENIED"));
        assert!(vault.reload_policies(&keys()).await.is_ok());
    });
}

#[test]
fn a_pack_with_mistakes_is_refused_with_every_one_and_the_running_pack_stays_in_force() {
    run(async {
        let (house, folder) = (House::founded(905), Folder::new());
        let vault = started(&house, &folder);
        let record = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let before = vault.state().unwrap().generation;
        folder.close();
        folder.edit("desk.cedar", "Role::\"desk_head\"", "Role::\"desk_hed\"");
        folder.edit("scenarios.toml", "name = \"a clerk reads", "nome = \"a clerk reads");
        let refused = vault.reload_policies(&keys()).await;
        let Err(VaultError::PackRefused(errors)) = refused else { panic!("it was taken") };
        for file in ["desk.cedar", "scenarios.toml"] {
            assert!(errors.iter().any(|e| e.file == file && e.line > 0), "{file}: {errors:#?}");
        }
        // A scenario that fails is a mistake like any other.
        folder.restore();
        folder.edit("scenarios.toml", "expect = \"allow\"", "expect = \"deny\"");
        let refused = vault.reload_policies(&keys()).await;
        let Err(VaultError::PackRefused(errors)) = refused else { panic!("it was taken") };
        assert!(errors.iter().all(|e| e.reason.contains("scenario `")), "{errors:#?}");
        // And a folder that is gone.
        fs::remove_file(folder.path().join("pack.toml")).unwrap();
        assert!(matches!(vault.reload_policies(&keys()).await, Err(VaultError::PackRefused(_))));

        assert_eq!((vault.pack().hash(), pinned(&vault)), (house.pack.hash(), house.pack.hash()));
        assert_eq!(vault.state().unwrap().generation, before);
        assert!(reveal(&vault, record).await.is_ok());
        let refusals = events(&vault, "policy-reload").await;
        assert!(refusals.len() == 3 && refusals.iter().all(|e| e.outcome == "PACK_REFUSED"));
        assert!(events(&vault, "policy-reload-intent").await.is_empty());
        folder.restore();
        folder.reword();
        assert!(vault.reload_policies(&keys()).await.is_ok(), "a good one is taken afterwards");
    });
}

#[test]
fn a_pack_of_another_retention_is_refused_with_what_differs_and_so_is_a_start_with_it() {
    run(async {
        let (house, folder) = (House::founded(906), Folder::new());
        let vault = started(&house, &folder);
        let before = vault.state().unwrap().generation;
        folder.edit("pack.toml", "period = \"P3M\"", "period = \"P2M\"");
        let refused = vault.reload_policies(&keys()).await;
        let Err(VaultError::RetentionChanged(differences)) = refused else { panic!("taken") };
        let [difference] = differences.as_slice() else { panic!("{differences:?}") };
        assert_eq!(difference.path, "collection files");
        assert_eq!(difference.reason, "P3M from collected_on -> P2M from collected_on");
        assert_eq!((vault.pack().hash(), pinned(&vault)), (house.pack.hash(), house.pack.hash()));
        assert_eq!(vault.state().unwrap().generation, before);
        let event = events(&vault, "policy-reload").await.remove(0);
        assert_eq!(event.outcome, "RETENTION_CHANGED");
        drop(vault);
        let refused = start_with(&house, folder.pack()).map(|_| ());
        assert!(matches!(refused, Err(StartError::RetentionChanged(_))), "{refused:?}");
        assert!(house.start().is_ok());
    });
}

#[test]
fn a_vault_without_a_folder_to_read_again_says_so() {
    run(async {
        let house = House::founded(907);
        let vault = house.start().unwrap();
        let refused = vault.reload_policies(&keys()).await;
        let Err(VaultError::PackRefused(errors)) = refused else { panic!("it was taken") };
        assert!(errors[0].reason.contains("without a folder"));
    });
}

#[test]
fn background_work_after_a_reload_is_done_under_the_pack_in_force() {
    run(async {
        let (house, folder) = (House::founded(908), Folder::new());
        let vault = started(&house, &folder);
        filed(&vault, "EXEMPLE", "2020-08-24").await.unwrap();
        folder.reword();
        let new = vault.reload_policies(&keys()).await.unwrap().hash;
        house.clock.advance_millis(DAY_MS);
        let ticking = Arc::clone(&vault);
        tokio::task::spawn_blocking(move || ticking.tick()).await.unwrap().unwrap();
        let purge = events(&vault, "purge").await.remove(0);
        assert_eq!(purge.pack_hash, new);
        let certificate = vault.certificate(&watch(), None).await.unwrap();
        assert!(certificate.contains(&hex::encode(new)), "{certificate}");
    });
}

#[test]
fn each_of_many_reveals_during_reloads_is_decided_and_logged_under_exactly_one_pack() {
    run(async {
        let (house, folder) = (House::founded(909), Folder::new());
        let vault = started(&house, &folder);
        let record = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let going = Arc::new(AtomicBool::new(true));
        let revealers: Vec<_> = (0..4)
            .map(|_| {
                let (vault, going) = (Arc::clone(&vault), Arc::clone(&going));
                tokio::spawn(async move {
                    let (mut shown, mut refused) = (0, 0);
                    while going.load(Ordering::Relaxed) {
                        match reveal(&vault, record).await {
                            Ok(_) => shown += 1,
                            Err(VaultError::Denied { .. }) => refused += 1,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    (shown, refused)
                })
            })
            .collect();
        let open = house.pack.hash();
        let mut closed = open;
        for round in 0..6 {
            folder.restore();
            if round % 2 == 0 {
                folder.close();
            }
            let done = vault.reload_policies(&keys()).await.unwrap();
            assert!(done.generation.is_some());
            closed = if round % 2 == 0 { done.hash } else { closed };
        }
        going.store(false, Ordering::Relaxed);
        let (mut shown, mut refused) = (0, 0);
        for revealer in revealers {
            let counts: (usize, usize) = revealer.await.unwrap();
            (shown, refused) = (shown + counts.0, refused + counts.1);
        }
        let mut logged = (0, 0);
        let by = |event: &oubliette::audit::StoredEvent, id: &str| {
            event.policies.iter().any(|(policy, _)| policy == id)
        };
        for event in every_event(&vault, "reveal").await {
            if event.pack_hash == open {
                assert!(event.decision == "allow" && by(&event, "clerk-own-files"), "{event:?}");
                logged.0 += 1;
            } else {
                assert_eq!(event.pack_hash, closed, "a pack that was never in force");
                assert!(event.decision == "deny" && by(&event, "closed"), "{event:?}");
                logged.1 += 1;
            }
        }
        assert_eq!(logged, (shown, refused));
        assert!(shown > 0 && refused > 0, "both packs decided: {shown} and {refused}");
    });
}

/// All events of a kind, page by page.
async fn every_event(vault: &Vault, kind: &str) -> Vec<oubliette::audit::StoredEvent> {
    use oubliette::audit::{EventDetail, EventFilter};
    let filter = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = vault.list_events(&watch(), filter.clone(), after, 500).await.unwrap();
        all.extend(page.events.into_iter().filter_map(|event| match event.detail {
            EventDetail::Open(stored) => Some(*stored),
            _ => None,
        }));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[test]
fn a_reload_cut_at_any_call_leaves_one_of_the_two_packs_and_a_vault_that_starts_with_either() {
    run(async {
        let (base, folder) = (House::founded(910), Folder::new());
        let old = Arc::clone(&base.pack);
        folder.close();
        let new = folder.pack();
        let calls = {
            let house = base.copy(911);
            let vault = started(&house, &folder);
            let places = house.places.calls();
            house.disk.heal();
            vault.reload_policies(&keys()).await.unwrap();
            (house.disk.calls(Counted::All), house.places.calls() - places)
        };
        assert!(calls.0 >= 3 && calls.1 > 5, "two events, a leaf and a generation: {calls:?}");
        let mut left = [0, 0];
        for (n, plan) in plans(calls).into_iter().enumerate() {
            let house = base.copy(912);
            let vault = started(&house, &folder);
            match plan {
                Plan::Store(fault) => house.disk.inject(Counted::All, fault),
                Plan::Place(n, fault) => house.places.fail(house.places.calls() + n, fault, true),
            }
            let answer = vault.reload_policies(&keys()).await;
            let in_force = vault.pack().hash();
            assert_eq!(answer.is_ok(), in_force == new.hash(), "{plan:?}: {answer:?}");
            assert!(answer.is_err() || pinned(&vault) == new.hash(), "{plan:?}: not pinned");
            vault.drain();
            drop(vault);

            // The folder holds the new pack, or somebody has put the old one back: both start.
            let (folder_pack, word) = if n % 2 == 0 { (&new, "new") } else { (&old, "old") };
            let before = pinned_at_rest(&house);
            let vault = start_with(&house, Arc::clone(folder_pack));
            let vault = vault.unwrap_or_else(|e| panic!("{plan:?}, {word} pack: {e}"));
            assert_eq!(pinned(&vault), folder_pack.hash(), "{plan:?}, {word} pack");
            let intents = events(&vault, "policy-reload-intent").await;
            let named = |hash: [u8; 32]| {
                let note = format!("new={}", hex::encode(hash));
                intents.iter().any(|event| event.notes.contains(&note))
            };
            assert!(answer.is_err() || named(new.hash()), "{plan:?}: answered, not logged");
            assert!(before != new.hash() || named(new.hash()), "{plan:?}: pinned, not logged");
            assert!(answer.is_err() || before == new.hash(), "{plan:?}: answered and lost");
            left[usize::from(before == new.hash())] += 1;
        }
        assert!(left.iter().all(|times| *times > 0), "cuts before and after the pin: {left:?}");
    });
}

/// The pack that is pinned at the places of a vault that does not run, on a copy of it.
fn pinned_at_rest(house: &House) -> [u8; 32] {
    use oubliette::keyring::Keyring;
    let copy = house.copy(913);
    copy.places.restart();
    let parts = copy.parts();
    let opened = Keyring::open(parts.places, &[], parts.root, parts.random.as_ref()).unwrap();
    opened.pinned_pack().0
}
