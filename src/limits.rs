//! Every bound of the product, in one place, with its unit in its name.
//!
//! A bound that a caller can reach has a typed error where it is enforced. Relations between
//! bounds are checked at compile time, at the end.

/// Largest gRPC message, either way.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often a write is tried again when another call with its request id, or a sweep, came between.
pub const REQUEST_RACES_MAX: usize = 4;
/// Most fields of one request, repeated ones counted each: small ones take far more memory once they
/// are read than they did as bytes.
pub const MESSAGE_FIELDS_MAX: usize = 1_024;
/// Longest text value of one field.
pub const FIELD_TEXT_BYTES_MAX: usize = 4 * 1024;
/// Most fields in one create or update.
pub const FIELDS_PER_RECORD_MAX: usize = 128;
/// Most classes asked in one reveal.
pub const CLASSES_PER_REVEAL_MAX: usize = 32;
/// Most assignees of one record.
pub const ASSIGNEES_PER_RECORD_MAX: usize = 16;
/// Longest justification.
pub const JUSTIFICATION_BYTES_MAX: usize = 500;
/// Largest plaintext of one section.
pub const SECTION_BYTES_MAX: usize = 1024 * 1024;
/// Page of a listing where the caller names no size.
pub const PAGE_DEFAULT: usize = 50;
/// Largest page of a listing of events.
pub const PAGE_MAX: usize = 500;
/// Largest page of Find and Worklist: what one event names.
pub const RECORDS_PAGE_MAX: usize = EVENT_RECORDS_MAX;
/// Most records that one event names.
pub const EVENT_RECORDS_MAX: usize = 256;
/// Most fields given that one event lists, each with its record.
pub const EVENT_FIELDS_MAX: usize = 4096;
/// Most bytes that one field given takes in an event: three names, a mask and a record's id.
pub const EVENT_FIELD_BYTES_MAX: usize = 256;
/// Most records asked in one RevealMany.
pub const RECORDS_PER_REVEAL_MAX: usize = EVENT_RECORDS_MAX;
/// Most sealed bytes that one RevealMany opens, so that its answer fits a message.
pub const REVEAL_SEALED_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 4;
/// Most conditions of one Find.
pub const FIND_CONDITIONS_MAX: usize = 8;
/// Most records that one Find or Worklist looks at; above it the caller must narrow the search.
pub const CANDIDATES_MAX: usize = 10_000;
/// Index rows read at a time by a search.
pub const CANDIDATE_ROWS: usize = 64;
/// Most records of one Erase.
pub const RECORDS_PER_ERASE_MAX: usize = EVENT_RECORDS_MAX;
/// Most records that one generation erases, of all requests that wait; the others follow.
pub const ERASE_BATCH_RECORDS_MAX: usize = 4 * EVENT_RECORDS_MAX;
/// Index rows looked at at a time while their key is exchanged.
pub const REKEY_ROWS: usize = 256;
/// Most records of one import batch: one event, one commit.
pub const IMPORT_BATCH_RECORDS_MAX: usize = EVENT_RECORDS_MAX;
/// Bytes of messages after which an import batch ends.
pub const IMPORT_BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most records in one import stream.
pub const IMPORT_RECORDS_MAX: usize = 1_000_000;
/// Import streams that may be open at one time.
pub const IMPORTS_MAX: usize = 16;
/// Import streams of one agent that may be open at one time, so that no one agent holds them all.
pub const IMPORTS_PER_AGENT_MAX: usize = 8;
/// A batch that is not full is written when nothing more arrives for so long, in milliseconds.
pub const IMPORT_LINGER_MS: u64 = 50;
/// A stream on which nothing is sent, or no answer taken, ends after so long, in milliseconds.
pub const STREAM_IDLE_MS: u64 = 60_000;
/// Most segments that an import opens ahead, in one generation.
pub const IMPORT_SEGMENTS_MAX: usize = 4096;
/// Records (or decisions) after which a long call lets others run.
pub const RECORDS_PER_TURN: usize = 8;
/// Most leaves one audit query looks at before it answers with a cursor.
pub const AUDIT_SCAN_LEAVES_MAX: usize = 10_000;

/// Most calls one group commit takes.
pub const COMMIT_BATCH_CALLS_MAX: usize = 1024;
/// Calls that may wait for the committer; above it a call waits to be queued.
pub const COMMIT_QUEUE_CALLS_MAX: usize = 4096;
/// Rows one sweep batch deletes.
pub const SWEEP_BATCH_ROWS: usize = 1_000;

/// Depth of a segment's tree.
pub const SEGMENT_DEPTH: u8 = 24;
/// Slots of one segment.
pub const SEGMENT_SLOTS: u32 = 1 << SEGMENT_DEPTH;
/// Inner nodes of segment trees kept derived in memory.
pub const NODE_CACHE_ENTRIES_MAX: usize = 8_192;
/// Size of the keyring above which segments are re-sealed in the background.
pub const KEYRING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest keyring body that is written or read: room for what is erased while segments are re-sealed.
pub const KEYRING_BODY_BYTES_MAX: usize = 4 * KEYRING_BYTES_MAX;
/// A segment whose cover has fewer nodes is not worth re-sealing.
pub const COMPACT_NODES_MIN: usize = 32;
/// Nor is one whose cover takes less than this part of the keyring's bound.
pub const COMPACT_PARTS_MAX: usize = 1_024;
/// Most segments, of those with the largest covers, whose live records are counted to choose one.
pub const COMPACT_CANDIDATES: usize = 4;
/// Records that one commit moves while a segment is compacted; generations wait for no more.
pub const COMPACT_BATCH_RECORDS: usize = 128;
/// Rows that one round of the background work looks at while a segment is compacted, and of each candidate
/// while one is chosen.
pub const COMPACT_ROUND_ROWS: usize = 32_768;
/// Slot secrets kept derived in memory.
pub const SLOT_CACHE_ENTRIES_MAX: usize = 65_536;
/// Age at which a tombstone folds into the purge watermark, in days.
pub const TOMBSTONE_DAYS: i64 = 400;

/// Argon2id memory, in KiB.
pub const ARGON2_M_KIB: u32 = 65_536;
/// Argon2id passes.
pub const ARGON2_T: u32 = 3;
/// Argon2id lanes.
pub const ARGON2_P: u32 = 4;
/// Largest Argon2id memory an anchor may ask for, in KiB: bounds a tampered slot.
pub const ARGON2_M_KIB_MAX: u32 = 1 << 20;
/// Most Argon2id passes an anchor may ask for.
pub const ARGON2_T_MAX: u32 = 16;
/// Most Argon2id lanes an anchor may ask for.
pub const ARGON2_P_MAX: u32 = 16;
/// Logins that may wait for Argon2id at one time.
pub const LOGIN_QUEUE_MAX: usize = 16;
/// Failed logins per agent or address before throttling starts.
pub const LOGIN_FREE_FAILURES: u32 = 5;
/// Longest throttle after failed logins, in milliseconds.
pub const LOGIN_THROTTLE_MAX_MS: i64 = 15 * 60 * 1000;
/// Agents and addresses the throttle remembers.
pub const LOGIN_THROTTLE_ENTRIES_MAX: usize = 10_000;
/// Shortest secret of an agent, in characters.
pub const AGENT_SECRET_CHARS_MIN: usize = 12;
/// Longest secret of an agent or passphrase, in bytes.
pub const SECRET_BYTES_MAX: usize = 1024;
/// Shortest root passphrase, in characters.
pub const PASSPHRASE_CHARS_MIN: usize = 16;
/// Sessions kept in memory at one time.
pub const SESSIONS_MAX: usize = 10_000;
/// A session ends after so long without a call, in milliseconds.
pub const SESSION_IDLE_MS: i64 = 30 * 60 * 1000;
/// A session ends at the latest after so long, in milliseconds.
pub const SESSION_LIFE_MS: i64 = 12 * 60 * 60 * 1000;

/// Clock guard: how far behind its reference the clock may be, in milliseconds.
pub const CLOCK_BACK_MS: i64 = 5 * 60 * 1000;
/// Clock guard: how far ahead of its reference the clock may be, in milliseconds (48 h).
pub const CLOCK_AHEAD_MS: i64 = 48 * 60 * 60 * 1000;
/// A checkpoint at the places is at most so old while leaves arrive, in milliseconds.
pub const CHECKPOINT_AGE_MS: i64 = 60 * 1000;
/// How long a drain waits for calls in flight, in milliseconds.
pub const DRAIN_MS: u64 = 10_000;

/// Largest file of a policy pack.
pub const PACK_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most files of a policy pack that count for its hash.
pub const PACK_FILES_MAX: usize = 64;
/// Folders of a policy pack are read so deep.
pub const PACK_DEPTH_MAX: usize = 4;
/// Longest retention period, in calendar months: a century.
pub const PERIOD_MONTHS_MAX: u32 = 1_200;
/// Longest retention period, in days: about a century.
pub const PERIOD_DAYS_MAX: u32 = 36_525;
/// Longest text of one line in a class that takes no notes: an address, a place, a laboratory.
pub const LINE_BYTES_MAX: usize = 200;
/// Longest code of an attribute: a category, not a sentence.
pub const ATTRIBUTE_CODE_BYTES_MAX: usize = 32;
/// Most words of such a code, as `_`, `-` and `.` part them.
pub const ATTRIBUTE_CODE_WORDS_MAX: usize = 4;
/// Most digits of such a code: an INSEE code of a commune, and no telephone number.
pub const ATTRIBUTE_CODE_DIGITS_MAX: usize = 6;
/// Most codes of an attribute: a list of categories, not a register of persons.
pub const ATTRIBUTE_CODES_MAX: usize = 256;
/// Most values that all whole-number attributes of a collection can take together: a thousandth of
/// the telephone numbers of a country, whatever number is cut into whichever of them.
pub const ATTRIBUTE_NUMBERS_MAX: u128 = 1_000_000;
/// Longest name of a person, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

// Agents and logins (identity).

/// Longest display name, authority, profession or reference of an agent.
pub const AGENT_TEXT_BYTES_MAX: usize = 200;
/// Agents of one vault, revoked ones included.
pub const AGENTS_MAX: usize = 100_000;
/// Fewest bits a secret chosen by an agent may be guessed to have (CNIL 2022-100: 50 with throttling).
pub const AGENT_SECRET_BITS_MIN: u32 = 50;
/// Fewest different characters of a secret chosen by an agent.
pub const AGENT_SECRET_DISTINCT_MIN: usize = 5;
/// Characters of a one-time secret, hyphens not counted: 5 bits each.
pub const ONE_TIME_SECRET_CHARS: usize = 24;
/// Failed logins from one address before throttling starts.
pub const LOGIN_FREE_FAILURES_PER_ADDRESS: u32 = 20;
/// First throttle after the free failures, in milliseconds; doubled by each further one.
pub const LOGIN_THROTTLE_FIRST_MS: i64 = 1_000;
/// Time after which one failure of an agent is forgotten, in milliseconds.
pub const LOGIN_AGENT_FORGETS_MS: i64 = 60 * 60 * 1000;
/// Time after which one failure of an address is forgotten, in milliseconds.
pub const LOGIN_ADDRESS_FORGETS_MS: i64 = 60 * 1000;
/// Sessions of one agent at one time.
pub const SESSIONS_PER_AGENT_MAX: usize = 64;

// Synthetic samples.

/// Most roots of one sample: with their descent about 160,000 records of the shipped pack.
pub const SAMPLE_CASES_MAX: u64 = 25_000;
/// Most records of one collection under one parent in a sample.
pub const SAMPLE_CHILDREN_MAX: u32 = 100;

const _: () = assert!(PAGE_DEFAULT <= PAGE_MAX);
const _: () = assert!(PAGE_DEFAULT <= RECORDS_PAGE_MAX);
const _: () = assert!(IMPORTS_PER_AGENT_MAX < IMPORTS_MAX);
const _: () = assert!(EVENT_FIELDS_MAX * EVENT_FIELD_BYTES_MAX <= SECTION_BYTES_MAX);
const _: () = assert!(IMPORT_BATCH_BYTES_MAX + MESSAGE_BYTES_MAX <= COMMIT_BATCH_BYTES_MAX);
const _: () = assert!(FIELD_TEXT_BYTES_MAX * FIELDS_PER_RECORD_MAX <= SECTION_BYTES_MAX);
const _: () = assert!(SECTION_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(ARGON2_M_KIB <= ARGON2_M_KIB_MAX);
const _: () = assert!(COMMIT_BATCH_CALLS_MAX <= COMMIT_QUEUE_CALLS_MAX);
const _: () = assert!(SESSION_IDLE_MS <= SESSION_LIFE_MS);
const _: () = assert!(SESSIONS_PER_AGENT_MAX < SESSIONS_MAX);
const _: () = assert!(LOGIN_THROTTLE_FIRST_MS <= LOGIN_THROTTLE_MAX_MS);

/// Bytes of rows one group commit takes before it stops taking more calls.
pub const COMMIT_BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Index or leaf rows one step of an audit query reads at a time.
pub const AUDIT_SCAN_ROWS: usize = 256;
/// Alarms one listing returns, and open ones kept in memory at most.
pub const ALARMS_MAX: usize = 10_000;

// Serving.

/// Longest label of an habilitation (display name, authority, profession, reference), in bytes.
pub const LABEL_BYTES_MAX: usize = 200;
/// Most field violations one error lists: error details travel in headers, which are small.
pub const VIOLATIONS_PER_ERROR_MAX: usize = 32;
/// Most policy ids one error lists.
pub const POLICIES_PER_ERROR_MAX: usize = 16;
/// Calls of agents in progress at one time, over all connections. Each holds one message at a time, its
/// request or its answer: together at most `CALLS_MAX * MESSAGE_BYTES_MAX`, 1 GiB.
pub const CALLS_MAX: usize = 256;
/// Calls in progress at one time that nobody has authenticated: logins, health checks.
pub const OPEN_CALLS_MAX: usize = 64;
/// Health watches and reflection streams at one time.
pub const OPEN_STREAMS_MAX: usize = 64;
/// Largest request of a caller whom nobody has authenticated.
pub const OPEN_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Calls one connection may have open at one time: one connection alone does not fill the server.
pub const CALLS_PER_CONNECTION_MAX: u32 = 128;
/// Longest time for a call when its caller set no shorter deadline, in milliseconds. What it started is
/// still completed.
pub const CALL_MS_MAX: u64 = 60_000;
/// Longest time from a call's headers to the end of its message, in milliseconds.
pub const REQUEST_READ_MS: u64 = 10_000;
/// A caller who takes nothing of an answer for so long loses it, in milliseconds; looked at as often.
pub const ANSWER_IDLE_MS: u64 = 60_000;
/// Bytes of an answer handed to the transport at a time: what one slow caller can hold for good.
pub const ANSWER_SLICE_BYTES: usize = 32 * 1024;
/// Files of the log fetched at one time by an export.
pub const EXPORT_PAGE_FILES: usize = 64;
/// Longest wait for a connection to be made by the client, in milliseconds.
pub const CONNECT_MS: u64 = 5_000;
/// A client asks a vault that is silent during a call whether it is there, after so long and once
/// more, in milliseconds.
pub const KEEP_ALIVE_MS: u64 = 20_000;
/// How often the background work looks whether something is due, in milliseconds.
pub const TICK_MS: u64 = 20_000;

const _: () = assert!(CALLS_MAX * MESSAGE_BYTES_MAX <= 1 << 30);
const _: () = assert!(OPEN_MESSAGE_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(OPEN_MESSAGE_BYTES_MAX > 4 * SECRET_BYTES_MAX);
const _: () = assert!((CALLS_PER_CONNECTION_MAX as usize) < CALLS_MAX);
const _: () = assert!(CALLS_MAX <= COMMIT_QUEUE_CALLS_MAX);
const _: () = assert!(REQUEST_READ_MS <= CALL_MS_MAX);
const _: () = assert!(MESSAGE_FIELDS_MAX > 2 * FIELDS_PER_RECORD_MAX + CLASSES_PER_REVEAL_MAX);

// Backups.

/// Bytes of rows read from a snapshot, and sent, at a time; one longer row is sent in pieces.
pub const BACKUP_PIECE_BYTES: usize = 256 * 1024;
/// Pieces of a backup that wait for a caller.
pub const BACKUP_PIECES_AHEAD: usize = 2;
/// Longest key or value of a row in a backup.
pub const BACKUP_ROW_BYTES_MAX: usize = COMMIT_BATCH_BYTES_MAX;
/// Backups that are being sent at one time.
pub const BACKUPS_MAX: usize = 1;
/// Longest time that a snapshot is kept open for a backup, in milliseconds.
pub const BACKUP_MS_MAX: u64 = 4 * 60 * 60 * 1000;
/// Bytes that an engine without snapshots of its own keeps in memory for one; then it is given up.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A file of a backup ends with the row that reaches so many bytes.
pub const BACKUP_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Most files of a backup.
pub const BACKUP_FILES_MAX: usize = 1_000_000;
/// Largest manifest of a backup that is read.
pub const BACKUP_MANIFEST_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of rows that a restore commits at a time.
pub const RESTORE_BATCH_BYTES: usize = 4 * 1024 * 1024;

const _: () = assert!(BACKUP_PIECE_BYTES < MESSAGE_BYTES_MAX);

// Purges, holds, approvals and certificates.

/// Holds in force at one time: with their texts at most a third of the keyring's bound.
pub const HOLDS_MAX: usize = 8_192;
/// Records of one request for a hold, or to release.
pub const HOLDS_PER_CALL_MAX: usize = 256;
/// An approval can be given and used for so long after it was asked for, in milliseconds (24 h).
pub const APPROVAL_MS: i64 = 24 * 60 * 60 * 1000;
/// Approvals that are kept at one time, those that are over included.
pub const APPROVALS_MAX: usize = 1_000;
/// Open approvals that one agent has asked for at one time.
pub const APPROVALS_PER_AGENT_MAX: usize = 100;
/// An approval that is over is listed for so long, in milliseconds (7 days); the log tells it after.
pub const APPROVAL_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How often a sweep pass starts again because a record changed under it.
pub const SWEEP_RETRIES: usize = 8;
/// A purge that failed or was skipped is tried again by the schedule after so long, in milliseconds.
pub const PURGE_RETRY_MS: i64 = 10 * 60 * 1000;
/// Largest certificate that `certificate verify` reads.
pub const CERTIFICATE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most holds that one certificate lists; how many there are it says in any case.
pub const CERTIFICATE_HOLDS_MAX: usize = 1_000;

// Connections and TLS.

/// Connections served at one time, over all addresses of one `serve`; a further one is closed at once.
pub const CONNECTIONS_MAX: usize = 1_000;
/// TLS handshakes under way at one time; further connections wait in the kernel's backlog.
pub const TLS_HANDSHAKES_MAX: usize = 128;
/// Longest TLS handshake, in milliseconds.
pub const TLS_HANDSHAKE_MS: u64 = 5_000;
/// A connection says its HTTP/2 preface within so long, in milliseconds, or is closed.
pub const PREFACE_MS: u64 = 5_000;
/// How often a connection is asked whether its other end still lives, in milliseconds.
pub const KEEPALIVE_INTERVAL_MS: u64 = 30_000;
/// A connection that does not answer that within so long is closed, in milliseconds.
pub const KEEPALIVE_TIMEOUT_MS: u64 = 10_000;
/// Largest header list of one call: names, values and 32 bytes for each (RFC 9113 section 6.5.2).
pub const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// After a failed accept (no file descriptor left, for instance) the next try comes after so long, in
/// milliseconds.
pub const ACCEPT_RETRY_MS: u64 = 100;
/// How often `serve` looks whether its certificate or key file has changed, in milliseconds.
pub const TLS_RELOAD_MS: u64 = 5_000;
/// Largest file of certificates or of a key that is read.
pub const TLS_FILE_BYTES_MAX: u64 = 256 * 1024;
/// A development certificate is good for so many days.
pub const DEVELOPMENT_CERT_DAYS: u64 = 30;

const _: () = assert!(TLS_HANDSHAKES_MAX <= CONNECTIONS_MAX);
// The command line's own bounds, on what it sends and keeps.

/// Records of an import that may be sent and not answered.
pub const IMPORT_WINDOW_RECORDS: usize = 1_024;
/// Bytes of lines that may be sent and not answered; one longer line is sent alone.
pub const IMPORT_WINDOW_BYTES: usize = 16 * 1024 * 1024;
/// Lines of an import that are read ahead of what is sent.
pub const IMPORT_READ_AHEAD_LINES: usize = 8;
/// Records after which an import goes on in a new stream.
pub const IMPORT_STREAM_ROLL_RECORDS: u64 = IMPORT_RECORDS_MAX as u64 / 2;
/// How often in a row an import is cut, or a record of it put off, before it gives up.
pub const IMPORT_TRIES_MAX: u32 = 10;
/// How often a single write is sent.
pub const WRITE_TRIES_MAX: u32 = 5;
/// First wait before a repeat, in milliseconds; doubled by each further one.
pub const RETRY_FIRST_MS: u64 = 200;
/// Longest wait before a repeat that the vault did not ask for, in milliseconds.
pub const RETRY_MAX_MS: u64 = 5_000;
/// Longest wait before a repeat that the vault asked for, in milliseconds.
pub const RETRY_ADVISED_MAX_MS: u64 = 60_000;
/// Records that find and worklist ask for in one page.
pub const LISTING_PAGE_RECORDS: usize = RECORDS_PAGE_MAX;
/// Records that find and worklist list when no limit is given.
pub const LISTING_RECORDS_MAX: usize = 100_000;
/// How often a progress line is drawn anew, in milliseconds.
pub const PROGRESS_MS: i64 = 200;

const _: () = assert!(RETRY_FIRST_MS <= RETRY_MAX_MS);
const _: () = assert!(MESSAGE_BYTES_MAX <= IMPORT_WINDOW_BYTES);
// What is sent again after a cut fits the stream it begins.
const _: () = assert!(IMPORT_WINDOW_RECORDS < IMPORT_RECORDS_MAX / 2);
