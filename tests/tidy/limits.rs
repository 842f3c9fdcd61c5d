//! Each constant of `src/limits.rs` is in the table here: with the tests that hold it, at the bound and
//! just above, or with the reason why no caller can reach it.

use super::source::Source;

/// What holds a bound.
pub(crate) enum Held {
    /// These tests.
    By(&'static [&'static str]),
    /// No caller reaches it, for this reason.
    Apart(&'static str),
}

use Held::{Apart, By};

/// Every constant, in the order of the file.
const BOUNDS: &[(&str, Held)] = &[
    (
        "MESSAGE_BYTES_MAX",
        By(&[
            "a_message_of_the_largest_size_is_answered_and_one_byte_more_is_a_limit",
            "an_answer_too_large_to_send_is_a_limit_and_any_other_status_stays",
        ]),
    ),
    ("MESSAGE_FIELDS_MAX", By(&["as_many_fields_are_taken_and_one_more_is_a_limit"])),
    (
        "FIELD_TEXT_BYTES_MAX",
        By(&[
            "as_many_fields_of_the_largest_size_are_filed_and_one_more_or_one_byte_more_is_refused",
        ]),
    ),
    (
        "FIELDS_PER_RECORD_MAX",
        By(&[
            "as_many_fields_of_the_largest_size_are_filed_and_one_more_or_one_byte_more_is_refused",
            "as_many_attributes_are_looked_at_and_one_more_is_a_limit",
            "an_update_changes_as_many_fields_and_one_more_is_a_limit",
        ]),
    ),
    ("CLASSES_PER_REVEAL_MAX", By(&["as_many_classes_are_revealed_and_one_more_is_a_limit"])),
    ("ASSIGNEES_PER_RECORD_MAX", By(&["a_record_has_as_many_assignees_and_one_more_is_a_limit"])),
    (
        "JUSTIFICATION_BYTES_MAX",
        By(&["a_justification_of_the_largest_size_is_kept_and_one_byte_more_is_refused"]),
    ),
    ("SECTION_BYTES_MAX", By(&["a_message_at_the_bound_is_sealed_and_one_byte_more_is_not"])),
    ("REQUEST_RACES_MAX", Apart("a step of one write; its caller is told to repeat it otherwise")),
    (
        "RECORDS_PAGE_MAX",
        By(&[
            "a_page_at_its_bound_is_answered_and_a_larger_or_empty_one_is_refused",
            "a_page_of_a_work_list_at_its_bound_is_answered_and_a_larger_or_empty_one_refused",
        ]),
    ),
    ("EVENT_RECORDS_MAX", By(&["a_full_batch_is_taken_and_one_record_more_is_refused_whole"])),
    (
        "EVENT_FIELDS_MAX",
        By(&["as_many_fields_as_one_event_lists_are_shown_and_one_record_more_is_a_limit"]),
    ),
    ("EVENT_FIELD_BYTES_MAX", Apart("follows from the length of names; checked when compiled")),
    (
        "RECORDS_PER_REVEAL_MAX",
        By(&["records_at_their_bound_are_answered_and_none_or_one_more_are_refused"]),
    ),
    (
        "REVEAL_SEALED_BYTES_MAX",
        By(&["as_many_sealed_bytes_as_fit_an_answer_are_opened_and_one_record_more_is_a_limit"]),
    ),
    (
        "FIND_CONDITIONS_MAX",
        By(&["conditions_at_their_bound_are_taken_and_none_or_one_more_are_refused"]),
    ),
    (
        "CANDIDATES_MAX",
        By(&["a_search_looks_at_as_many_records_as_it_may_and_one_more_is_a_limit"]),
    ),
    ("CANDIDATE_ROWS", Apart("a step of a search; its answer does not depend on it")),
    (
        "RECORDS_PER_ERASE_MAX",
        By(&["no_record_and_more_than_the_bound_are_refused_and_the_bound_is_not"]),
    ),
    ("REKEY_ROWS", Apart("rows read at a time; no answer depends on it")),
    (
        "ERASE_BATCH_RECORDS_MAX",
        Apart("what one generation erases; those above follow in the next"),
    ),
    (
        "IMPORT_BATCH_RECORDS_MAX",
        By(&[
            "a_full_batch_is_taken_and_one_record_more_is_refused_whole",
            "answers_come_in_the_order_sent_and_each_batch_has_one_event",
        ]),
    ),
    ("IMPORT_BATCH_BYTES_MAX", Apart("where a batch is cut; no answer depends on it")),
    ("IMPORT_RECORDS_MAX", By(&["a_stream_has_as_many_records_as_its_bound_and_one_more_ends_it"])),
    (
        "IMPORTS_MAX",
        By(&["as_many_imports_as_the_bound_are_open_at_one_time_and_one_more_is_refused"]),
    ),
    (
        "IMPORTS_PER_AGENT_MAX",
        By(&["as_many_imports_as_the_bound_are_open_at_one_time_and_one_more_is_refused"]),
    ),
    ("IMPORT_LINGER_MS", Apart("where a batch is cut; no answer depends on it")),
    (
        "STREAM_IDLE_MS",
        By(&[
            "a_stream_on_which_nothing_is_sent_ends_with_its_reason_and_what_was_sent_is_filed",
            "the_bounds_of_a_server_are_those_of_the_product",
        ]),
    ),
    (
        "IMPORT_SEGMENTS_MAX",
        By(&["an_import_opens_as_many_dates_ahead_as_it_may_and_the_others_when_they_are_needed"]),
    ),
    ("RECORDS_PER_TURN", Apart("how often a long call lets others run")),
    ("SAMPLE_CASES_MAX", By(&["a_sample_of_no_pack_no_collection_or_too_many_cases_is_refused"])),
    ("SAMPLE_CHILDREN_MAX", By(&["children_are_bounded_at_their_bound_and_not_below_it"])),
    ("KEEP_ALIVE_MS", Apart("how often the client asks a silent vault whether it is there")),
    (
        "CONNECTIONS_MAX",
        By(&["a_vault_serves_as_many_connections_as_its_bound_and_closes_one_more_until_one_goes"]),
    ),
    ("TLS_HANDSHAKES_MAX", By(&["a_handshake_above_the_bound_waits_until_one_ends"])),
    (
        "TLS_HANDSHAKE_MS",
        By(&["a_handshake_and_a_preface_that_do_not_come_in_time_end_their_connection"]),
    ),
    (
        "PREFACE_MS",
        By(&["a_handshake_and_a_preface_that_do_not_come_in_time_end_their_connection"]),
    ),
    (
        "KEEPALIVE_INTERVAL_MS",
        By(&["a_connection_that_no_longer_answers_is_closed_and_one_that_does_is_kept"]),
    ),
    (
        "KEEPALIVE_TIMEOUT_MS",
        By(&["a_connection_that_no_longer_answers_is_closed_and_one_that_does_is_kept"]),
    ),
    (
        "HEADER_LIST_BYTES_MAX",
        By(&["headers_within_their_bound_are_read_and_larger_ones_are_refused_alone"]),
    ),
    ("ACCEPT_RETRY_MS", Apart("a pause after a failed accept; no call waits for it")),
    ("TLS_RELOAD_MS", Apart("how often serve looks at its files")),
    ("TLS_FILE_BYTES_MAX", By(&["a_file_as_large_as_the_bound_is_read_and_a_larger_one_is_not"])),
    (
        "DEVELOPMENT_CERT_DAYS",
        By(&["a_day_that_no_certificate_can_bear_is_refused_and_the_last_that_one_can_is_not"]),
    ),
    ("IMPORT_WINDOW_RECORDS", By(&["what_is_unanswered_is_bounded_in_number_and_in_bytes"])),
    ("IMPORT_WINDOW_BYTES", By(&["what_is_unanswered_is_bounded_in_number_and_in_bytes"])),
    ("IMPORT_READ_AHEAD_LINES", Apart("the command's own reading ahead")),
    (
        "IMPORT_STREAM_ROLL_RECORDS",
        By(&["a_long_import_goes_on_in_a_new_stream_once_all_is_answered"]),
    ),
    ("IMPORT_TRIES_MAX", By(&["cuts_without_an_answer_are_bounded_and_wait_longer_each_time"])),
    (
        "WRITE_TRIES_MAX",
        By(&["it_gives_up_after_a_bound_and_says_how_to_repeat_a_write_that_may_have_been_done"]),
    ),
    ("RETRY_FIRST_MS", By(&["cuts_without_an_answer_are_bounded_and_wait_longer_each_time"])),
    ("RETRY_MAX_MS", By(&["waits_double_up_to_a_bound"])),
    (
        "RETRY_ADVISED_MAX_MS",
        By(&["every_reason_that_passes_is_repeated_and_waits_as_long_as_the_vault_asks"]),
    ),
    ("LISTING_PAGE_RECORDS", Apart("how many the command asks for at one time")),
    ("LISTING_RECORDS_MAX", By(&["every_page_is_listed_once_and_in_order"])),
    ("PROGRESS_MS", Apart("how often a line is drawn")),
    ("PAGE_DEFAULT", By(&["a_page_of_the_largest_size_is_given_and_a_larger_one_is_a_limit"])),
    ("PAGE_MAX", By(&["a_page_of_the_largest_size_is_given_and_a_larger_one_is_a_limit"])),
    (
        "AUDIT_SCAN_LEAVES_MAX",
        By(&["a_query_looks_at_as_many_leaves_as_it_may_and_then_answers_with_a_cursor"]),
    ),
    ("COMMIT_BATCH_CALLS_MAX", Apart("where the committer cuts a batch; no answer depends on it")),
    ("COMMIT_QUEUE_CALLS_MAX", Apart("more than all calls in progress, checked when compiled")),
    ("SWEEP_BATCH_ROWS", Apart("a step of a sweep; its result does not depend on it")),
    ("SEGMENT_DEPTH", Apart("part of the stored format, pinned by its vectors")),
    ("SEGMENT_SLOTS", Apart("follows from the depth")),
    ("NODE_CACHE_ENTRIES_MAX", By(&["the_node_cache_stays_within_its_bound"])),
    (
        "KEYRING_BYTES_MAX",
        By(&["a_keyring_above_its_bound_is_compacted_and_one_below_is_left_alone"]),
    ),
    ("KEYRING_BODY_BYTES_MAX", By(&["a_body_at_the_bound_is_encoded_and_one_beyond_it_is_not"])),
    ("COMPACT_NODES_MIN", Apart("which segment is re-sealed; no answer depends on it")),
    ("COMPACT_PARTS_MAX", Apart("as COMPACT_NODES_MIN")),
    ("COMPACT_CANDIDATES", Apart("as COMPACT_NODES_MIN")),
    ("COMPACT_BATCH_RECORDS", Apart("a step of a compaction; its result does not depend on it")),
    ("COMPACT_ROUND_ROWS", Apart("as COMPACT_BATCH_RECORDS")),
    ("SLOT_CACHE_ENTRIES_MAX", By(&["the_cache_stays_within_its_bound"])),
    ("TOMBSTONE_DAYS", Apart("an age of what the keyring keeps for itself")),
    ("ARGON2_M_KIB", Apart("the cost of one hash, the same for every caller")),
    ("ARGON2_T", Apart("as ARGON2_M_KIB")),
    ("ARGON2_P", Apart("as ARGON2_M_KIB")),
    ("ARGON2_M_KIB_MAX", By(&["a_string_that_is_not_ours_or_asks_too_much_is_refused"])),
    ("ARGON2_T_MAX", By(&["a_string_that_is_not_ours_or_asks_too_much_is_refused"])),
    ("ARGON2_P_MAX", By(&["a_string_that_is_not_ours_or_asks_too_much_is_refused"])),
    ("LOGIN_QUEUE_MAX", By(&["a_full_queue_is_busy_until_a_place_is_free_again"])),
    (
        "LOGIN_FREE_FAILURES",
        By(&[
            "the_free_failures_pass_and_the_next_attempt_waits_twice_as_long_each_time",
            "too_many_failures_delay_the_agent_before_hashing_and_write_no_more_events",
        ]),
    ),
    ("LOGIN_THROTTLE_MAX_MS", By(&["the_delay_stops_growing_at_its_bound"])),
    ("LOGIN_THROTTLE_ENTRIES_MAX", By(&["the_table_stays_bounded_and_keeps_who_failed_most"])),
    (
        "AGENT_SECRET_CHARS_MIN",
        By(&[
            "a_secret_of_the_smallest_size_is_accepted_and_one_character_less_is_weak",
            "a_secret_at_each_of_its_bounds_is_strong_and_one_just_below_is_not",
        ]),
    ),
    (
        "SECRET_BYTES_MAX",
        By(&["a_secret_of_the_largest_size_opens_a_session_and_one_byte_more_is_refused"]),
    ),
    ("PASSPHRASE_CHARS_MIN", By(&["a_root_passphrase_is_long_enough_or_refused"])),
    ("SESSIONS_MAX", By(&["a_full_table_refuses_until_old_sessions_are_over"])),
    ("SESSION_IDLE_MS", By(&["a_session_in_use_stays_open_and_an_idle_one_ends"])),
    ("SESSION_LIFE_MS", By(&["a_session_in_use_ends_with_its_life"])),
    (
        "CLOCK_BACK_MS",
        By(&[
            "a_clock_within_its_bounds_is_sound_and_moves_the_reference",
            "a_clock_beyond_its_bounds_trips_until_it_is_confirmed",
        ]),
    ),
    (
        "CLOCK_AHEAD_MS",
        By(&[
            "a_clock_within_its_bounds_is_sound_and_moves_the_reference",
            "a_clock_beyond_its_bounds_trips_until_it_is_confirmed",
        ]),
    ),
    (
        "CHECKPOINT_AGE_MS",
        By(&["a_checkpoint_at_the_places_follows_when_a_minute_has_passed_with_leaves"]),
    ),
    ("DRAIN_MS", Apart("how long a stop waits; what it cuts was durable or not begun")),
    (
        "PACK_FILE_BYTES_MAX",
        By(&["a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused"]),
    ),
    ("PACK_FILES_MAX", By(&["as_many_files_as_a_pack_may_have_are_read_and_one_more_is_refused"])),
    ("PACK_DEPTH_MAX", By(&["folders_are_read_as_deep_as_a_pack_may_be_and_no_deeper"])),
    ("PERIOD_MONTHS_MAX", By(&["a_period_of_a_century_is_read_and_a_longer_one_is_not"])),
    ("PERIOD_DAYS_MAX", By(&["a_period_of_a_century_is_read_and_a_longer_one_is_not"])),
    ("LINE_BYTES_MAX", By(&["a_line_of_the_largest_size_is_a_text_and_one_byte_more_is_a_note"])),
    (
        "ATTRIBUTE_CODE_BYTES_MAX",
        By(&["an_attribute_at_each_bound_is_taken_and_one_beyond_it_could_hold_something"]),
    ),
    (
        "ATTRIBUTE_CODE_WORDS_MAX",
        By(&["an_attribute_at_each_bound_is_taken_and_one_beyond_it_could_hold_something"]),
    ),
    (
        "ATTRIBUTE_CODE_DIGITS_MAX",
        By(&["an_attribute_at_each_bound_is_taken_and_one_beyond_it_could_hold_something"]),
    ),
    (
        "ATTRIBUTE_CODES_MAX",
        By(&["an_attribute_at_each_bound_is_taken_and_one_beyond_it_could_hold_something"]),
    ),
    (
        "ATTRIBUTE_NUMBERS_MAX",
        By(&["all_numbers_of_a_collection_together_hold_no_telephone_number"]),
    ),
    ("NAME_CHARS_MAX", By(&["names_keep_their_accents_and_lose_double_spaces"])),
    ("EMAIL_BYTES_MAX", By(&["e_mail_and_postcode_are_checked_for_shape"])),
    ("AGENT_TEXT_BYTES_MAX", By(&["dates_in_the_wrong_order_and_overlong_texts_are_refused"])),
    ("AGENTS_MAX", By(&["the_last_place_of_the_directory_is_given_and_a_full_one_refuses"])),
    (
        "AGENT_SECRET_BITS_MIN",
        By(&["a_secret_at_each_of_its_bounds_is_strong_and_one_just_below_is_not"]),
    ),
    (
        "AGENT_SECRET_DISTINCT_MIN",
        By(&["a_secret_at_each_of_its_bounds_is_strong_and_one_just_below_is_not"]),
    ),
    ("ONE_TIME_SECRET_CHARS", Apart("the length of what the vault draws itself")),
    (
        "LOGIN_FREE_FAILURES_PER_ADDRESS",
        By(&["failures_from_another_machine_delay_everybody_there"]),
    ),
    (
        "LOGIN_THROTTLE_FIRST_MS",
        By(&["the_free_failures_pass_and_the_next_attempt_waits_twice_as_long_each_time"]),
    ),
    ("LOGIN_AGENT_FORGETS_MS", By(&["failures_are_forgotten_with_time_and_not_before"])),
    (
        "LOGIN_ADDRESS_FORGETS_MS",
        By(&["failures_of_an_address_are_forgotten_with_time_and_not_before"]),
    ),
    ("SESSIONS_PER_AGENT_MAX", By(&["above_its_share_an_agent_loses_its_own_idlest_session_only"])),
    ("COMMIT_BATCH_BYTES_MAX", Apart("as COMMIT_BATCH_CALLS_MAX")),
    ("AUDIT_SCAN_ROWS", Apart("a step of a query; its answer does not depend on it")),
    ("ALARMS_MAX", By(&["the_last_place_of_the_book_is_given_and_a_full_one_takes_no_more"])),
    ("LABEL_BYTES_MAX", By(&["a_label_of_the_largest_size_is_kept_and_one_byte_more_is_refused"])),
    (
        "VIOLATIONS_PER_ERROR_MAX",
        By(&["an_error_lists_as_many_fields_and_policies_as_fit_and_never_more"]),
    ),
    (
        "POLICIES_PER_ERROR_MAX",
        By(&["an_error_lists_as_many_fields_and_policies_as_fit_and_never_more"]),
    ),
    (
        "CALLS_MAX",
        By(&[
            "a_connection_and_the_server_take_as_many_calls_as_they_say_and_one_more_is_told_to_come_back",
            "calls_that_are_reset_keep_their_places_until_their_work_ends",
        ]),
    ),
    ("OPEN_CALLS_MAX", By(&["callers_without_a_session_have_places_of_their_own_and_no_more"])),
    ("OPEN_STREAMS_MAX", By(&["as_many_watch_as_may_and_one_more_is_told_to_come_back"])),
    (
        "OPEN_MESSAGE_BYTES_MAX",
        By(&["without_a_session_a_message_is_smaller_and_one_byte_more_is_a_limit"]),
    ),
    (
        "CALLS_PER_CONNECTION_MAX",
        By(&[
            "a_connection_and_the_server_take_as_many_calls_as_they_say_and_one_more_is_told_to_come_back",
        ]),
    ),
    (
        "CALL_MS_MAX",
        By(&[
            "a_call_without_a_deadline_ends_at_the_vault_s_own_and_a_long_one_does_not",
            "the_bounds_of_a_server_are_those_of_the_product",
        ]),
    ),
    (
        "REQUEST_READ_MS",
        By(&[
            "a_message_that_does_not_arrive_in_time_starts_nothing",
            "the_bounds_of_a_server_are_those_of_the_product",
        ]),
    ),
    (
        "ANSWER_IDLE_MS",
        By(&[
            "an_answer_nobody_takes_is_given_up_and_its_place_with_it",
            "an_answer_taken_slowly_but_steadily_arrives_whole",
            "the_bounds_of_a_server_are_those_of_the_product",
        ]),
    ),
    (
        "ANSWER_SLICE_BYTES",
        By(&[
            "an_answer_leaves_in_slices_of_the_largest_size_and_loses_nothing",
            "an_answer_of_one_slice_gives_its_place_back_and_a_larger_one_when_it_is_taken",
        ]),
    ),
    ("EXPORT_PAGE_FILES", Apart("how far an export reads ahead; its files do not depend on it")),
    ("CONNECT_MS", Apart("the client's own patience")),
    ("TICK_MS", Apart("how often the background looks")),
    (
        "BACKUP_PIECE_BYTES",
        Apart("how much of a backup is read at a time; no answer depends on it"),
    ),
    ("BACKUP_PIECES_AHEAD", Apart("how much waits for a caller; no answer depends on it")),
    (
        "BACKUP_ROW_BYTES_MAX",
        By(&["a_row_of_the_largest_size_is_taken_and_one_byte_more_is_refused_both_ways"]),
    ),
    ("BACKUPS_MAX", By(&["one_backup_at_a_time_is_sent_and_a_second_is_refused_until_it_ended"])),
    (
        "BACKUP_MS_MAX",
        By(&["a_backup_that_is_not_taken_within_its_time_is_cut_and_one_that_is_is_not"]),
    ),
    (
        "SNAPSHOT_BYTES_MAX",
        By(&["a_snapshot_at_its_bound_is_kept_and_one_byte_more_is_given_up_with_its_memory"]),
    ),
    ("BACKUP_FILE_BYTES", Apart("where a file of a backup ends; a restore does not depend on it")),
    ("BACKUP_FILES_MAX", Apart("64 TiB of rows; more would need longer file names")),
    (
        "BACKUP_MANIFEST_BYTES_MAX",
        Apart("more than the manifest of a backup with the most files takes, in one read"),
    ),
    ("RESTORE_BATCH_BYTES", Apart("how much a restore commits at a time")),
    ("HOLDS_MAX", By(&["as_many_holds_are_placed_and_one_more_is_refused"])),
    ("HOLDS_PER_CALL_MAX", By(&["a_hold_names_records_that_may_be_held_all_or_none"])),
    ("APPROVAL_MS", By(&["leave_is_over_24_hours_after_it_was_asked_for"])),
    ("APPROVALS_MAX", By(&["as_many_approvals_are_kept_and_one_that_is_over_makes_room"])),
    (
        "APPROVALS_PER_AGENT_MAX",
        By(&["one_agent_has_as_many_open_approvals_and_one_more_is_refused"]),
    ),
    ("APPROVAL_KEPT_MS", By(&["what_is_over_for_seven_days_goes_and_not_before"])),
    ("SWEEP_RETRIES", Apart("how often a sweep begins again; a call of its own follows otherwise")),
    ("PURGE_RETRY_MS", Apart("the schedule's own pause; no call waits for it")),
    (
        "CERTIFICATE_BYTES_MAX",
        By(&["a_certificate_of_the_largest_size_is_read_and_one_byte_more_is_not"]),
    ),
    (
        "CERTIFICATE_HOLDS_MAX",
        By(&["as_many_holds_are_listed_and_one_more_is_counted_and_left_out"]),
    ),
];

/// The names of the constants of `src/limits.rs`.
fn constants(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub const "));
    lines.filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect()
}

/// Constants without a row, rows without a constant, reasons that say nothing, tests that are not there.
fn gaps(limits: &str, table: &[(&str, Held)], tree: &[Source]) -> Vec<String> {
    let constants = constants(limits);
    let rows = |name: &str| table.iter().filter(|(row, _)| *row == name).count();
    let unheld = constants.iter().filter(|name| rows(name) != 1);
    let mut found: Vec<String> = unheld
        .map(|name| format!("{name} has {} rows in tests/tidy/limits.rs", rows(name)))
        .collect();
    for (name, held) in table {
        if !constants.contains(name) {
            found.push(format!("{name} is no constant of src/limits.rs"));
        }
        match held {
            By([]) => found.push(format!("{name}: no test is named")),
            By(tests) => {
                let lost = tests.iter().filter(|test| {
                    let head = format!("fn {test}() {{");
                    !tree.iter().any(|s| s.text.contains(&head))
                });
                found.extend(lost.map(|test| format!("{name}: no test is called `{test}`")));
            }
            Apart(reason) if reason.len() < 10 => found.push(format!("{name}: no reason is given")),
            Apart(_) => {}
        }
    }
    found
}

/// Every bound has its tests, or its reason to have none.
pub(crate) fn broken(tree: &[Source]) -> Vec<String> {
    let limits = tree.iter().find(|source| source.path == "src/limits.rs").unwrap();
    gaps(&limits.text, BOUNDS, tree)
}

#[test]
fn a_bound_without_a_row_or_with_a_lost_test_is_caught_and_one_that_is_held_is_not() {
    let limits = "/// Most.\npub const MOST: usize = 3;\n";
    let tree = || vec![Source::new("tests/x.rs", "#[test]\nfn three_pass() {}\n")];
    let gaps = |table: &[(&str, Held)]| gaps(limits, table, &tree()).len();
    assert_eq!(gaps(&[("MOST", By(&["three_pass"]))]), 0);
    assert_eq!(gaps(&[("MOST", Apart("nobody can reach it"))]), 0);
    assert_eq!(gaps(&[]), 1);
    assert_eq!(gaps(&[("MOST", By(&["four_pass"]))]), 1);
    assert_eq!(gaps(&[("MOST", By(&[]))]), 1);
    assert_eq!(gaps(&[("MOST", Apart(""))]), 1);
    assert_eq!(gaps(&[("MOST", By(&["three_pass"])), ("LEAST", By(&["three_pass"]))]), 1);
}
