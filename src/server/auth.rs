//! Who is calling: the bearer token of each call, turned into a [`Caller`] by `identity`.
//!
//! `route` asks here before a message is read, for every method that needs a full session. A token
//! is never written anywhere, and nothing here keeps one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tonic::{Request, Status, metadata::MetadataMap};

use super::status;
use crate::{client::reason::Reason, identity::Caller, secret::SecretBytes, vault::Vault};

/// Longest token that is looked at, in characters of base64url.
const TOKEN_CHARS_MAX: usize = 256;

/// The caller that `route` found before the message was read.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let found = request.extensions().get::<Caller>().cloned();
    found.ok_or_else(|| status::of(Reason::Unauthenticated))
}

/// The caller of a full session. A one-time session answers MUST_CHANGE_SECRET.
pub(crate) fn session(vault: &Vault, metadata: &MetadataMap) -> Result<Caller, Status> {
    let token = token(metadata)?;
    // EXPOSE: the session table looks the token up by its hash.
    Ok(vault.identity().caller(token.expose())?)
}

/// The token's bytes from `authorization: Bearer <base64url>`.
pub(crate) fn token(metadata: &MetadataMap) -> Result<SecretBytes, Status> {
    let missing = || status::of(Reason::Unauthenticated);
    let header = metadata.get("authorization").ok_or_else(missing)?;
    let text = header.to_str().map_err(|_| missing())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || encoded.len() > TOKEN_CHARS_MAX {
        return Err(missing());
    }
    URL_SAFE_NO_PAD.decode(encoded.trim()).map(SecretBytes::new).map_err(|_| missing())
}

/// The token as `Login` answers it.
pub(crate) fn encode(token: &SecretBytes) -> String {
    // EXPOSE: the answer to a login is the one place where a token leaves the vault.
    URL_SAFE_NO_PAD.encode(token.expose())
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn metadata(value: &str) -> MetadataMap {
        let mut map = MetadataMap::new();
        map.insert("authorization", value.parse().unwrap());
        map
    }

    #[test]
    fn a_bearer_token_reads_back_as_it_was_handed_out() {
        let given = SecretBytes::new(vec![0xff, 0x00, 0x7f]);
        for scheme in ["Bearer", "bearer"] {
            let read = token(&metadata(&format!("{scheme} {}", encode(&given)))).unwrap();
            assert_eq!(read.expose(), given.expose());
        }
    }

    #[test]
    fn a_missing_malformed_or_endless_token_is_unauthenticated() {
        let long = format!("Bearer {}", "A".repeat(TOKEN_CHARS_MAX + 1));
        for value in ["", "Bearer", "Basic AAAA", "Bearer !!!", long.as_str()] {
            assert_eq!(token(&metadata(value)).err().unwrap().code(), Code::Unauthenticated);
        }
        let none = token(&MetadataMap::new()).err().unwrap();
        assert_eq!(none.code(), Code::Unauthenticated);
    }

    #[test]
    fn a_request_that_nothing_authenticated_has_no_caller() {
        assert_eq!(caller(&Request::new(())).err().unwrap().code(), Code::Unauthenticated);
    }
}
