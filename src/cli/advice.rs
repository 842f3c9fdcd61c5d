//! What to do next about an error of the floors below: one line each, in words of the command line.
//!
//! An advice never names a command that does not exist without saying so.

use crate::{
    client::session::SessionError, identity::tls::TlsError, keyring::KeyringError,
    server::ServeError, storage::StoreError, vault::startup::StartError,
};

/// The policy refused an act on the vault itself.
pub(super) const ROLE: &str = "this role may not do that: the policy pack's README says which role may, or ask \
     the key admin or the DPO";
/// A fault that no setting mends.
pub(super) const FAULT: &str = "if it stays, report it with this text";
/// What the keyring says of these ends in a command on places.
const PLACES: &str = "`oubliette place verify` says what every place holds; put the newest back where they were, in their \
     order, or change the list: `oubliette place --help`";

/// About the session file.
pub(super) fn session(error: &SessionError) -> String {
    match error {
        SessionError::Missing => "`oubliette login NAME`".to_owned(),
        SessionError::Loose(path) => format!(
            "`chmod 600 {}`, then `oubliette logout` and log in again: others may know this session",
            path.display()
        ),
        SessionError::Malformed(path) => {
            format!("delete `{}`, then `oubliette login NAME`", path.display())
        }
        SessionError::NoHome => "say where to keep it: --session FILE".to_owned(),
        SessionError::Io(..) => "check the path, or say another one: --session FILE".to_owned(),
    }
}

/// About a vault that was not founded or did not start.
pub(super) fn start(error: &StartError) -> String {
    let advice = match error {
        StartError::RetentionChanged(_) => {
            "serve with the pack as it was; a command that applies changed rules is not built yet"
        }
        StartError::PlacesRolledBack { .. } => PLACES,
        StartError::OtherVault | StartError::SegmentUnaccounted(_) => {
            "check that --data and --keys are those of one `init`"
        }
        StartError::Tampered(_) => {
            "keep a copy of the data folder, find out who wrote to it, and restore a backup"
        }
        StartError::NotEmpty => {
            "name a new --data folder; if a vault is in this one, run it: `oubliette serve`"
        }
        StartError::BackupOfOther { .. } => {
            "give the --keys of the vault that the backup was taken of; `oubliette backup verify` names it"
        }
        StartError::SamePerson => "name two persons: --key-admin ID --dpo ID",
        StartError::Keyring(error) => return keyring(error).to_owned(),
        StartError::Store(StoreError::Locked) => {
            "a vault is served from this folder already: use that one, or stop it first"
        }
        StartError::Store(_) | StartError::Io { .. } => {
            "check the data folder: its path, its permissions, its disk"
        }
        StartError::Log(_) | StartError::Audit(_) => {
            "keep a copy of the data folder: the log in it is evidence"
        }
        _ => FAULT,
    };
    advice.to_owned()
}

/// About places and root keys.
pub(super) fn keyring(error: &KeyringError) -> &'static str {
    match error {
        KeyringError::WrongRoot => {
            "give the passphrase or key file that `init` got, or that `key rotate` put in force last (one that \
             was cut short may have left the one before); nothing else opens this vault"
        }
        KeyringError::RootKind(_) => {
            "give the kind of root key that `init` got: a passphrase or --key-file"
        }
        KeyringError::RootInput => "check the file that was given",
        KeyringError::PlaceLocked { .. } => {
            "a vault is served with these places already: use that one, or stop it first"
        }
        KeyringError::NoPlace => "give --keys DIR, the same as at `init`",
        KeyringError::PlaceInsideData { .. } => "choose a --keys folder outside --data",
        KeyringError::PlaceTwice { .. } => "give each --keys folder once",
        KeyringError::PlaceExists { .. } | KeyringError::PlaceUnfinished { .. } => {
            "choose empty --keys folders; if a vault lives there, run it: `oubliette serve`"
        }
        KeyringError::PlaceOrder => {
            "give --keys in the order that `oubliette place verify` shows, the primary first"
        }
        KeyringError::OtherVault { .. } => "check that --data and --keys are those of one `init`",
        KeyringError::PlaceIo { .. } => {
            "check the --keys folder: its path, its permissions, its device"
        }
        // What the keyring says of these ends in a command.
        error if error.to_string().contains("`place ") => PLACES,
        _ => "check the --keys folders",
    }
}

/// About serving.
pub(super) fn serve(error: &ServeError) -> &'static str {
    match error {
        ServeError::NotLoopback(_) => {
            "give --tls-cert FILE and --tls-key FILE (`oubliette cert dev DIR` makes a pair to try with), or --listen 127.0.0.1:PORT"
        }
        ServeError::Socket(_) | ServeError::Transport(_) => "start the vault again",
        ServeError::Descriptors => FAULT,
    }
}

/// About certificates and keys.
pub(super) fn tls(error: &TlsError) -> String {
    let advice = match error {
        TlsError::Loose(path) => {
            return format!(
                "`chmod 600 {}`; if others may have read it, get a new key and certificate",
                path.display()
            );
        }
        TlsError::Io(..) => "check the path and its permissions (`ls -l`)",
        TlsError::TooLarge(_) | TlsError::Pem(_) | TlsError::Certificate(_) => {
            "check that the file is whole and is what it should be; `openssl x509 -in FILE` shows a certificate"
        }
        TlsError::NoCertificate(_) => {
            "a file with `BEGIN CERTIFICATE` belongs here; the key has a file of its own"
        }
        TlsError::NoKey(_) => {
            "a file with `BEGIN PRIVATE KEY` belongs here; `openssl pkey -in FILE -out NEW` decrypts one"
        }
        TlsError::KeyKind(_) => "get a certificate for an ECDSA P-256 key",
        TlsError::Mismatch { .. } => {
            "give the key that the certificate was asked for with; in the file, the server's own certificate comes first"
        }
        TlsError::Name(_) => "give --name HOST, without scheme, port or wildcard",
        TlsError::Day => "set the clock of this machine",
        _ => FAULT,
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::failure::Failure;

    #[test]
    fn a_loose_session_file_is_advised_with_the_command_that_mends_it() {
        let text = Failure::from(SessionError::Loose(PathBuf::from("/run/s"))).text();
        assert!(text.contains("chmod 600 /run/s"), "{text}");
    }

    #[test]
    fn a_refusal_that_a_command_on_places_mends_is_advised_with_them_and_another_is_not() {
        let id = crate::ids::PlaceId::from_bytes([1; 16]);
        for mended in [KeyringError::FollowerAhead { id }, KeyringError::PlaceUnknown { id }] {
            assert!(mended.to_string().contains("`place "));
            assert!(keyring(&mended).contains("`oubliette place verify`"));
        }
        assert!(!keyring(&KeyringError::WrongRoot).contains("place verify"));
    }

    #[test]
    fn a_vault_served_twice_is_told_to_stop_the_first() {
        assert!(start(&StartError::Store(StoreError::Locked)).contains("stop it first"));
        let locked = StartError::Keyring(KeyringError::PlaceLocked { place: "x".into() });
        assert!(start(&locked).contains("stop it first"));
    }
}
