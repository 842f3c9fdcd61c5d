//! What holds the bounds of `src/limits.rs` on data, keys, the log and the pack: all before those of agents.

use super::Held::{self, Apart, By};

/// In the order of the file.
pub(super) const BOUNDS: &[(&str, Held)] = &[
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
    (
        "RECORDS_PER_RESTRICT_MAX",
        By(&["as_many_records_as_the_bound_are_restricted_in_one_call_and_the_others_in_the_next"]),
    ),
    (
        "RECENT_MS",
        By(&[
            "the_forty_first_person_of_an_hour_is_refused_and_the_forty_seen_before_are_not",
            "as_many_questions_as_the_bound_are_answered_in_an_hour_and_one_more_is_told_to_wait",
        ]),
    ),
    (
        "RECENT_SUBJECTS_MAX",
        By(&[
            "as_many_persons_as_the_bound_are_remembered_of_an_hour_and_one_more_takes_the_oldest_s_place",
        ]),
    ),
    (
        "QUESTIONS_PER_HOUR_MAX",
        By(&[
            "as_many_questions_as_the_bound_are_answered_in_an_hour_and_one_more_is_told_to_wait",
        ]),
    ),
    (
        "QUESTION_WORK_MIN",
        Apart("how much work the emptiest question takes; no answer depends on it"),
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
    (
        "EXPLORED_SITUATIONS_MAX",
        By(&["a_question_of_more_situations_than_are_tried_is_an_error_and_never_a_refusal"]),
    ),
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
];
