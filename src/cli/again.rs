//! Repeats of a write: the same call with the same request id, a bounded number of times, while what
//! stopped it passes by itself. The vault does it once, however often it arrives.
//!
//! Nothing is said about it unless an answer was lost: then the person must know the request id.

use std::{future::Future, time::Duration};

use super::{failure::Failure, out};
use crate::{
    client::{ClientError, types::Intent},
    limits,
};

/// Where a wait is spent; tests spend none.
pub(super) trait Sleeper {
    /// Waits so many milliseconds.
    fn sleep(&self, millis: u64) -> impl Future<Output = ()>;
}

/// Really waits.
pub(super) struct Real;

impl Sleeper for Real {
    async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// How long to wait before the repeat after this many tries, in milliseconds. What the vault asks for
/// is honoured up to a bound.
pub(super) fn delay_ms(tries: u32, advised: Option<u64>) -> u64 {
    let doublings = tries.saturating_sub(1).min(16);
    let own = limits::RETRY_FIRST_MS.saturating_mul(1 << doublings).min(limits::RETRY_MAX_MS);
    own.max(advised.unwrap_or_default().min(limits::RETRY_ADVISED_MAX_MS))
}

/// Makes a call, and again while it may pass, at most `limits::WRITE_TRIES_MAX` times in all.
pub(super) async fn once<T>(
    why: &Intent,
    sleeper: &impl Sleeper,
    mut call: impl AsyncFnMut() -> Result<T, ClientError>,
) -> Result<T, Failure> {
    let id = why.request.map(|id| id.to_string()).unwrap_or_default();
    let (mut tries, mut lost) = (0, false);
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tries += 1;
        if error.lost_the_answer() && !lost {
            lost = true;
            out::note(&format!("the answer was lost; the request id is {id}"));
        }
        if !error.passes() || tries >= limits::WRITE_TRIES_MAX {
            return Err(given_up(error, lost, &id));
        }
        sleeper.sleep(delay_ms(tries, error.retry_after_ms())).await;
    }
}

fn given_up(error: ClientError, lost: bool, id: &str) -> Failure {
    let hint = error.hint();
    let failure = Failure::from(error);
    if !lost {
        return failure;
    }
    let repeat = format!("repeat the same command with --request-id {id}: it is not done twice");
    failure.and("whether it was done is not known").hint(format!("{hint}; then {repeat}"))
}

#[cfg(test)]
mod tests;
