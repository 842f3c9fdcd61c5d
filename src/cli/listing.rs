//! Lists that come in pages: asks for page after page up to a limit, and says how far it is when a
//! person watches.

use std::io::IsTerminal as _;

use super::{failure::Failure, progress::Progress};
use crate::{clock::SystemClock, ids::EventId, limits};

/// What was listed.
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    /// The audit events of the pages.
    pub(super) events: Vec<EventId>,
    /// There are more than were asked for.
    pub(super) more: bool,
}

/// One page: its items, its event, and the cursor of the next.
pub(super) type Page<T> = (Vec<T>, EventId, Option<Vec<u8>>);

/// The flag of every list.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Limit {
    #[arg(long, value_name = "N", help = format!(
        "At most so many; by default all of them, up to {}", limits::LISTING_RECORDS_MAX
    ))]
    limit: Option<usize>,
}

impl Limit {
    /// The most that is listed.
    pub(super) fn most(self) -> usize {
        self.limit.unwrap_or(limits::LISTING_RECORDS_MAX).min(limits::LISTING_RECORDS_MAX)
    }
}

/// Lists at most `most` items. `page` gets the size of a page and a cursor, empty for the first.
pub(super) async fn all<T>(
    most: usize,
    mut page: impl AsyncFnMut(u32, Vec<u8>) -> Result<Page<T>, Failure>,
) -> Result<Listed<T>, Failure> {
    let clock = SystemClock;
    let mut progress = Progress::on_stderr(&clock, std::io::stderr().is_terminal());
    let mut listed = Listed { items: Vec::new(), events: Vec::new(), more: false };
    let mut cursor = Vec::new();
    loop {
        let wanted = most.saturating_sub(listed.items.len()).min(limits::LISTING_PAGE_RECORDS);
        let size = u32::try_from(wanted.max(1)).unwrap_or(u32::MAX);
        let (items, event, next) = page(size, cursor).await?;
        listed.items.extend(items);
        listed.events.push(event);
        let over = listed.items.len() > most;
        listed.items.truncate(most);
        progress.show(|| format!("{} records", listed.items.len()));
        match next {
            Some(next) if listed.items.len() < most => cursor = next,
            next => {
                progress.clear();
                return Ok(Listed { more: over || next.is_some(), ..listed });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists `there` numbers in pages, at most `most`; the sizes asked for come along.
    fn list(there: usize, most: usize) -> (Listed<usize>, Vec<u32>) {
        let mut sizes = Vec::new();
        let page = async |size: u32, cursor: Vec<u8>| {
            sizes.push(size);
            let from = cursor
                .first()
                .map_or(0, |_| usize::from_be_bytes(cursor.as_slice().try_into().unwrap()));
            let to = (from + usize::try_from(size).unwrap()).min(there);
            let next = (to < there).then(|| to.to_be_bytes().to_vec());
            Ok(((from..to).collect(), EventId::from_bytes([1; 16]), next))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        (runtime.block_on(all(most, page)).unwrap(), sizes)
    }

    #[test]
    fn every_page_is_listed_once_and_in_order() {
        let page = limits::LISTING_PAGE_RECORDS;
        let (listed, sizes) = list(2 * page + 5, limits::LISTING_RECORDS_MAX);
        assert_eq!(listed.items, (0..2 * page + 5).collect::<Vec<_>>());
        assert_eq!((listed.more, listed.events.len(), sizes.len()), (false, 3, 3));
    }

    #[test]
    fn a_limit_ends_the_list_and_says_that_there_are_more() {
        let (listed, sizes) = list(10, 4);
        assert_eq!((listed.items, listed.more, sizes), (vec![0, 1, 2, 3], true, vec![4]));
        let (listed, _) = list(4, 4);
        assert_eq!((listed.items.len(), listed.more), (4, false));
        let (none, _) = list(0, 4);
        assert_eq!((none.items.len(), none.more), (0, false));
    }
}
