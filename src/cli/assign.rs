//! `oubliette assign`: gives a record to an agent or puts it into a unit's queue.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    failure::Failure,
    out,
    reveal::record_id,
    update::print,
    why::Writing,
};
use crate::{
    client::types::{Assignee, Description},
    clock::Timestamp,
    ids::RecordId,
};

const AFTER: &str = "\
Example:
  oubliette assign 9f86d081884c7d659a2feaa0c55ad015 --unit cell-1 --purpose follow-up
  oubliette assign 9f86d081884c7d659a2feaa0c55ad015 --agent op-1 --purpose follow-up \\
      --until 2020-11-24T18:00

--until takes local time of the pack's zone (`oubliette describe` names it), or a time with its own
offset: 2020-11-24T18:00+04:00. How it was understood is printed. Without it the assignment ends
with the record. Nobody assigns to himself, except from his own unit's queue.";

/// To whom, or whose: one of the two.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct To {
    /// An agent's login name
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// A unit of the pack: the record is in its queue
    #[arg(long, value_name = "NAME")]
    unit: Option<String>,
}

impl To {
    /// One of the two is there: the command line is refused otherwise.
    pub(super) fn assignee(&self) -> Assignee {
        match &self.agent {
            Some(agent) => Assignee::Agent(agent.clone()),
            None => Assignee::Unit(self.unit.clone().unwrap_or_default()),
        }
    }
}

/// Arguments of `assign`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    #[command(flatten)]
    to: To,
    /// When the assignment ends; by default with the record
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Until>,
    #[command(flatten)]
    why: Writing,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// A time as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// With its own offset from UTC.
    Instant(Timestamp),
    /// Of the pack's zone.
    Local(NaiveDateTime),
}

fn until(text: &str) -> Result<Until, String> {
    let short = |_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z");
    if let Ok(instant) = DateTime::parse_from_rfc3339(text).or_else(short) {
        return Ok(Until::Instant(Timestamp::from_millis(instant.timestamp_millis())));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    local.map(Until::Local).ok_or_else(|| {
        "a time is written 2020-11-24T18:00, or with its offset 2020-11-24T18:00+04:00".to_owned()
    })
}

impl Until {
    /// The instant. Of an hour that the change of clocks repeats, the first one.
    fn instant(self, description: &Description) -> Result<Timestamp, Failure> {
        let local = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Local(local) => local,
        };
        let offset = "give the time with its offset: 2020-11-24T18:00+04:00";
        let zone: Tz = description.zone.parse().map_err(|_| {
            Failure::new("the pack's zone is not known to this program").hint(offset)
        })?;
        match zone.from_local_datetime(&local) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => {
                Ok(Timestamp::from_millis(t.timestamp_millis()))
            }
            LocalResult::None => {
                Err(Failure::usage(format!("the clocks of {zone} skip this time")).hint(offset))
            }
        }
    }
}

/// Assigns the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (why, to) = (args.why.intent(), args.to.assignee());
    let (written, until) = block_on(async {
        let client = args.connection.client().await?;
        let until = match args.until {
            Some(until) => Some(until.instant(&client.describe().await?)?),
            None => None,
        };
        let until_ms = until.map(Timestamp::as_millis);
        let call = async || client.assign(&why, args.record, &to, until_ms).await;
        Ok((once(&why, &Real, call).await?, until))
    })?;
    out::either(args.json, &written, || {
        print(&written);
        if let Some(until) = until {
            out::line(&format!("assigned until {until}"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::typed::tests::description;

    fn instant(text: &str, zone: &str) -> Result<String, Failure> {
        let pack = Description { zone: zone.into(), ..description(vec![]) };
        until(text).unwrap().instant(&pack).map(|t| t.to_string())
    }

    #[test]
    fn a_time_without_an_offset_is_of_the_packs_zone_and_one_with_it_is_its_own() {
        let local = |zone| instant("2020-11-24T18:00", zone).unwrap();
        assert_eq!(local("Europe/Paris"), "2020-11-24T17:00:00.000Z");
        assert_eq!(local("America/Guadeloupe"), "2020-11-24T22:00:00.000Z");
        let own = instant("2020-11-24T18:00:00+04:00", "Europe/Paris").unwrap();
        assert_eq!(own, "2020-11-24T14:00:00.000Z");
        assert_eq!(instant("2020-11-24T18:00+04:00", "Europe/Paris").unwrap(), own);
        assert_eq!(instant("2020-11-24T18:00:30", "UTC").unwrap(), "2020-11-24T18:00:30.000Z");
    }

    #[test]
    fn an_hour_that_is_skipped_is_refused_and_one_that_is_repeated_is_the_first() {
        let skipped = instant("2021-03-28T02:30", "Europe/Paris").unwrap_err();
        assert_eq!(skipped.code(), 2);
        let repeated = instant("2020-10-25T02:30", "Europe/Paris").unwrap();
        assert_eq!(repeated, "2020-10-25T00:30:00.000Z");
    }

    #[test]
    fn a_day_alone_or_another_spelling_is_refused() {
        for text in ["2020-11-24", "24/11/2020 18:00", "18:00", ""] {
            assert!(until(text).is_err(), "{text}");
        }
    }
}
