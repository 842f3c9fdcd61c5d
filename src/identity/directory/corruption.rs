//! Directory rows under the keyring's own mac: every way to change one byte of a row or of its key, every
//! cut and lengthening is refused by the name of the row, and the whole directory with it.

use super::*;
use crate::{
    clock::Timestamp,
    identity::testing::agent_row,
    keyring::{MemoryPlaces, NewVault, RootSource},
    random::SeededRandom,
    secret::Secret,
    storage::{Group, Op, memory::MemoryDisk},
};

/// Every single bit, and all of them.
const MASKS: [u8; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 255];

fn keyring() -> Arc<Keyring> {
    let root = RootSource::KeyFile(Secret::from_bytes([1; 32]));
    let new = NewVault {
        name: "vault.example".into(),
        node: "a".into(),
        pack_hash: [2; 32],
        retention_part: Vec::new(),
        now: Timestamp::from_millis(1_606_118_400_000),
    };
    Keyring::create(MemoryPlaces::new(1).places(), root, new, &SeededRandom::new(1)).unwrap()
}

fn row(keyring: &Keyring) -> (Vec<u8>, Vec<u8>) {
    let agent = agent_row("inv-1", 1);
    let key = keys::agent(agent.id.as_str());
    let value = keyring.mac_row(&key, &agent.encode());
    (key, value)
}

fn refused(keyring: &Keyring, key: &[u8], value: &[u8]) -> IdentityError {
    Entry::read(key, value, keyring).map(|_| ()).unwrap_err()
}

#[test]
fn a_row_with_any_byte_changed_cut_or_lengthened_is_refused_by_its_name() {
    let keyring = keyring();
    let (key, value) = row(&keyring);
    assert!(Entry::read(&key, &value, keyring.as_ref()).is_ok());
    let named = IdentityError::Tampered("inv-1".into());
    for at in 0..value.len() {
        for mask in MASKS {
            let mut changed = value.clone();
            changed[at] ^= mask;
            assert_eq!(refused(&keyring, &key, &changed), named, "byte {at}, mask {mask}");
        }
        assert_eq!(refused(&keyring, &key, &value[..at]), named, "{at} bytes");
    }
    for more in 1..=64 {
        for byte in [0, 255] {
            let mut longer = value.clone();
            longer.resize(longer.len() + more, byte);
            assert_eq!(refused(&keyring, &key, &longer), named, "{more} more");
        }
    }
}

#[test]
fn a_row_under_a_key_with_any_byte_changed_cut_or_lengthened_is_refused() {
    let keyring = keyring();
    let (key, value) = row(&keyring);
    for at in 0..key.len() {
        for mask in MASKS {
            let mut changed = key.clone();
            changed[at] ^= mask;
            let error = refused(&keyring, &changed, &value);
            // It is named by what its key spells, if that is an agent at all.
            assert_eq!(
                error,
                IdentityError::Tampered(named_by(&changed)),
                "byte {at}, mask {mask}"
            );
        }
        assert!(matches!(refused(&keyring, &key[..at], &value), IdentityError::Tampered(_)));
    }
    let longer = [key.as_slice(), b"2"].concat();
    assert_eq!(refused(&keyring, &longer, &value), IdentityError::Tampered("inv-12".into()));
}

#[test]
fn a_directory_with_one_changed_row_among_many_does_not_load_and_names_it() {
    let keyring = keyring();
    let store = MemoryDisk::new().open();
    let rows: Vec<(Vec<u8>, Vec<u8>)> = ["inv-1", "inv-2", "inv-3"]
        .map(|id| {
            let key = keys::agent(id);
            let value = keyring.mac_row(&key, &agent_row(id, 1).encode());
            (key, value)
        })
        .into();
    let put = |key: &[u8], value: &[u8]| {
        let ops = vec![Op::Put(key.to_vec(), value.to_vec())];
        store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
    };
    rows.iter().for_each(|(key, value)| put(key, value));
    assert_eq!(Directory::load(&store, keyring.as_ref()).unwrap().len(), 3);
    let (key, value) = &rows[1];
    for at in 0..value.len() {
        let mut changed = value.clone();
        changed[at] ^= 1;
        put(key, &changed);
        let error = Directory::load(&store, keyring.as_ref()).map(|_| ()).unwrap_err();
        assert_eq!(error, IdentityError::Tampered("inv-2".into()), "byte {at}");
    }
    // Another agent's true row in its place.
    put(key, &rows[0].1);
    let error = Directory::load(&store, keyring.as_ref()).map(|_| ()).unwrap_err();
    assert_eq!(error, IdentityError::Tampered("inv-2".into()));
    put(key, value);
    assert_eq!(Directory::load(&store, keyring.as_ref()).unwrap().len(), 3);
}
