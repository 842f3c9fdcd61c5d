//! Agents' secrets: what may be one, how it is hashed, and one-time secrets.
//!
//! Hashing is Argon2id v1.3 (RFC 9106) with the parameters of `limits.rs` and a fresh 16-byte salt,
//! written as a PHC string. Comparison is in constant time, and verifying for an agent that does not
//! exist does the same work against a fixed hash, so that neither time nor answer says who exists.
//! Parameters read from a row are bounded before use. Text is compared in Unicode NFC: two keyboards
//! may compose the same accented letter differently.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use crate::{
    crypto::kdf::{Argon2Params, argon2id},
    limits,
    random::Random,
    secret::{Secret, SecretBytes},
};

/// The parameters new hashes get.
const PARAMS: Argon2Params =
    Argon2Params { m_kib: limits::ARGON2_M_KIB, t: limits::ARGON2_T, p: limits::ARGON2_P };

/// Crockford's base 32 in lower case: no i, l, o, u, so nothing is misread or mistyped.
const ONE_TIME_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters between two hyphens of a one-time secret.
const ONE_TIME_GROUP: usize = 4;

/// A secret shown once; changed at first login. Text: groups of four characters between hyphens.
pub struct OneTimeSecret(pub SecretBytes);

impl OneTimeSecret {
    /// Draws one: [`limits::ONE_TIME_SECRET_CHARS`] characters of 5 random bits each.
    pub(super) fn make(random: &dyn Random) -> Self {
        let bytes = Secret::<{ limits::ONE_TIME_SECRET_CHARS }>::make(random);
        let mut text = Vec::with_capacity(2 * limits::ONE_TIME_SECRET_CHARS);
        // EXPOSE: turned into the text the new agent is given; wiped with its wrapper.
        for (i, byte) in bytes.expose().iter().enumerate() {
            if i > 0 && i % ONE_TIME_GROUP == 0 {
                text.push(b'-');
            }
            text.extend(ONE_TIME_ALPHABET.get(usize::from(byte & 31)));
        }
        Self(SecretBytes::new(text))
    }
}

/// A secret in the form that is hashed: UTF-8, NFC, at most [`limits::SECRET_BYTES_MAX`] bytes.
pub(super) struct Normalised(SecretBytes);

impl Normalised {
    /// `None` for what can be nobody's secret: not UTF-8, empty or too long.
    pub(super) fn of(secret: &SecretBytes) -> Option<Self> {
        // EXPOSE: read once to normalise; the copy is wiped like the original.
        let text = std::str::from_utf8(secret.expose()).ok()?;
        if text.is_empty() || text.len() > limits::SECRET_BYTES_MAX {
            return None;
        }
        // NFC makes no text longer than three times its bytes (UAX 15), so this never grows and
        // leaves no unwiped copy behind.
        let mut bytes = Vec::with_capacity(3 * text.len());
        let mut buffer = [0; 4];
        for c in text.nfc() {
            bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        Some(Self(SecretBytes::new(bytes)))
    }

    /// Whether an agent may choose it: long enough, and by its length and kinds of characters worth
    /// at least [`limits::AGENT_SECRET_BITS_MIN`] bits (CNIL 2022-100, with throttling).
    pub(super) fn is_strong(&self) -> bool {
        // EXPOSE: counted, not kept.
        let Ok(text) = std::str::from_utf8(self.0.expose()) else { return false };
        let has = |kind: fn(char) -> bool| text.chars().any(kind);
        let kinds = [
            (26, has(|c| c.is_ascii_lowercase())),
            (26, has(|c| c.is_ascii_uppercase())),
            (10, has(|c| c.is_ascii_digit())),
            (33, has(|c| !c.is_ascii_alphanumeric())),
        ];
        let alphabet: u32 = kinds.iter().filter(|(_, present)| *present).map(|(n, _)| n).sum();
        let chars = text.chars().count();
        let bits = f64::from(u32::try_from(chars).unwrap_or(0)) * f64::from(alphabet).log2();
        chars >= limits::AGENT_SECRET_CHARS_MIN
            && text.chars().collect::<HashSet<_>>().len() >= limits::AGENT_SECRET_DISTINCT_MIN
            && bits >= f64::from(limits::AGENT_SECRET_BITS_MIN)
    }

    /// Whether both are the same secret; constant time for equal lengths.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        // EXPOSE: both sides of a constant-time comparison.
        let (a, b) = (self.0.expose(), other.0.expose());
        bool::from(a.ct_eq(b))
    }
}

/// Hashes a secret into a PHC string. `None` only if the memory for it cannot be had. Blocks.
pub(super) fn hash(secret: &Normalised, random: &dyn Random) -> Option<String> {
    hash_with(secret, PARAMS, random)
}

/// Whether the secret is the one of this PHC string; without one (no such agent), the same work and
/// `false`. Blocks.
pub(super) fn verify(secret: Option<&Normalised>, phc: Option<&str>) -> bool {
    let stored = phc.and_then(Phc::parse);
    let known = secret.is_some() && stored.is_some();
    let nobody = Phc { params: PARAMS, salt: [0; 16], hash: [0; 32] };
    let stored = stored.unwrap_or(nobody);
    let blank = SecretBytes::new(vec![0]);
    let shown = secret.map_or(&blank, |s| &s.0);
    let Some(hash) = argon2id(shown, &stored.salt, stored.params) else { return false };
    // EXPOSE: one side of a constant-time comparison.
    let equal = bool::from(hash.expose().ct_eq(&stored.hash));
    equal & known
}

fn hash_with(secret: &Normalised, params: Argon2Params, random: &dyn Random) -> Option<String> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hash = argon2id(&secret.0, &salt, params)?;
    // EXPOSE: the hash is what is stored; the secret does not leave its wrapper.
    Some(Phc { params, salt, hash: *hash.expose() }.print())
}

/// A PHC string of Argon2id v1.3 with a 16-byte salt and 32 bytes of output.
struct Phc {
    params: Argon2Params,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Phc {
    fn print(&self) -> String {
        let Argon2Params { m_kib, t, p } = self.params;
        let (salt, hash) = (STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.hash));
        format!("$argon2id$v=19$m={m_kib},t={t},p={p}${salt}${hash}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('$');
        let head = [parts.next()?, parts.next()?, parts.next()?];
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if head != ["", "argon2id", "v=19"] || parts.next().is_some() {
            return None;
        }
        let mut costs = costs.split(',');
        let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let params = Argon2Params { m_kib: cost("m=")?, t: cost("t=")?, p: cost("p=")? };
        let bounded = params.m_kib <= limits::ARGON2_M_KIB_MAX
            && params.t <= limits::ARGON2_T_MAX
            && params.p <= limits::ARGON2_P_MAX;
        if !bounded || costs.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
        Some(Self { params, salt, hash })
    }
}

#[cfg(test)]
mod tests;
