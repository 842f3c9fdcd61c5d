//! What holds the bounds of `src/limits.rs` on agents, serving, erasing and the command line: from those of agents on.

use super::Held::{self, Apart, By};

/// In the order of the file.
pub(super) const BOUNDS: &[(&str, Held)] = &[
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
        "PACK_ERRORS_BYTES_MAX",
        By(&["a_refused_pack_lists_as_many_errors_as_fit_and_says_how_many_there_are"]),
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
    (
        "BREAK_GLASS_MINUTES_MAX",
        By(&["times_and_reasons_of_an_entry_at_their_bounds_are_taken_and_beyond_them_refused"]),
    ),
    (
        "BREAK_GLASS_CODES_MAX",
        By(&["times_and_reasons_of_an_entry_at_their_bounds_are_taken_and_beyond_them_refused"]),
    ),
    (
        "REVIEW_HOURS_MAX",
        By(&["times_and_reasons_of_an_entry_at_their_bounds_are_taken_and_beyond_them_refused"]),
    ),
    ("REVIEWS_MAX", By(&["as_many_reviews_are_kept_as_the_bound_and_a_closed_one_makes_room"])),
    (
        "REVIEWS_PER_AGENT_MAX",
        By(&[
            "an_agent_breaks_as_much_glass_as_may_wait_for_review_and_one_more_once_some_is_reviewed",
        ]),
    ),
    ("REVIEW_KEPT_MS", By(&["a_closed_review_is_listed_for_its_time_and_an_open_one_for_ever"])),
    (
        "BROKEN_AT_ONCE_MAX",
        Apart("above it what was broken is shown once, and not again for its minutes"),
    ),
    ("ALARM_ROUND_MS", Apart("how often serve looks for alarms; no call waits for it")),
    ("ALARM_EXEC_MS", By(&["one_that_does_not_end_is_killed_with_what_it_started"])),
    (
        "ALARM_EXEC_TRIES_MAX",
        By(&["what_never_works_is_given_up_and_shown_until_somebody_took_note_of_the_alarm"]),
    ),
    (
        "ALARM_EXEC_WAIT_ROUNDS",
        By(&["what_failed_is_told_again_later_each_time_and_shown_until_it_is_told"]),
    ),
    (
        "ALARM_EXEC_WORDS_MAX",
        By(&["a_command_is_a_file_with_as_many_words_as_the_bound_and_no_more"]),
    ),
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
