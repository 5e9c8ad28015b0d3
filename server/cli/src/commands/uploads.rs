//! `partway uploads`: what was interrupted, to be gone on with or removed.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use partway_client::journal::{Journal, NoClaim, Record};
use partway_client::{TransferSettings, Upload, Uploads};
use partway_shared::error::ErrorCode;
use partway_shared::transfer::Failure;
use partway_shared::upload::ControlCall;
use partway_shared::wire::AbortUpload;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::transfer::connection::{Connection, ConnectionArgs, sentence};
use crate::transfer::options::TransferArgs;
use crate::transfer::report::{Item, ItemState, Report, ReportArgs, bytes};
use crate::transfer::runner::{self, Driver, Work};
use crate::transfer::threads;

#[derive(Clone, Debug, Args)]
pub(crate) struct UploadsArgs {
    #[command(subcommand)]
    command: Option<UploadsCommand>,

    /// Print JSON, one upload per line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum UploadsCommand {
    /// List uploads that were interrupted, or are running
    List(ListArgs),
    /// Go on with uploads; with all of them, if none is named
    Resume(ResumeArgs),
    /// Remove uploads, and what the store has of them
    Abort(AbortArgs),
}

#[derive(Clone, Copy, Debug, Args)]
struct ListArgs {
    /// Print JSON, one upload per line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ResumeArgs {
    /// Ids of uploads, or their beginnings
    #[arg(value_name = "ID")]
    ids: Vec<String>,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    connection: ConnectionArgs,

    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Clone, Debug, Args)]
struct AbortArgs {
    /// Ids of uploads, or their beginnings
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,

    /// Abort all of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,

    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) const HELP: &str = "\
Uploads in parts are recorded below $XDG_STATE_HOME/partway/uploads (~/.local/state/partway/uploads), readable by
their user alone. A record has the token of its upload, with which it can be completed or aborted. `partway cp` of
the same file to the same place goes on by itself.

Each upload is gone on with at the server that it was begun at, whatever --endpoint says.

Exit codes: 0 done; 1 some failed; 2 it could not begin; 3 a checksum did not match; 4 a file changed meanwhile;
130 interrupted.";

pub(crate) async fn run(args: UploadsArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let journal =
        Journal::open().map_err(|error| format!("the journal of uploads cannot be opened: {error}"))?;
    let code = match args.command {
        None => list(&journal, args.json)?,
        Some(UploadsCommand::List(ListArgs { json })) => list(&journal, json || args.json)?,
        Some(UploadsCommand::Resume(mut resuming)) => {
            resuming.report.json |= args.json;
            threads::run(move || resume(resuming, journal)).await?
        }
        Some(UploadsCommand::Abort(aborting)) => threads::run(move || abort(aborting, journal)).await?,
    };
    Ok(ExitCode::from(code))
}

fn list(journal: &Journal, json: bool) -> Result<u8, String> {
    let mut out = std::io::stdout().lock();
    for record in journal.records() {
        let state = state_of(journal, &record);
        let line = if json { to_json(&record, state).to_string() } else { to_line(&record, state) };
        if writeln!(out, "{line}").is_err() {
            // Whoever reads has enough.
            return Ok(0);
        }
    }
    Ok(0)
}

fn state_of(journal: &Journal, record: &Record) -> &'static str {
    if matches!(journal.claim(record.id), Err(NoClaim::Busy)) {
        return "running";
    }
    if record.has_expired() { "expired" } else { "interrupted" }
}

fn to_line(record: &Record, state: &str) -> String {
    let id = record.id.to_string();
    let (stored, size) = (bytes(record.stored), bytes(record.size));
    format!(
        "{id}  {state:<11}  {stored} of {size}  {} -> {}  {}",
        record.source.display(),
        record.key,
        record.scope
    )
}

fn to_json(record: &Record, state: &str) -> Value {
    json!({
        "id": record.id,
        "state": state,
        "source": record.source,
        "endpoint": record.scope,
        "destination": record.destination,
        "key": record.key,
        "size": record.size,
        "stored": record.stored,
        "expires_at": record.expires_at,
    })
}

/// Returns the records that are named by the beginnings of their ids; all, if none is named.
fn chosen(journal: &Journal, ids: &[String]) -> Result<Vec<Record>, String> {
    let records = journal.records();
    if ids.is_empty() {
        return Ok(records);
    }
    let mut chosen: Vec<Record> = Vec::new();
    for id in ids {
        let mut of = records.iter().filter(|record| record.id.to_string().starts_with(id.as_str()));
        match (of.next(), of.next()) {
            (Some(record), None) => chosen.push(record.clone()),
            (Some(_), Some(_)) => return Err(format!("{id}: several uploads begin so; give more of the id")),
            (None, _) => return Err(format!("{id}: there is no such upload; `partway uploads` lists them")),
        }
    }
    Ok(chosen)
}

async fn resume(args: ResumeArgs, journal: Journal) -> Result<u8, String> {
    let settings = args.transfer.settings();
    let mut code = 0;
    let mut records = chosen(&journal, &args.ids)?;
    records.sort_by(|a, b| a.scope.cmp(&b.scope));
    records.retain(|record| {
        let has_its_file = record.has_its_file();
        if !has_its_file {
            code = 4;
            let (id, source) = (record.id, record.source.display());
            let why = format!(
                "{source} changed or is gone since; `partway uploads abort {id}` removes what is stored"
            );
            let _ = writeln!(std::io::stderr().lock(), "partway: {id}: {why}");
        }
        has_its_file
    });
    for of_one in records.chunk_by(|a, b| a.scope == b.scope) {
        let Some(Record { scope, .. }) = of_one.first() else { continue };
        let connection = connect(&args.connection, scope, &settings).await?;
        let tasks = of_one.iter().map(|record| (Work::Upload(again(record)), to_item(record)));
        let (work, items) = tasks.unzip();
        let (sender, events) = unbounded_channel();
        let Connection { control, scope, http, .. } = connection;
        let uploads = Uploads::new(control, &scope, http, &settings, Some(journal.clone()), sender);
        let mut report = Report::new(args.report, items, false);
        let ended = runner::run(Driver::Up(uploads), events, work, &mut report).await?;
        if ended == runner::INTERRUPTED {
            return Ok(ended);
        }
        code = code.max(ended);
    }
    Ok(code)
}

async fn abort(args: AbortArgs, journal: Journal) -> Result<u8, String> {
    let mut code = 0;
    for record in chosen(&journal, &args.ids)? {
        let id = record.id;
        let said = match journal.claim(id) {
            Err(NoClaim::Busy) => Err("it is running; interrupt that first".to_owned()),
            Err(NoClaim::Io(error)) => Err(error.to_string()),
            Ok(_claim) => {
                let aborted = abort_one(&args.connection, &record).await;
                aborted.inspect(|()| journal.remove(id))
            }
        };
        match said {
            Ok(()) => {
                let _ = writeln!(std::io::stdout().lock(), "{id}  aborted  {}", record.source.display());
            }
            Err(why) => {
                code = 1;
                let _ = writeln!(std::io::stderr().lock(), "partway: {id}: {why}");
            }
        }
    }
    Ok(code)
}

async fn abort_one(args: &ConnectionArgs, record: &Record) -> Result<(), String> {
    let connection = connect(args, &record.scope, &TransferSettings::default()).await?;
    let call = ControlCall::Abort(AbortUpload { token: record.token.clone() });
    match connection.control.call(call).await {
        Ok(_) => Ok(()),
        // There is nothing left to abort.
        Err(Failure::Status { code: Some(code), .. })
            if [ErrorCode::UploadGone, ErrorCode::TokenExpired, ErrorCode::AlreadyCompleted]
                .iter()
                .any(|known| known.as_str() == code) =>
        {
            Ok(())
        }
        Err(failure) => Err(sentence(&failure)),
    }
}

async fn connect(
    args: &ConnectionArgs,
    scope: &str,
    settings: &TransferSettings,
) -> Result<Connection, String> {
    let args = ConnectionArgs { endpoint: Some(scope.to_owned()), ..args.clone() };
    Connection::open(&args, settings).await
}

fn again(record: &Record) -> Upload {
    Upload {
        source: record.source.clone(),
        name: record.name.clone(),
        path: record.path.clone(),
        destination: record.destination.clone(),
        content_type: record.content_type.clone(),
        resume: true,
    }
}

fn to_item(record: &Record) -> Item {
    Item {
        from: record.source.display().to_string(),
        to: format!("pw:{}/", record.destination.as_deref().unwrap_or("default")),
        adds_key: true,
        size: Some(record.size),
        state: ItemState::default(),
    }
}
