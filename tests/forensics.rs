//! An examiner who was not told how the program works, only how its files are written (DESIGN section 4),
//! goes through what a real server leaves on the disk.
//!
//! Nothing of the package is used here, neither its code nor code made from its protos: the formats are
//! written down a second time, and `tests/tidy.rs` holds that. He must open every live record first, or
//! what he does not open would prove nothing.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

#[path = "forensics/backups.rs"]
mod backups;
#[path = "forensics/examiner.rs"]
mod examiner;
#[path = "forensics/formats.rs"]
mod formats;
#[path = "forensics/former.rs"]
mod former;
#[path = "forensics/house.rs"]
mod house;
#[path = "forensics/kills.rs"]
mod kills;
#[path = "forensics/list.rs"]
mod list;
#[path = "forensics/memory.rs"]
mod memory;
#[path = "forensics/rows.rs"]
mod rows;
#[path = "forensics/scene.rs"]
mod scene;
#[path = "forensics/search.rs"]
mod search;
#[path = "forensics/story.rs"]
mod story;
