//! The formats of DESIGN section 4 once more, from their text and the known answers alone: nothing here
//! is taken from the package.
//!
//! Only reading: an examiner seals nothing.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256, block_api::compress256};

/// Key bytes.
pub(crate) type Key = [u8; 32];
/// An id.
pub(crate) type Id = [u8; 16];

/// Bytes of an anchor's slot.
const ANCHOR_SLOT: usize = 4096;
/// Everything of a slot before its ciphertext.
const ANCHOR_HEADER: usize = 5 + 8 + 16 + 32 + 1 + 12 + 16 + 32;
/// Levels of a segment's tree.
const DEPTH: u8 = 24;

/// HMAC-SHA-256 over parts.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Key {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hkdf<const N: usize>(key: &[u8], salt: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    Hkdf::<Sha256>::new(Some(salt), key).expand(info, &mut out).unwrap();
    out
}

fn gcm(key: &Key, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = sealed.to_vec();
    let cipher = Aes256Gcm::new(key.into());
    cipher.decrypt_in_place(nonce.into(), aad, &mut buffer).ok()?;
    Some(buffer)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Key {
    Sha256::digest(bytes).into()
}

/// The state of SHA-256 after one block, as it stands in memory.
pub(crate) fn sha256_state(block: &[u8; 64]) -> Vec<u8> {
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut state, &[*block]);
    state.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect()
}

/// What a slot of an anchor gives away.
pub(crate) struct AnchorSlot {
    /// Its generation, in clear.
    pub(crate) generation: u64,
    /// The generation key; `None` where the root key does not open it.
    pub(crate) key: Option<Key>,
}

/// The whole slots of an anchor file (a good CRC; zeros and garbage are none).
pub(crate) fn anchor_slots(file: &[u8], root: &Key) -> Vec<AnchorSlot> {
    file.chunks(ANCHOR_SLOT).filter_map(|slot| anchor_slot(slot, root)).collect()
}

fn anchor_slot(slot: &[u8], root: &Key) -> Option<AnchorSlot> {
    let checked = slot.get(..ANCHOR_HEADER + 48)?;
    let crc =
        u32::from_be_bytes(slot.get(ANCHOR_HEADER + 48..ANCHOR_HEADER + 52)?.try_into().ok()?);
    if !checked.starts_with(b"OUBA\x01") || crc != crc32c::crc32c(checked) {
        return None;
    }
    let (header, sealed) = checked.split_at(ANCHOR_HEADER);
    let number = &header[5..13];
    let salt = &header[ANCHOR_HEADER - 32..];
    let key = hkdf(root, salt, &[b"oubliette/v1/anchor", number].concat());
    let opened = gcm(&key, &[0; 12], header, sealed);
    let generation = u64::from_be_bytes(number.try_into().unwrap());
    Some(AnchorSlot { generation, key: opened.map(|bytes| bytes.try_into().unwrap()) })
}

/// A keyring file's generation and vault, in clear in its header.
pub(crate) fn keyring_header(file: &[u8]) -> Option<(u64, Id)> {
    let rest = file.strip_prefix(b"OUBK\x01")?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (vault, _) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*generation), *vault))
}

/// The body of a keyring file, if this is its generation key.
pub(crate) fn open_keyring(file: &[u8], generation_key: &Key) -> Option<Vec<u8>> {
    let (generation, vault) = keyring_header(file)?;
    let info = [b"oubliette/v1/keyring".as_slice(), &generation.to_be_bytes()].concat();
    let (header, sealed) = file.split_at_checked(29)?;
    gcm(&hkdf(generation_key, &vault, &info), &[0; 12], header, sealed)
}

/// A node of a cover.
pub(crate) struct Node {
    depth: u8,
    prefix: u32,
    key: Key,
}

/// The nodes of a segment's cover.
pub(crate) fn cover(bytes: &[u8]) -> Vec<Node> {
    let node = |n: &[u8]| Node {
        depth: n[0],
        prefix: u32::from_be_bytes(n[1..5].try_into().unwrap()),
        key: n[5..37].try_into().unwrap(),
    };
    assert_eq!(bytes.len() % 37, 0, "a cover is whole nodes");
    bytes.chunks(37).map(node).collect()
}

/// The secret of a slot, if a node of the cover is above it.
pub(crate) fn slot_secret(cover: &[Node], seg: &Id, index: u32) -> Option<Key> {
    let leaf = *way(cover, index).last()?;
    Some(hmac(&leaf, &[b"oubliette/v1/slot", seg, &index.to_be_bytes()]))
}

/// The nodes from the cover down to a slot's leaf: each of them gives the slot.
pub(crate) fn way(cover: &[Node], index: u32) -> Vec<Key> {
    let above = |n: &&Node| u64::from(index) >> (DEPTH - n.depth) == u64::from(n.prefix);
    let Some(node) = cover.iter().find(above) else { return Vec::new() };
    let mut way = vec![node.key];
    for level in node.depth..DEPTH {
        let right = u8::from(index >> (DEPTH - 1 - level) & 1 == 1);
        way.push(hmac(way.last().unwrap(), &[b"oubliette/v1/ggm", &[right]]));
    }
    way
}

/// Where a section belongs.
pub(crate) struct Address<'a> {
    pub(crate) vault: &'a Id,
    pub(crate) seg: &'a Id,
    pub(crate) index: u32,
    pub(crate) collection: &'a str,
    pub(crate) record: &'a Id,
    pub(crate) class: &'a str,
    pub(crate) version: u32,
}

impl Address<'_> {
    fn aad(&self) -> Vec<u8> {
        let named = |text: &str| {
            [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
        };
        [
            b"oubliette/v1/aad".as_slice(),
            self.vault,
            self.seg,
            &self.index.to_be_bytes(),
            &named(self.collection),
            self.record,
            &named(self.class),
            &self.version.to_be_bytes(),
        ]
        .concat()
    }
}

/// What one section is sealed with.
pub(crate) struct SectionKeys {
    /// The pseudorandom key between the slot secret and the rest.
    pub(crate) extracted: Key,
    /// The AES key.
    pub(crate) key: Key,
    nonce: [u8; 12],
    commitment: Key,
}

/// The keys of a section under this slot secret at this address.
pub(crate) fn section_keys(slot: &Key, at: &Address<'_>, section: &[u8]) -> Option<SectionKeys> {
    let salt = section.get(1..17)?;
    let info = [b"oubliette/v1/section".as_slice(), &sha256(&at.aad())].concat();
    let all: [u8; 76] = hkdf(slot, salt, &info);
    Some(SectionKeys {
        extracted: hmac(salt, &[slot]),
        key: all[..32].try_into().unwrap(),
        nonce: all[32..44].try_into().unwrap(),
        commitment: all[44..].try_into().unwrap(),
    })
}

/// The message of a section; `None` if it does not open here.
pub(crate) fn open_section(slot: &Key, at: &Address<'_>, section: &[u8]) -> Option<Vec<u8>> {
    let keys = section_keys(slot, at, section)?;
    if section[0] != 1 || section.get(17..49)? != keys.commitment {
        return None;
    }
    let padded = gcm(&keys.key, &keys.nonce, &at.aad(), &section[49..])?;
    let length = u32::from_be_bytes(padded[..4].try_into().unwrap()) as usize;
    Some(padded[4..4 + length].to_vec())
}

/// The token of a searchable value, already normalised.
pub(crate) fn token(index_key: &Key, collection: &str, field: &str, value: &str) -> Id {
    let named =
        |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let (collection, field) = (named(collection), named(field));
    let parts: [&[u8]; 4] = [b"oubliette/v1/index", &collection, &field, value.as_bytes()];
    hmac(index_key, &parts)[..16].try_into().unwrap()
}

/// A value of a protobuf field.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, in their order; `None` for bytes that are none.
pub(crate) fn message(mut bytes: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Value::Bytes(value)
            }
            _ => return None,
        };
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A protobuf message whose fields are asked for by number.
pub(crate) struct Fields<'a>(pub(crate) Vec<(u64, Value<'a>)>);

impl<'a> Fields<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(message(bytes).expect("a protobuf message"))
    }

    /// Every value of a field of bytes.
    pub(crate) fn all(&self, number: u64) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter_map(move |(n, value)| match value {
            Value::Bytes(bytes) if *n == number => Some(*bytes),
            _ => None,
        })
    }

    pub(crate) fn bytes(&self, number: u64) -> &'a [u8] {
        self.all(number).next().unwrap_or_default()
    }

    pub(crate) fn id(&self, number: u64) -> Id {
        self.bytes(number).try_into().expect("an id of 16 bytes")
    }

    pub(crate) fn text(&self, number: u64) -> &'a str {
        std::str::from_utf8(self.bytes(number)).expect("text")
    }

    pub(crate) fn number(&self, number: u64) -> u64 {
        let found = self.0.iter().find_map(|(n, value)| match value {
            Value::Number(value) if *n == number => Some(*value),
            _ => None,
        });
        found.unwrap_or_default()
    }

    pub(crate) fn index(&self, number: u64) -> u32 {
        u32::try_from(self.number(number)).expect("32 bits")
    }
}
