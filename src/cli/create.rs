//! `oubliette create`: files one record. Its fields come from standard input or a file, never from
//! arguments.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{
    client::types::{Intent, RecordFile},
    ids::RequestId,
    limits,
    random::OsRandom,
};

const AFTER: &str = "\
Example:
  oubliette create --purpose follow-up <<'END'
  {\"collection\": \"files\", \"collected_on\": \"2020-11-23\",
   \"attributes\": {\"territory\": \"north\"},
   \"fields\": {\"surname\": \"EXAMPLE\", \"born_on\": \"1970-01-01\"}}
  END

Values are strings, integers and booleans; a date is written \"YYYY-MM-DD\". `subject_id` (32
hexadecimal digits) is optional: without it a new person's id is drawn and printed.";

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Purpose, one of the pack's list
    #[arg(long)]
    purpose: String,
    /// Why, where the policy wants it; name no person here
    #[arg(long, value_name = "TEXT")]
    justification: Option<String>,
    /// JSON file with the record; standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Files the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let record = read(args.file.as_deref())?;
    let why = Intent {
        purpose: args.purpose.clone(),
        justification: args.justification.clone(),
        request: Some(RequestId::make(&OsRandom)),
    };
    let created = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let record = record.typed(&description).map_err(|e| Failure::of(&e))?;
        Ok(client.create(&why, record).await?)
    })?;
    out::either(args.json, &created, || {
        out::line(&format!("record {}", created.record));
        out::line(&format!("subject {}", created.subject));
        out::line(&format!("version {}", created.version));
        out::line(&format!("unreadable from {} 00:00 local time on", created.expires_on));
    })
}

fn read(file: Option<&Path>) -> Result<RecordFile, Failure> {
    let bound = u64::try_from(limits::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    match file {
        Some(path) => File::open(path)
            .and_then(|f| f.take(bound).read_to_string(&mut text))
            .map_err(|e| Failure::file("reading", path, &e))?,
        None => io::stdin()
            .lock()
            .take(bound)
            .read_to_string(&mut text)
            .map_err(|e| Failure::file("reading", Path::new("standard input"), &e))?,
    };
    // The parser's own message may quote the input, which is personal: only the place is said.
    serde_json::from_str(&text).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        Failure::new(format!("the record is not of the expected form ({place})"))
            .hint("`oubliette create --help` shows one")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::client::types::{
        Collection, Description, FieldDescription, RecordFileError, Value, ValueKind,
    };

    fn parse(text: &str) -> Result<RecordFile, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        fs::write(&path, text).unwrap();
        read(Some(&path))
    }

    fn description() -> Description {
        let field = |name: &str, kind| FieldDescription {
            name: name.into(),
            class: "identity".into(),
            kind,
            required: false,
        };
        Description {
            pack: "p".into(),
            pack_hash: String::new(),
            end_date: String::new(),
            zone: String::new(),
            purposes: vec![],
            collections: vec![Collection {
                name: "files".into(),
                period: "P3M".into(),
                fields: vec![field("born", ValueKind::Date), field("name", ValueKind::Text)],
                attributes: vec![],
            }],
            abilities: vec![],
        }
    }

    #[test]
    fn a_string_becomes_a_date_exactly_where_the_pack_wants_one() {
        let text = r#"{"collection": "files", "collected_on": "2020-11-23",
            "fields": {"born": "1970-01-01", "name": "1970-01-01", "n": 5, "b": true}}"#;
        let record = parse(text).unwrap().typed(&description()).unwrap();
        let value = |name: &str| &record.fields.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(*value("born") == Value::Date("1970-01-01".into()));
        assert!(*value("name") == Value::Text("1970-01-01".into()));
        assert!(*value("n") == Value::Integer(5));
        assert!(*value("b") == Value::Boolean(true));
    }

    #[test]
    fn a_value_of_another_shape_is_refused_by_its_path_and_never_quoted() {
        let text = r#"{"collection": "files", "collected_on": "2020-11-23",
            "fields": {"name": ["SECRET"]}}"#;
        let refused = parse(text).unwrap().typed(&description()).err().unwrap();
        assert_eq!(refused, RecordFileError::Value("fields.name".into()));
    }

    #[test]
    fn a_malformed_record_is_refused_without_quoting_it() {
        for text in ["{\"collection\": \"SECRET\"", "{\"SECRET\": 1}", "\"SECRET\""] {
            let failure = parse(text).err().unwrap();
            assert!(!failure.text().contains("SECRET"));
        }
    }
}
