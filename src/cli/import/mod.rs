//! `oubliette import`: files many records, line by line, each exactly once however often the import is
//! cut and run again.
//!
//! ```text
//! file --lines (ndjson, table)--> reader thread --request id (ids)--> engine --stream--> vault
//!                                                      window  <--answers--    |
//!                                                                            report
//! ```
//!
//! Neither the file nor its answers are kept in memory beyond the window.

mod engine;
mod ids;
mod line;
mod ndjson;
mod read;
mod report;
mod resume;
mod table;
mod window;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use self::{
    engine::{Call, Engine, Stopped, Vault},
    ids::Ids,
    line::{Lines, Target},
    ndjson::Ndjson,
    report::{Results, Summary, Told},
    table::Table,
};
use super::{
    again::Real,
    connect::{Connection, block_on},
    describe,
    failure::Failure,
    out,
    progress::Progress,
    why::Reading,
};
use crate::{
    client::{
        Client, ClientError, ImportAnswers, ImportSender,
        types::{ImportItem, Imported},
    },
    clock::SystemClock,
    ids::ImportId,
    random::OsRandom,
};

const AFTER: &str = "\
Example:
  oubliette import --collection files --purpose follow-up day.ndjson
  oubliette import --collection files --purpose follow-up day.csv --rejects day.rejects
  feed | oubliette import --collection files --purpose follow-up -

NDJSON: each line is a record as `oubliette create` reads it; `collection` may be left out.
CSV (UTF-8; `,` `;` or tab): the first line names the columns: collected_on, subject_id, request_id,
and attributes and fields of the collection (`oubliette describe`). An empty cell is no value; a date
is written YYYY-MM-DD, a boolean true or false.

A line that is refused is said on the error output as FILE:LINE: REASON path: description, without
its values, and does not stop the others. BAD_LINE is one that is no record. Exits 0 when every record
was filed, 1 when some were refused.

Cut for any reason, run the same command again: each record is filed exactly once. For that each has
a request id: its own `request_id`, or one derived from its line number and a random import id. That
is kept in FILE.oubliette-import, which stays there, so that a file that is imported again by mistake
files nothing twice; keep the two together, and delete it with FILE. For standard input it is printed
at the start; give it back with --import-id. Refused lines may be corrected in FILE, and new ones added
at its end: run it again with --corrected.";

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// File with the records; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Collection of the pack
    #[arg(long, value_name = "NAME")]
    collection: String,
    #[command(flatten)]
    why: Reading,
    /// How the file is written; by default as its name ends, and NDJSON for standard input
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Stop at the first line that is no record
    #[arg(long)]
    strict: bool,
    /// Write refused lines to this file, one JSON object a line: line, reason, violations
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Write filed lines to this file, one JSON object a line: line, record_id, subject_id ...
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// The file was changed since the last run, but its lines are the same ones in the same places
    #[arg(long, conflicts_with = "import_id")]
    corrected: bool,
    /// Import id of an import that was cut, 32 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = import_id)]
    import_id: Option<ImportId>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line
    Ndjson,
    /// A table whose first line names the columns
    Csv,
}

fn import_id(text: &str) -> Result<ImportId, String> {
    ImportId::parse(text).map_err(|e| e.to_string())
}

/// The format by the ending of a file's name; NDJSON for a stream without a name.
fn format_of(path: &Path) -> Result<Format, Failure> {
    let ending = path.extension().map(|e| e.to_ascii_lowercase());
    match ending.as_deref().and_then(|e| e.to_str()) {
        Some("csv" | "tsv") => Ok(Format::Csv),
        Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
        None if is_stdin(path) => Ok(Format::Ndjson),
        _ => Err(Failure::usage("the file's name does not say how it is written")
            .hint("say it: --format ndjson or --format csv")),
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What is read: an open source, its length where it has one, and where its request ids come from.
struct Input {
    source: Box<dyn io::Read + Send>,
    whole: Option<u64>,
    ids: Ids,
    /// For a stream: what resumes it.
    resume: Option<ImportId>,
}

impl Input {
    fn open(args: &Args) -> Result<Self, Failure> {
        let fault = |e: io::Error| Failure::file("opening", &args.file, &e);
        if is_stdin(&args.file) {
            return Ok(Self::stream(Box::new(io::stdin()), args.import_id));
        }
        let file = File::open(&args.file).map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        if metadata.is_dir() {
            return Err(fault(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Ok(Self::stream(Box::new(file), args.import_id));
        }
        let ids = match args.import_id {
            Some(import) => Ids::Known(import),
            None => Ids::beside(&args.file, &metadata, args.corrected, Box::new(OsRandom)),
        };
        let whole = Some(metadata.len());
        Ok(Self { source: Box::new(file), whole, ids, resume: None })
    }

    /// What can be read once only: its import id is drawn, and said before anything is sent.
    fn stream(source: Box<dyn io::Read + Send>, given: Option<ImportId>) -> Self {
        let import = given.unwrap_or_else(|| ImportId::make(&OsRandom));
        if given.is_none() {
            out::note(&format!(
                "import id {import}; if it is cut, send it all again with --import-id"
            ));
        }
        Self { source, whole: None, ids: Ids::Known(import), resume: Some(import) }
    }
}

/// Imports the file.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let format = args.format.map_or_else(|| format_of(&args.file), Ok)?;
    let summary = block_on(import(args, format))?;
    out::either(args.json, &summary, || summary.print())?;
    if summary.refusals() == 0 {
        return Ok(());
    }
    out::note(match is_stdin(&args.file) {
        true => "the refused lines are not filed by this import",
        false => {
            "the refused lines are not filed by this import; once corrected in their places: --corrected"
        }
    });
    Err(Failure::silent())
}

async fn import(args: &Args, format: Format) -> Result<Summary, Failure> {
    let client = args.connection.client().await?;
    let description = client.describe().await?;
    // Seen now rather than on every line.
    let collection = describe::known(&description, &args.collection)?.clone();
    describe::check_purpose(&description, &args.why.intent().purpose)?;
    let target = Arc::new(Target { description, collection });
    let Input { source, whole, ids, resume } = Input::open(args)?;
    let lines = lines(format, source, &args.file, target)?;
    let create = |path: &Option<PathBuf>, others: &[&Path]| {
        path.as_ref().map(|path| Results::create(path, others)).transpose()
    };
    let results = create(&args.results, &[&args.file])?;
    let taken: Vec<&Path> = [Some(&args.file), args.results.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    let rejects = create(&args.rejects, &taken)?;
    let clock = SystemClock;
    let mut told = Told {
        summary: Summary::default(),
        name: if is_stdin(&args.file) { "-".into() } else { args.file.display().to_string() },
        results,
        rejects,
        progress: Progress::on_stderr(&clock, io::stderr().is_terminal()),
        whole,
    };
    let source = read::start(lines, ids, args.why.intent())?;
    let ended = Engine::new(Over(client), source, &Real, &mut told, args.strict).run().await;
    let written = told.finish();
    match ended {
        Ok(()) => written.map(|()| told.summary),
        Err(stopped) => Err(stopped_at(stopped, &told, resume)),
    }
}

fn lines(
    format: Format,
    source: Box<dyn io::Read + Send>,
    path: &Path,
    target: Arc<Target>,
) -> Result<Box<dyn Lines>, Failure> {
    let (source, path) = (BufReader::new(source), path.to_owned());
    match format {
        Format::Ndjson => Ok(Box::new(Ndjson::new(source, path, target))),
        Format::Csv => Ok(Box::new(Table::new(source, path, target)?)),
    }
}

/// The failure of an import that ended too early: how far it was, and how to go on.
fn stopped_at<W: io::Write>(
    stopped: Stopped,
    told: &Told<'_, W>,
    resume: Option<ImportId>,
) -> Failure {
    out::note(&told.summary.line());
    match stopped {
        Stopped::Here(failure) => failure,
        Stopped::There(error) => {
            let hint = error.hint();
            let again = resume::command(std::env::args_os(), resume);
            Failure::from(error)
                .and("the import ended before its end; what was filed is not filed twice")
                .hint(format!("{hint}; then go on: {again}"))
        }
    }
}

/// A vault over the network. The connection opens itself again.
struct Over(Client);

impl Vault for Over {
    type Call = Stream;

    fn open(&mut self) -> Stream {
        let (sender, answers) = self.0.import();
        Stream { sender: Some(sender), answers }
    }
}

/// One stream over the network.
struct Stream {
    sender: Option<ImportSender>,
    answers: ImportAnswers,
}

impl Call for Stream {
    fn send(&mut self, item: ImportItem) {
        if let Some(sender) = &self.sender {
            // A stream that takes nothing has ended; its answers say why.
            let _ = sender.try_send(item);
        }
    }

    fn finish(&mut self) {
        self.sender = None;
    }

    async fn next(&mut self) -> Result<Option<Imported>, ClientError> {
        self.answers.next().await
    }
}
