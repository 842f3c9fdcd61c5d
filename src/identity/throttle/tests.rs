//! Tests of the throttle: what is delayed, and for how long; what is not.

use super::*;

const T0: Timestamp = Timestamp::from_millis(1_606_118_400_000);

fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}

fn fail(t: &Throttle, name: &str, from: Option<IpAddr>, now: Timestamp) -> Result<(), i64> {
    t.begin(&agent(name), from, now).map(drop)
}

/// As many failures as are free, and one more, which starts the delay.
fn exhaust(t: &Throttle, name: &str) {
    for _ in 0..=limits::LOGIN_FREE_FAILURES {
        fail(t, name, None, T0).unwrap();
    }
}

#[test]
fn the_free_failures_pass_and_the_next_attempt_waits_twice_as_long_each_time() {
    let t = Throttle::default();
    exhaust(&t, "a");
    assert_eq!(fail(&t, "a", None, T0), Err(1_000));
    let later = T0.plus_millis(1_000);
    assert_eq!(fail(&t, "a", None, later), Ok(()));
    assert_eq!(fail(&t, "a", None, later), Err(2_000));
    assert_eq!(fail(&t, "a", None, later.plus_millis(1_999)), Err(1));
}

#[test]
fn another_agent_is_not_delayed() {
    let t = Throttle::default();
    exhaust(&t, "a");
    assert!(fail(&t, "a", None, T0).is_err());
    assert!(fail(&t, "b", None, T0).is_ok());
}

#[test]
fn the_delay_stops_growing_at_its_bound() {
    let t = Throttle::default();
    let mut now = T0;
    for _ in 0..40 {
        if let Err(wait) = fail(&t, "a", None, now) {
            assert!(wait <= limits::LOGIN_THROTTLE_MAX_MS);
            now = now.plus_millis(wait);
            fail(&t, "a", None, now).unwrap();
        }
    }
    assert_eq!(fail(&t, "a", None, now), Err(limits::LOGIN_THROTTLE_MAX_MS));
}

#[test]
fn a_right_secret_clears_the_agent_and_gives_the_address_one_attempt_back() {
    let t = Throttle::default();
    let home: IpAddr = "192.0.2.7".parse().unwrap();
    let free = limits::LOGIN_FREE_FAILURES_PER_ADDRESS;
    for i in 0..free {
        fail(&t, &format!("a{i}"), Some(home), T0).unwrap();
    }
    let right = t.begin(&agent("me"), Some(home), T0).unwrap();
    t.succeeded(right);
    assert!(fail(&t, "one-more", Some(home), T0).is_ok());
    assert!(fail(&t, "too-many", Some(home), T0).is_err());
}

#[test]
fn addresses_of_one_ipv6_network_count_together_and_another_network_apart() {
    let t = Throttle::default();
    let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    for i in 0..=limits::LOGIN_FREE_FAILURES_PER_ADDRESS {
        fail(&t, &format!("a{i}"), at(&format!("2001:db8::{i:x}")), T0).unwrap();
    }
    assert!(fail(&t, "b", at("2001:db8::ffff"), T0).is_err());
    assert!(fail(&t, "b", at("2001:db8:0:1::1"), T0).is_ok());
}

#[test]
fn failures_from_this_machine_delay_their_agent_and_no_other() {
    for home in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        let (t, from) = (Throttle::default(), home.parse().ok());
        for i in 0..=limits::LOGIN_FREE_FAILURES_PER_ADDRESS {
            fail(&t, &format!("a{i}"), from, T0).unwrap();
        }
        for _ in 0..=limits::LOGIN_FREE_FAILURES {
            fail(&t, "guessed", from, T0).unwrap();
        }
        assert!(fail(&t, "guessed", from, T0).is_err(), "{home}");
        assert!(fail(&t, "other", from, T0).is_ok(), "{home}");
    }
}

#[test]
fn failures_from_another_machine_delay_everybody_there() {
    let t = Throttle::default();
    for i in 0..=limits::LOGIN_FREE_FAILURES_PER_ADDRESS {
        fail(&t, &format!("a{i}"), Some("192.0.2.7".parse().unwrap()), T0).unwrap();
    }
    assert!(fail(&t, "other", Some("192.0.2.7".parse().unwrap()), T0).is_err());
    assert!(fail(&t, "other", Some("192.0.2.8".parse().unwrap()), T0).is_ok());
}

#[test]
fn failures_are_forgotten_with_time_and_not_before() {
    let t = Throttle::default();
    exhaust(&t, "a");
    let later = T0.plus_millis(limits::LOGIN_AGENT_FORGETS_MS);
    fail(&t, "a", None, later).unwrap();
    assert!(fail(&t, "a", None, later).is_err(), "one forgotten, one new");
    let much_later = later.plus_millis(10 * limits::LOGIN_AGENT_FORGETS_MS);
    exhaust_at(&t, "a", much_later);
}

#[test]
fn failures_of_an_address_are_forgotten_with_time_and_not_before() {
    let from = Some("192.0.2.7".parse().unwrap());
    for (passed, forgotten) in
        [(limits::LOGIN_ADDRESS_FORGETS_MS - 1, 0), (limits::LOGIN_ADDRESS_FORGETS_MS, 1)]
    {
        let t = Throttle::default();
        for i in 0..limits::LOGIN_FREE_FAILURES_PER_ADDRESS {
            fail(&t, &format!("a{i}"), from, T0).unwrap();
        }
        let later = T0.plus_millis(passed);
        for i in 0..=forgotten {
            fail(&t, &format!("b{i}"), from, later).unwrap();
        }
        assert!(fail(&t, "c", from, later).is_err(), "after {passed} ms");
    }
}

fn exhaust_at(t: &Throttle, name: &str, now: Timestamp) {
    for _ in 0..limits::LOGIN_FREE_FAILURES {
        fail(t, name, None, now).unwrap();
    }
}

#[test]
fn an_attempt_that_was_never_tried_counts_for_nothing() {
    let t = Throttle::default();
    for _ in 0..100 {
        let attempt = t.begin(&agent("a"), None, T0).unwrap();
        t.untried(attempt);
    }
    assert!(fail(&t, "a", None, T0).is_ok());
}

#[test]
fn a_clock_set_back_lengthens_no_delay() {
    let t = Throttle::default();
    exhaust(&t, "a");
    let back = T0.plus_millis(-90 * 24 * 3_600_000);
    assert_eq!(fail(&t, "a", None, back), Err(1_000));
}

#[test]
fn the_table_stays_bounded_and_keeps_who_failed_most() {
    let t = Throttle::default();
    exhaust(&t, "worst");
    for i in 0..limits::LOGIN_THROTTLE_ENTRIES_MAX + 10 {
        fail(&t, &format!("a{i}"), None, T0).unwrap();
    }
    assert!(t.table.lock().len() <= limits::LOGIN_THROTTLE_ENTRIES_MAX);
    assert!(fail(&t, "worst", None, T0).is_err());
}
