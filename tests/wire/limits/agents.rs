//! Bounds of what is said about an agent, and of secrets.

use oubliette::{client::ClientError, limits};

use super::{served, told};
use crate::support::{KEYS, new_agent, run, secret, secret_of};

/// Paths of the refused fields.
fn refused<T>(result: Result<T, ClientError>) -> Vec<String> {
    match result.map(drop) {
        Err(ClientError::Refused(refusal)) => {
            refusal.violations.into_iter().map(|(path, _)| path).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_label_of_the_largest_size_is_kept_and_one_byte_more_is_refused() {
    run(async {
        let served = served().await;
        let keys = served.as_agent(KEYS).await;
        let named = |bytes: usize| {
            let mut new = new_agent("inv-971");
            new.display_name = "n".repeat(bytes);
            new.habilitation.authority = "a".repeat(bytes);
            new.habilitation.undertaking_ref = Some("u".repeat(bytes));
            new
        };
        assert_eq!(
            refused(keys.create_agent(named(limits::LABEL_BYTES_MAX + 1)).await),
            ["display_name", "habilitation.authority", "habilitation.undertaking_ref"]
        );
        assert!(keys.create_agent(named(limits::LABEL_BYTES_MAX)).await.is_ok());
    });
}

#[test]
fn a_secret_of_the_largest_size_opens_a_session_and_one_byte_more_is_refused() {
    run(async {
        let served = served().await;
        let client = served.as_agent("adm-974").await;
        let own = secret(&secret_of("adm-974"));
        let most = "s3cret".chars().cycle().take(limits::SECRET_BYTES_MAX).collect::<String>();
        let more = format!("{most}x");
        let change = client.change_secret(&own, &secret(&more)).await;
        assert_eq!(refused(change), ["new_secret"]);
        client.change_secret(&own, &secret(&most)).await.unwrap();
        assert!(served.open.login("adm-974", &secret(&most)).await.is_ok());
        assert_eq!(refused(served.open.login("adm-974", &secret(&more)).await), ["secret"]);
    });
}

#[test]
fn a_secret_of_the_smallest_size_is_accepted_and_one_character_less_is_weak() {
    run(async {
        let served = served().await;
        let client = served.as_agent("med-974").await;
        let own = secret(&secret_of("med-974"));
        let least = "qW3rt6zU9pLm";
        assert_eq!(least.chars().count(), limits::AGENT_SECRET_CHARS_MIN);
        let shorter = least.strip_prefix('q').unwrap();
        let weak = client.change_secret(&own, &secret(shorter)).await;
        assert_eq!(told(weak).0, "WEAK_SECRET");
        assert!(client.change_secret(&own, &secret(least)).await.is_ok());
    });
}
