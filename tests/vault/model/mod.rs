//! A property: whatever several clients do, in whatever order, with restarts, failures of the disk and
//! days that pass, the vault answers what a simple model answers.
//!
//! `script` says what can happen, `world` is the model, `play` plays a script on a real vault. A call
//! whose answer was lost is sent again with its request id, as a client would; without one the model
//! keeps both possible worlds and lets later answers tell. Calls made at the same time must answer as
//! they would in some order.

mod play;
mod script;
mod send;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::house::{House, run};

/// Plays `cases` scripts drawn from a fixed seed, and shrinks the first that does not hold.
fn hold(seed: u64, cases: u32, faults: bool) {
    let base = House::founded(seed);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&script::any(faults), |script| {
        let house = base.copy(seed + 1);
        run(play::script(&house, &script)).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn any_interleaving_of_several_clients_equals_the_model() {
    hold(300, 96, false);
}

#[test]
fn any_interleaving_with_restarts_and_failures_of_the_disk_equals_the_model() {
    hold(310, 96, true);
}

/// The model itself can tell right from wrong: a vault that forgot a write would be caught.
#[test]
fn a_history_that_the_model_does_not_allow_is_refused() {
    let base = House::founded(320);
    let refused = run(play::with_a_lost_write(&base));
    assert!(refused.unwrap_err().contains("no world"), "the lost write was not noticed");
}
