//! Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), and the verifier's key.
//!
//! A checkpoint is `<origin>\n<size>\n<base64 root>\n`, an empty line, and one signature line by the
//! log's own Ed25519 key whose name is the origin. Lines of unknown signers are ignored; a bad
//! signature by the known key refuses the whole note. Nothing here decides *what* may be signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::merkle::Hash;
use crate::crypto::signing;

/// The signature algorithm byte of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;

/// Why a note, a checkpoint or a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text does not have the form of a signed checkpoint.
    #[error("not a signed checkpoint")]
    Form,
    /// No line is signed by the given key.
    #[error("the checkpoint is not signed by the given key")]
    Unsigned,
    /// A line of the given key carries a wrong signature.
    #[error("the signature of the checkpoint is wrong")]
    BadSignature,
    /// The verifier key does not have the form `name+8 hex digits+base64`, or its hash is wrong.
    #[error("not a verifier key of the form name+hash+key")]
    Key,
}

/// A log's public key under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// The key of the log called `name`. Errors: [`NoteError::Key`] for a name with a space or plus.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        let bad = |c: char| c.is_whitespace() || c == '+' || c.is_control();
        if name.is_empty() || name.contains(bad) {
            return Err(NoteError::Key);
        }
        Ok(Self { name: name.to_owned(), public })
    }

    /// Reads `name+hex key id+base64(0x01 ‖ public key)`. Errors: [`NoteError::Key`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.trim().split_once('+').ok_or(NoteError::Key)?;
        let (id, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (algorithm, public) = key.split_first().ok_or(NoteError::Key)?;
        let key = Self::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        let same = *algorithm == ED25519 && id == hex::encode(key.id());
        if same { Ok(key) } else { Err(NoteError::Key) }
    }

    /// The same public key under another name (a later origin of the same log).
    pub fn renamed(&self, name: &str) -> Result<Self, NoteError> {
        Self::new(name, self.public)
    }

    /// The name: the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)\[0..4\].
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.public)
            .finalize();
        let mut id = [0; 4];
        id.iter_mut().zip(hash).for_each(|(out, byte)| *out = byte);
        id
    }
}

impl std::fmt::Display for VerifierKey {
    /// `name+hex key id+base64(0x01 ‖ public key)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

/// What a checkpoint commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Leaves in the tree.
    pub size: u64,
    /// Root of the tree of these leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note under a key whose name is the origin; `sign` makes the Ed25519 signature of
    /// the text with that key.
    #[must_use]
    pub fn sign(&self, key: &VerifierKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> String {
        let text = self.text();
        let mut signature = key.id().to_vec();
        signature.extend_from_slice(&sign(text.as_bytes()));
        format!("{text}\n\u{2014} {} {}\n", key.name(), STANDARD.encode(signature))
    }

    /// Reads a signed note and checks it against a key whose name is its origin.
    ///
    /// Errors: [`NoteError::Form`], [`NoteError::Unsigned`], [`NoteError::BadSignature`].
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let (text, signatures) = split(note)?;
        let checkpoint = Self::parse_text(text)?;
        if checkpoint.origin != key.name {
            return Err(NoteError::Unsigned);
        }
        let mut signed = false;
        for line in signatures.lines() {
            let (name, id, signature) = signature_line(line)?;
            if name == key.name && id == key.id() {
                let signature =
                    signature.as_slice().try_into().map_err(|_| NoteError::BadSignature)?;
                if !signing::verify(&key.public, text.as_bytes(), signature) {
                    return Err(NoteError::BadSignature);
                }
                signed = true;
            }
        }
        if signed { Ok(checkpoint) } else { Err(NoteError::Unsigned) }
    }

    /// Reads a note's text *without* looking at its signatures: to learn the origin, never to trust.
    pub fn peek(note: &str) -> Result<Self, NoteError> {
        Self::parse_text(split(note)?.0)
    }

    fn parse_text(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(NoteError::Form);
        let (origin, size, root) = (line()?, line()?, line()?);
        let root = STANDARD.decode(root).map_err(|_| NoteError::Form)?;
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteError::Form)?,
            root: root.try_into().map_err(|_| NoteError::Form)?,
        };
        // Extension lines, signs and leading zeros are not ours.
        if !checkpoint.origin.is_empty() && checkpoint.text() == text {
            Ok(checkpoint)
        } else {
            Err(NoteError::Form)
        }
    }
}

fn split(note: &str) -> Result<(&str, &str), NoteError> {
    // The last empty line separates text and signatures; the text keeps its final line feed.
    let at = note.rfind("\n\n").ok_or(NoteError::Form)?;
    let (text, rest) = note.split_at_checked(at + 1).ok_or(NoteError::Form)?;
    let signatures = rest.strip_prefix('\n').ok_or(NoteError::Form)?;
    if signatures.ends_with('\n') { Ok((text, signatures)) } else { Err(NoteError::Form) }
}

/// `— <name> <base64(id4 ‖ signature)>`: the name, the id and the rest.
fn signature_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Form)?;
    let (name, signature) = rest.split_once(' ').ok_or(NoteError::Form)?;
    let bytes = STANDARD.decode(signature).map_err(|_| NoteError::Form)?;
    let (id, rest) = bytes.split_first_chunk().ok_or(NoteError::Form)?;
    if name.is_empty() || rest.is_empty() {
        Err(NoteError::Form)
    } else {
        Ok((name, *id, rest.to_vec()))
    }
}
