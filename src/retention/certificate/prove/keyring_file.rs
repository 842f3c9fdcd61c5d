//! Whether a keyring file of a key place is the one that the certificate names. Its header is in clear; its
//! content is neither opened nor needed.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{Finding, KEYRING};
use crate::{limits, retention::certificate::Certificate};

/// "OUBK" ‖ 0x01 ‖ u64 g ‖ vault_id16 (DESIGN section 4).
const MAGIC: &[u8] = b"OUBK\x01";
const HEADER_BYTES: u64 = 29;

pub(super) fn check(certificate: &Certificate, path: &Path) -> Finding {
    let name = path.display();
    let read = match read(path) {
        Ok(read) => read,
        Err(error) => return Finding::failed(KEYRING, format!("`{name}` cannot be read: {error}")),
    };
    let failed = |why: String| Finding::failed(KEYRING, format!("`{name}` {why}"));
    let Some((generation, vault)) = header(&read.header) else {
        return failed("is not a keyring".to_owned());
    };
    let expected = certificate.generation_after;
    if generation != expected {
        return failed(format!("is of generation {generation}, the certificate's is {expected}"));
    }
    if hex::encode(vault) != certificate.vault_id {
        return failed("is of another vault".to_owned());
    }
    if read.hash != certificate.keyring_hash {
        return failed(format!(
            "is not the keyring of the certificate: its SHA-256 is {}, not {}",
            read.hash, certificate.keyring_hash
        ));
    }
    Finding::ok(KEYRING, format!("`{name}` is the keyring of generation {expected}"))
}

struct Content {
    header: Vec<u8>,
    hash: String,
}

fn read(path: &Path) -> std::io::Result<Content> {
    // A file beyond the bound has another hash like any other that is not the keyring.
    let bound = u64::try_from(limits::KEYRING_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(2);
    let mut file = BufReader::new(File::open(path)?.take(bound));
    let mut header = Vec::new();
    file.by_ref().take(HEADER_BYTES).read_to_end(&mut header)?;
    let mut hash = Sha256::new_with_prefix(&header);
    loop {
        let read = file.fill_buf()?;
        if read.is_empty() {
            break;
        }
        hash.update(read);
        let read = read.len();
        file.consume(read);
    }
    Ok(Content { header, hash: hex::encode(hash.finalize()) })
}

fn header(bytes: &[u8]) -> Option<(u64, [u8; 16])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (generation, vault) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*generation), vault.try_into().ok()?))
}
