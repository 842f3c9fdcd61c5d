//! What refuses to start, and that it changes nothing.

use std::sync::Arc;

use oubliette::{
    ids::SegmentId,
    keyring::KeyringError,
    policy::Pack,
    storage::keys,
    vault::{
        VaultError,
        startup::{Parts, StartError, start},
    },
};

use crate::house::{House, filed, reveal, root, run, text_of};

/// A founded house with one file on it, drained.
fn with_a_file(seed: u64) -> (House, oubliette::ids::RecordId) {
    let house = House::founded(seed);
    let record = run(async {
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        vault.drain();
        file.record
    });
    (house, record)
}

fn refused(house: &House) -> StartError {
    match house.start() {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[test]
fn a_vault_starts_again_and_reveals_what_it_held() {
    let (house, record) = with_a_file(60);
    run(async {
        let vault = house.start().unwrap();
        let revealed = reveal(&vault, record).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE"));
    });
}

#[test]
fn a_wrong_root_key_is_refused_and_the_right_one_still_opens() {
    let (house, _) = with_a_file(61);
    house.places.restart();
    let wrong = start(house.parts_with(root(8)));
    assert!(matches!(wrong, Err(StartError::Keyring(KeyringError::WrongRoot))));
    assert!(house.start().is_ok());
}

#[test]
fn torn_anchors_everywhere_are_refused_and_one_whole_follower_is_not_read_instead() {
    let (house, _) = with_a_file(62);
    for number in 0..2 {
        let mut image = house.places.image(number);
        assert!(image.flip("anchor"));
        house.places.restore(number, image);
    }
    assert!(matches!(refused(&house), StartError::Keyring(_)));
}

#[test]
fn a_keyring_that_does_not_match_its_anchor_is_healed_from_a_follower_or_refused() {
    let (house, record) = with_a_file(63);
    let damage = |number: usize| {
        let mut image = house.places.image(number);
        let name = image.names().into_iter().find(|n| n.starts_with("keyring.")).unwrap();
        assert!(image.flip(&name));
        house.places.restore(number, image);
    };
    damage(0);
    let vault = house.start().unwrap();
    assert!(run(reveal(&vault, record)).is_ok());
    drop(vault);
    damage(0);
    damage(1);
    assert!(matches!(refused(&house), StartError::Keyring(_)));
}

#[test]
fn a_segment_the_keyring_does_not_know_stops_the_start() {
    let (house, _) = with_a_file(64);
    let unknown = keys::segment(&SegmentId::from_bytes([7; 16]));
    let (mut true_row, mut true_mac) = (Vec::new(), Vec::new());
    {
        // A row with a true mac, as a restored or exchanged keyring would leave one behind.
        let vault = house.start().unwrap();
        house.disk.tamper(|map| {
            let known = map.range(keys::segments()..).next().unwrap();
            true_row = known.1[32..].to_vec();
        });
        true_mac.extend(vault.log().keyring().mac_row(&unknown, &true_row));
    }
    house.disk.tamper(|map| {
        map.insert(unknown.clone(), true_mac);
    });
    assert!(matches!(refused(&house), StartError::SegmentUnaccounted(_)));
    // The same row without its mac is no row of this vault at all.
    house.disk.tamper(|map| {
        map.insert(unknown.clone(), [vec![0; 32], true_row].concat());
    });
    assert!(matches!(refused(&house), StartError::Tampered(_)));
    house.disk.tamper(|map| {
        map.remove(&unknown);
    });
    assert!(house.start().is_ok());
}

#[test]
fn an_empty_data_folder_is_no_vault_and_the_places_are_left_as_they_are() {
    let (house, record) = with_a_file(72);
    let before = house.places.image(0).names();
    let elsewhere = House { disk: oubliette::storage::memory::MemoryDisk::new(), ..house.copy(73) };
    assert!(matches!(refused(&elsewhere), StartError::NoVault));
    assert_eq!(elsewhere.places.image(0).names(), before);
    let vault = house.start().unwrap();
    assert_eq!(vault.state().unwrap().log_origin, 0);
    assert!(run(reveal(&vault, record)).is_ok());
}

#[test]
fn rolled_back_places_are_refused() {
    let (house, _) = with_a_file(65);
    let old = [house.places.image(0), house.places.image(1)];
    drop(house.start().unwrap()); // a later run writes later generations
    for (number, image) in old.into_iter().enumerate() {
        house.places.restore(number, image);
    }
    assert!(matches!(refused(&house), StartError::PlacesRolledBack { .. }));
}

#[test]
fn a_tampered_head_is_refused() {
    let (house, record) = with_a_file(66);
    house.disk.tamper(|map| {
        let row = map.get_mut(&keys::record(&record)).unwrap();
        let last = row.len() - 1;
        row[last] ^= 1;
    });
    let vault = house.start().unwrap();
    let answer = run(reveal(&vault, record));
    assert!(matches!(answer, Err(VaultError::Corrupt(_))));
}

#[test]
fn a_section_moved_to_another_record_is_refused() {
    let house = House::founded(67);
    run(async {
        let vault = house.start().unwrap();
        let one = filed(&vault, "EXEMPLE-UN", "2020-11-20").await.unwrap();
        let two = filed(&vault, "EXEMPLE-DEUX", "2020-11-20").await.unwrap();
        house.disk.tamper(|map| {
            let is_identity = |k: &[u8]| k[0] == b's' && k.ends_with(b"identity");
            let of = |id: &oubliette::ids::RecordId,
                      map: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>| {
                map.keys()
                    .find(|k| is_identity(k) && k[17..33] == id.as_bytes()[..])
                    .cloned()
                    .unwrap()
            };
            let moved = map[&of(&one.record, map)].clone();
            let target = of(&two.record, map);
            map.insert(target, moved);
        });
        assert!(matches!(reveal(&vault, two.record).await, Err(VaultError::Corrupt(_))));
        assert!(reveal(&vault, one.record).await.is_ok());
    });
}

#[test]
fn a_tampered_directory_row_stops_the_start() {
    let (house, _) = with_a_file(68);
    house.disk.tamper(|map| {
        let row = map.get_mut(&keys::agent("watch-1")).unwrap();
        let last = row.len() - 1;
        row[last] ^= 1;
    });
    assert!(matches!(refused(&house), StartError::Identity(_)));
}

#[test]
fn a_changed_retention_rule_stops_the_start_and_any_other_change_is_pinned() {
    let (house, _) = with_a_file(69);
    let folder = tempfile::tempdir().unwrap();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/desk");
    let write = |from: &str, to: &str| {
        for name in ["pack.toml", "desk.cedar", "scenarios.toml"] {
            let text = std::fs::read_to_string(source.join(name)).unwrap();
            std::fs::write(folder.path().join(name), text.replace(from, to)).unwrap();
        }
        Pack::load(folder.path()).unwrap_or_else(|e| panic!("{e:#?}"))
    };
    let with = |pack: Arc<Pack>| {
        house.places.restart();
        start(Parts { pack, ..house.parts() })
    };
    let longer = with(write("period = \"P3M\"", "period = \"P2M\""));
    let Err(StartError::RetentionChanged(lines)) = longer else { panic!("it started") };
    assert!(lines.iter().any(|l| l.contains("P3M") && l.contains("P2M")), "{lines:?}");

    let vault = with(write("sees the end", "sees only the end")).unwrap();
    assert_ne!(vault.log().keyring().pinned_pack().0, house.pack.hash());
}

#[test]
fn the_key_admin_and_the_dpo_must_be_two_persons() {
    use crate::house::new_agent;
    use oubliette::vault::startup::{Founders, found};
    let house = House::empty(70);
    let founders = Founders {
        vault_name: "desk.test".to_owned(),
        node: "a".to_owned(),
        key_admin: new_agent("one", "keys", None),
        dpo: new_agent("one", "watch", None),
    };
    assert!(matches!(found(house.parts(), founders), Err(StartError::SamePerson)));
    assert!(house.found().is_ok());
}

#[test]
fn a_node_that_is_a_number_is_refused_and_one_with_a_name_founded() {
    use crate::house::new_agent;
    use oubliette::vault::startup::{Founders, found};
    for (node, taken) in [("7", false), ("007", false), ("node-7", true)] {
        let house = House::empty(72);
        let founders = Founders {
            vault_name: "desk.test".to_owned(),
            node: node.to_owned(),
            key_admin: new_agent("one", "keys", None),
            dpo: new_agent("two", "watch", None),
        };
        match found(house.parts(), founders) {
            Ok(_) => assert!(taken, "{node}"),
            Err(error) => {
                assert!(!taken && matches!(error, StartError::NodeIsNumber), "{node}: {error}");
            }
        }
    }
}

#[test]
fn a_vault_is_never_founded_over_another() {
    let (house, record) = with_a_file(71);
    house.places.restart();
    assert!(house.found().is_err());
    let vault = house.start().unwrap();
    assert!(run(reveal(&vault, record)).is_ok());
}
