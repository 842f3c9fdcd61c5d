//! Backups: one at a time, and none that is not taken keeps its snapshot.

use oubliette::{
    client::{
        Client, ClientError,
        types::{BackupPart, Detail, Event, EventFilter},
    },
    server::Bounds,
};

use super::{in_progress, served, told};
use crate::support::{
    DPO, KEYS, Raw, Served, Within,
    raw::{framed, read},
    run,
};

/// Makes the rows more than the transport and the vault take ahead.
fn grow(served: &Served<'_>) {
    served.disk().tamper(|rows| {
        for n in 0..8 {
            rows.insert(vec![b'z', n], vec![n; 1 << 20]);
        }
    });
}

fn shrink(served: &Served<'_>) {
    served.disk().tamper(|rows| rows.retain(|key, _| key[0] != b'z'));
}

/// Takes a backup to its end, which must be its totals.
async fn taken(client: &Client) -> Result<(), ClientError> {
    let mut parts = client.backup().await?;
    let mut last = None;
    while let Some(part) = parts.next().await? {
        last = Some(part);
    }
    assert!(matches!(last, Some(BackupPart::Totals(_))));
    Ok(())
}

/// The outcomes of all backups, newest first.
async fn outcomes(served: &Served<'_>) -> Vec<String> {
    let filter = EventFilter { kind: Some("backup-end".to_owned()), ..EventFilter::default() };
    let page = served.as_agent(DPO).await.list_events(&filter, None, 500).await.unwrap();
    let outcome = |event: Event| match event.detail {
        Detail::Open(detail) => detail.outcome,
        _ => panic!("an event without its detail"),
    };
    page.events.into_iter().map(outcome).collect()
}

/// The same once no other is being sent any more.
async fn taken_after(client: &Client) {
    while let Err(error) = taken(client).await {
        assert_eq!(told(Err::<(), _>(error)).0, "OVERLOADED");
    }
}

/// A backup of which only the first bytes are taken: where it is sent, what arrives, how much of it has
/// arrived, and another connection of the same caller.
async fn begun(served: &Served<'_>, bounds: Bounds) -> (Within, h2::RecvStream, usize, Client) {
    let within = served.within(bounds).await;
    let token = served.token(KEYS).await;
    let raw = Raw::with_window(within.address, 1_000).await;
    let mut call = raw.start("Admin/Backup", Some(&token), &[]).await;
    call.send(framed(&[]), true);
    let mut body = call.body().await;
    let first = body.data().await.unwrap().unwrap().len();
    let other = Client::connect(&within.address.to_string()).await.unwrap();
    (within, body, first, other.with_token(&token).unwrap())
}

#[test]
fn one_backup_at_a_time_is_sent_and_a_second_is_refused_until_it_ended() {
    run(async {
        let served = served().await;
        grow(&served);
        let (within, body, _, other) = begun(&served, Bounds::default()).await;
        let bound = "at most 1 backups at one time".to_owned();
        assert_eq!(told(taken(&other).await), ("OVERLOADED".to_owned(), bound));
        // Its caller goes away.
        drop(body);
        taken_after(&other).await;
        in_progress(&within.calls, 0).await;
        assert_eq!(outcomes(&served).await[..2], ["OK", "CUT"]);
        shrink(&served);
    });
}

#[test]
fn a_backup_nobody_takes_is_given_up_and_its_snapshot_with_it() {
    run(async {
        let served = served().await;
        grow(&served);
        let bounds = Bounds { idle_ms: 50, ..Bounds::default() };
        let (within, mut body, first, other) = begun(&served, bounds).await;
        in_progress(&within.calls, 0).await;
        body.flow_control().release_capacity(first).unwrap();
        assert_eq!(read(body).await.reason().0, "STREAM_IDLE");
        taken_after(&other).await;
        assert_eq!(outcomes(&served).await[..2], ["OK", "CUT"]);
        shrink(&served);
    });
}

#[test]
fn a_backup_that_is_not_taken_within_its_time_is_cut_and_one_that_is_is_not() {
    run(async {
        let served = served().await;
        grow(&served);
        let before = outcomes(&served).await.len();
        let bounds = Bounds { backup_ms: 50, ..Bounds::default() };
        let (_within, mut body, first, _) = begun(&served, bounds).await;
        while outcomes(&served).await.len() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(outcomes(&served).await[0], "CUT");
        body.flow_control().release_capacity(first).unwrap();
        let answer = read(body).await;
        assert!(!answer.is_ok() || answer.message.len() < 8 << 20, "it was whole");
        shrink(&served);
        let long = Bounds { backup_ms: 60_000, ..Bounds::default() };
        let within = served.within(long).await;
        let client = Client::connect(&within.address.to_string()).await.unwrap();
        let client = client.with_token(&served.token(KEYS).await).unwrap();
        taken(&client).await.unwrap();
        assert_eq!(outcomes(&served).await[0], "OK");
    });
}

#[test]
fn a_backup_ends_with_the_session_of_who_takes_it() {
    run(async {
        let served = served().await;
        grow(&served);
        let client = served.as_agent(KEYS).await;
        let mut parts = client.backup().await.unwrap();
        assert!(matches!(parts.next().await.unwrap(), Some(BackupPart::Head(_))));
        client.logout().await.unwrap();
        served.forget_sessions().await;
        let ended = loop {
            match parts.next().await {
                Ok(Some(BackupPart::Rows(_))) => {}
                other => break other,
            }
        };
        assert_eq!(told(ended).0, "UNAUTHENTICATED");
        let denied = served.as_agent(DPO).await.backup().await;
        assert_eq!(told(denied).0, "DENIED");
        shrink(&served);
    });
}
