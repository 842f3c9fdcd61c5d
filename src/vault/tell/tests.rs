//! What is told, how often, and what is given up; on a teller that fails as it is told to.

use super::*;

/// Notes what it is told, and fails the first calls.
struct Note {
    heard: Mutex<Vec<(String, AlarmId)>>,
    failures: Mutex<u32>,
}

fn tellings(failures: u32) -> (Tellings, Arc<Note>) {
    let note = Arc::new(Note { heard: Mutex::default(), failures: Mutex::new(failures) });
    let tellings = Tellings::default();
    let _ = tellings.teller.set(Arc::clone(&note) as Arc<dyn AlarmTeller>);
    (tellings, note)
}

impl AlarmTeller for Note {
    fn tell(&self, kind: &str, alarm: &AlarmId) -> Result<(), AlarmUntold> {
        self.heard.lock().push((kind.to_owned(), *alarm));
        let mut failures = self.failures.lock();
        if *failures == 0 {
            return Ok(());
        }
        *failures -= 1;
        Err(AlarmUntold)
    }
}

const ONE: AlarmId = AlarmId::from_bytes([1; 16]);
const TWO: AlarmId = AlarmId::from_bytes([2; 16]);

fn open(alarms: &[AlarmId]) -> Vec<(AlarmId, String)> {
    alarms.iter().map(|alarm| (*alarm, "overdue".to_owned())).collect()
}

fn rounds(tellings: &Tellings, open: &[(AlarmId, String)], number: u32) {
    (0..number).for_each(|_| tellings.round(open, &|| true));
}

#[test]
fn an_alarm_is_told_once_and_a_later_one_too() {
    let (tellings, note) = tellings(0);
    rounds(&tellings, &open(&[ONE]), 100);
    assert_eq!(*note.heard.lock(), [("overdue".to_owned(), ONE)]);
    rounds(&tellings, &open(&[ONE, TWO]), 100);
    assert_eq!(note.heard.lock().iter().map(|(_, id)| *id).collect::<Vec<_>>(), [ONE, TWO]);
    assert_eq!(tellings.untold(), 0);
}

#[test]
fn what_failed_is_told_again_later_each_time_and_shown_until_it_is_told() {
    let (tellings, note) = tellings(2);
    let open = open(&[ONE]);
    let mut at = Vec::new();
    for round in 0..100 {
        let before = note.heard.lock().len();
        tellings.round(&open, &|| true);
        if note.heard.lock().len() > before {
            at.push(round);
        }
        let told = at.len() == 3;
        assert_eq!(tellings.untold(), usize::from(!told), "round {round}");
    }
    let wait = ALARM_EXEC_WAIT_ROUNDS;
    assert_eq!(at, [0, wait, wait + 2 * wait]);
}

#[test]
fn what_never_works_is_given_up_and_shown_until_somebody_took_note_of_the_alarm() {
    let (tellings, note) = tellings(u32::MAX);
    rounds(&tellings, &open(&[ONE]), 10_000);
    assert_eq!(note.heard.lock().len(), usize::try_from(ALARM_EXEC_TRIES_MAX).unwrap());
    assert_eq!(tellings.untold(), 1);
    rounds(&tellings, &[], 1);
    assert_eq!(tellings.untold(), 0);
}

#[test]
fn one_that_fails_keeps_no_other_from_being_told() {
    let (tellings, note) = tellings(1);
    rounds(&tellings, &open(&[ONE, TWO]), 1);
    assert_eq!(note.heard.lock().len(), 2);
    assert_eq!(tellings.untold(), 1);
}

#[test]
fn nothing_more_is_told_once_the_vault_stops_and_nothing_without_a_teller() {
    let (tellings, note) = tellings(0);
    tellings.round(&open(&[ONE, TWO]), &|| note.heard.lock().is_empty());
    assert_eq!(note.heard.lock().len(), 1);
    let nobody = Tellings::default();
    nobody.round(&open(&[ONE]), &|| true);
    assert_eq!(nobody.untold(), 0);
}
