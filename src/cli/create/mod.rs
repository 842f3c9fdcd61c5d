//! `oubliette create`: files one record. Its fields come from standard input or a file, never from
//! arguments.

mod fault;

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
    client::types::{Intent, RecordFile, RecordFileError},
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
hexadecimal digits) is optional: without it a new person's id is drawn and printed. So is
`request_id` (the same form): a record filed again under the same one is filed once.";

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
    let unfit =
        |e: RecordFileError| Failure::of(&e).hint("`oubliette create --help` shows a record");
    let given = record.request().map_err(unfit)?;
    let why = Intent {
        purpose: args.purpose.clone(),
        justification: args.justification.clone(),
        request: Some(given.unwrap_or_else(|| RequestId::make(&OsRandom))),
    };
    let created = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let record = record.typed(&description).map_err(unfit)?;
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
    let (count, source) = match file {
        Some(path) => (
            File::open(path)
                .and_then(|f| f.take(bound).read_to_string(&mut text))
                .map_err(|e| Failure::file("reading", path, &e))?,
            format!("`{}`", path.display()),
        ),
        None => (
            io::stdin()
                .lock()
                .take(bound)
                .read_to_string(&mut text)
                .map_err(|e| Failure::file("reading", Path::new("standard input"), &e))?,
            "standard input".to_owned(),
        ),
    };
    if count >= limits::MESSAGE_BYTES_MAX {
        let most = limits::MESSAGE_BYTES_MAX;
        return Err(Failure::new(format!("{source} is longer than a record may be"))
            .hint(format!("a record has less than {most} bytes")));
    }
    serde_json::from_str(&text).map_err(|error| {
        let failure = Failure::new(fault::of(&text, &source, &error));
        failure.hint("`oubliette create --help` shows a record")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::client::types::{Collection, Description, FieldDescription, Value, ValueKind};

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
    fn a_request_id_of_the_record_is_taken_and_one_of_another_form_refused() {
        let of = |more: &str| {
            let text = format!(r#"{{"collection": "files", "collected_on": "2020-11-23"{more}}}"#);
            parse(&text).unwrap().request()
        };
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(of(""), Ok(None));
        assert_eq!(of(r#", "request_id": null"#), Ok(None));
        let given = of(&format!(r#", "request_id": "{id}""#));
        assert_eq!(given, Ok(Some(RequestId::parse(id).unwrap())));
        assert_eq!(of(r#", "request_id": "SECRET""#), Err(RecordFileError::Request));
    }

    #[test]
    fn a_malformed_record_is_refused_without_quoting_it() {
        for text in ["{\"collection\": \"SECRET\"", "{\"SECRET\": 1}", "\"SECRET\""] {
            let failure = parse(text).err().unwrap();
            assert!(!failure.text().contains("SECRET"));
        }
    }

    #[test]
    fn a_fault_names_its_key_and_kind_and_never_a_value() {
        let said = |text: &str| parse(text).err().unwrap().text();
        assert!(said(r#"{"collected_on": "SECRET"}"#).contains("`collection` is missing"));
        assert!(
            said(r#"{"colection": "x", "collected_on": "y"}"#).contains("`colection` is not a key")
        );
        let list = said(r#"{"collection": "x", "collected_on": "y", "fields": ["SECRET"]}"#);
        assert!(list.contains("`fields` must be an object") && !list.contains("SECRET"));
        let number = said(r#"{"collection": 5, "collected_on": "y"}"#);
        assert!(number.contains("`collection` must be a string"));
        assert!(
            said(r#"{"collection": "x", "collection": "SECRET", "collected_on": "y"}"#)
                .contains("twice")
        );
        assert!(said("[1]").contains("one JSON object"));
        assert!(said(" \n").contains("is empty"));
        assert!(
            said("{\"collection\": SECRET}")
                .contains("is not JSON: expected value at line 1 column")
        );
    }

    #[test]
    fn several_records_in_one_file_are_refused_with_their_number() {
        let line = r#"{"collection": "SECRET", "collected_on": "2020-11-23"}"#;
        let failure = parse(&format!("{line}\n{line}\n{line}\n")).err().unwrap().text();
        assert!(failure.contains("one record per call; the file holds 3 lines"), "{failure}");
        assert!(!failure.contains("SECRET"));
        assert!(parse(&format!("{line}\n")).is_ok());
    }
}
