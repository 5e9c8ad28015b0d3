//! `partway cp`: its arguments, and which file goes where.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use partway_client::download::{Download, FileTarget, Target};
use partway_client::journal::Journal;
use partway_client::{Downloads, Upload, Uploads};
use partway_shared::upload::FileInfo;
use partway_shared::wire::ObjectName;
use tokio::sync::mpsc::unbounded_channel;

use crate::place::Place;
use crate::transfer::connection::{Connection, ConnectionArgs};
use crate::transfer::files::{Found, LocalFile, find};
use crate::transfer::objects::{self, RemoteObject, safe_path};
use crate::transfer::options::TransferArgs;
use crate::transfer::report::{Item, ItemState, Report, ReportArgs, bytes};
use crate::transfer::runner::{self, Driver, Work};
use crate::transfer::threads;

#[derive(Clone, Debug, Args)]
pub(crate) struct CpArgs {
    /// What to copy: paths, globs, pw:destination/key
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,

    /// Where to: a path, - (standard output), pw:destination/key; a folder, or what ends with /, means into it
    #[arg(required = true, value_name = "TARGET")]
    target: String,

    /// Copy folders, and all below a key prefix
    #[arg(long, short)]
    recursive: bool,

    /// Media type of what is uploaded [default: what the file name's extension says]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Give downloaded files the time at which the object was stored
    #[arg(long)]
    preserve_mtime: bool,

    /// Begin anew, whatever is there from a run that was interrupted
    #[arg(long)]
    no_resume: bool,

    /// Take what is there of a download for what was written, without reading it again
    #[arg(long, conflicts_with = "no_resume")]
    trust: bool,

    /// Print what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    connection: ConnectionArgs,

    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) const HELP: &str = "\
Places:
  path, folder/, *.txt    of this machine; globs that the shell leaves alone are expanded here
  pw:destination/key      of a Partway server; pw:default/ is its default destination
  -                       standard input or standard output

Uploads get the key that the server makes of its template, and it is printed. Every part is checked by the store
on its way; a download has its name only once all bytes are there and verified. Run the same command again after an
interruption, and it goes on: uploads from what the store has, downloads from what is there, which is read and
compared first (--trust skips that).

Examples:
  partway cp film.mp4 pw:default/
  partway cp -r photos pw:default/
  pg_dump mydb | partway cp - pw:default/mydb.sql
  partway cp pw:default/film.mp4 .
  partway cp 'pw:default/logs/*.gz' logs/

Exit codes: 0 done; 1 some failed; 2 it could not begin; 3 a checksum did not match; 4 a file or an object changed
meanwhile; 130 interrupted; 141 the reader of standard output is gone.";

/// What is to be done, and how it is told.
struct Task {
    work: Work,
    item: Item,
}

pub(crate) async fn run(args: CpArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let places = args.sources.iter().map(|source| source.parse::<Place>());
    let sources = places.collect::<Result<Vec<_>, _>>()?;
    let target = args.target.parse::<Place>()?;
    if matches!(target, Place::Bucket { .. })
        || sources.iter().any(|place| matches!(place, Place::Bucket { .. }))
    {
        return Err(
            "cp does not take s3:// places; give a destination of a Partway server, such as pw:default/"
                .into(),
        );
    }
    let is_local = |place: &Place| matches!(place, Place::Path(_));
    let code = match &target {
        Place::Destination { .. } if sources.contains(&Place::Pipe) => {
            if sources.len() > 1 {
                return Err("standard input is copied alone; leave the other sources out".into());
            }
            threads::run(move || upload_stream(args, target)).await?
        }
        _ if sources.contains(&Place::Pipe) => {
            return Err("standard input is copied to a Partway server, such as to pw:default/name; for files of this machine there is cat".into());
        }
        Place::Destination { .. } if sources.iter().all(is_local) => {
            threads::run(move || upload(args, sources, target)).await?
        }
        Place::Path(_) | Place::Pipe if !sources.iter().any(is_local) => {
            threads::run(move || download(args, sources, target)).await?
        }
        Place::Destination { .. } => return Err("cp copies from this machine to a server, or back; not both at once, nor from server to server".into()),
        _ => return Err("one side has to be on a Partway server, such as pw:default/; for files of this machine there is cp".into()),
    };
    Ok(ExitCode::from(code))
}

// Uploads.

async fn upload(args: CpArgs, sources: Vec<Place>, target: Place) -> Result<u8, String> {
    let Place::Destination { destination, key } = target else {
        return Err("the target is no destination".to_owned());
    };
    let mut found = Found::default();
    for source in &sources {
        if let Place::Path(path) = source {
            find(path, args.recursive, &mut found);
        }
    }
    let Found { files, problems } = found;
    let is_single = matches!(files.as_slice(), [LocalFile { below: None, .. }]);
    if sources.len() > 1 && !key.is_empty() && !key.ends_with('/') {
        return Err(format!("several sources need a place that ends with /, such as {}/", args.target));
    }
    let tasks: Vec<_> = files
        .into_iter()
        .map(|file| upload_task(&args, file, destination.as_deref(), &key, is_single))
        .collect();
    if let Some(code) = nothing(&args, &tasks, &problems)? {
        return Ok(code);
    }
    let settings = args.transfer.settings();
    let connection = Connection::open(&args.connection, &settings).await?;
    connection.check(destination.as_deref())?;
    let (sender, events) = unbounded_channel();
    let journal = Journal::open().inspect_err(|error| {
        tracing::warn!(%error, "there is no folder for the journal of uploads, so none goes on after an interruption");
    });
    let Connection { control, scope, http, .. } = connection;
    let uploads = Uploads::new(control, &scope, http, &settings, journal.ok(), sender);
    run_all(&args, Driver::Up(uploads), events, tasks, &problems, false).await
}

/// Uploads standard input, however long it is.
async fn upload_stream(args: CpArgs, target: Place) -> Result<u8, String> {
    let Place::Destination { destination, key } = target else {
        return Err("the target is no destination".to_owned());
    };
    let name = key.rsplit('/').next().unwrap_or_default().to_owned();
    if name.is_empty() {
        let place = args.target.trim_end_matches('/');
        return Err(format!("standard input has no name of its own; give it one, such as {place}/dump.sql"));
    }
    let to = format!("pw:{}/", destination.as_deref().unwrap_or("default"));
    let info = FileInfo {
        content_type: args.content_type.clone().or_else(|| guess(&name)),
        path: (key != name).then_some(key),
        destination: destination.clone(),
        name,
        ..FileInfo::default()
    };
    let item = Item { from: "-".to_owned(), to, adds_key: true, size: None, state: ItemState::default() };
    let tasks = vec![Task { work: Work::Stream(info), item }];
    if let Some(code) = nothing(&args, &tasks, &[])? {
        return Ok(code);
    }
    let settings = args.transfer.settings();
    let connection = Connection::open(&args.connection, &settings).await?;
    connection.check(destination.as_deref())?;
    let (sender, events) = unbounded_channel();
    let Connection { control, scope, http, .. } = connection;
    // Nothing could go on with it.
    let uploads = Uploads::new(control, &scope, http, &settings, None, sender);
    run_all(&args, Driver::Up(uploads), events, tasks, &[], false).await
}

fn upload_task(
    args: &CpArgs,
    file: LocalFile,
    destination: Option<&str>,
    key: &str,
    is_single: bool,
) -> Task {
    let (name, path) = place_below(&file, key, is_single);
    let content_type = args.content_type.clone().or_else(|| guess(&name));
    let from = file.path.display().to_string();
    let size = std::fs::metadata(&file.path).map(|metadata| metadata.len()).ok();
    let upload = Upload {
        source: file.path,
        name,
        path,
        destination: destination.map(str::to_owned),
        content_type,
        resume: !args.no_resume,
    };
    let to = format!("pw:{}/", destination.unwrap_or("default"));
    Task {
        work: Work::Upload(upload),
        item: Item { from, to, adds_key: true, size, state: ItemState::default() },
    }
}

/// Returns the name that a file is to have, and its path, of which the server makes the key.
fn place_below(file: &LocalFile, key: &str, is_single: bool) -> (String, Option<String>) {
    let below = file.below.as_deref();
    let path = if key.is_empty() {
        below.map(str::to_owned)
    } else if key.ends_with('/') {
        Some(format!("{key}{}", below.unwrap_or(&file.name)))
    } else if is_single {
        Some(key.to_owned())
    } else {
        // The folder is to be called so.
        let rest = below.and_then(|below| below.split_once('/')).map_or(file.name.as_str(), |(_, rest)| rest);
        Some(format!("{key}/{rest}"))
    };
    let name = path.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or(&file.name).to_owned();
    (name, path)
}

/// Returns the media type that a name's extension says, by a table of our own: systems differ, and what they say is in doubt.
fn guess(name: &str) -> Option<String> {
    let kind = mime_guess::from_path(name).first()?;
    let is_text = kind.type_() == mime_guess::mime::TEXT;
    Some(if is_text { format!("{kind}; charset=utf-8") } else { kind.to_string() })
}

// Downloads.

async fn download(args: CpArgs, sources: Vec<Place>, target: Place) -> Result<u8, String> {
    let settings = args.transfer.settings();
    let connection = Connection::open(&args.connection, &settings).await?;
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for source in &sources {
        let Place::Destination { destination, key } = source else { continue };
        connection.check(destination.as_deref())?;
        let found = objects::find(&*connection.control, destination.as_deref(), key, args.recursive).await;
        match found {
            Ok(found) if found.is_empty() => problems.push(format!("{source}: there is no such object")),
            Ok(found) => objects.extend(found.into_iter().map(|object| (destination.clone(), object))),
            Err(why) => problems.push(format!("{source}: {why}")),
        }
    }
    let is_piped = target == Place::Pipe;
    let tasks = match &target {
        Place::Pipe if objects.len() > 1 => {
            return Err("standard output takes one object; partway cat takes several".to_owned());
        }
        Place::Path(path) => to_path(&args, objects, path, sources.len() > 1, &mut problems)?,
        _ => objects.into_iter().map(to_pipe).collect(),
    };
    if let Some(code) = nothing(&args, &tasks, &problems)? {
        return Ok(code);
    }
    let (sender, events) = unbounded_channel();
    let Connection { control, scope, http, .. } = connection;
    let downloads = Downloads::new(control, &scope, http, &settings, sender);
    run_all(&args, Driver::Down(downloads), events, tasks, &problems, is_piped).await
}

type Object = (Option<String>, RemoteObject);

fn to_path(
    args: &CpArgs,
    objects: Vec<Object>,
    target: &Path,
    has_several: bool,
    problems: &mut Vec<String>,
) -> Result<Vec<Task>, String> {
    let ends_with_slash = args.target.ends_with('/');
    let is_into = ends_with_slash || target.is_dir();
    let is_many = has_several || objects.iter().any(|(_, object)| object.below.is_some());
    if has_several && !is_into {
        return Err(format!("several sources need a folder: {} is none; write {0}/ to make it", args.target));
    }
    if is_many && target.exists() && !target.is_dir() {
        return Err(format!("{} is a file, where a folder is needed", args.target));
    }
    let (mut tasks, mut paths) = (Vec::new(), BTreeSet::new());
    for (destination, object) in objects {
        let below = match &object.below {
            // The folder is to be called so.
            Some(below) if args.recursive && !is_into => {
                below.split_once('/').map_or(below.as_str(), |(_, rest)| rest)
            }
            Some(below) => below,
            None => object.key.rsplit('/').next().unwrap_or_default(),
        };
        let path = match safe_path(below) {
            Some(_) if object.below.is_none() && !is_into => target.to_owned(),
            Some(below) => target.join(below),
            None => {
                let key = &object.key;
                problems.push(format!(
                    "{key}: no file below {} can have this name; it is passed over",
                    args.target
                ));
                continue;
            }
        };
        if let Some(folder) =
            path.parent().filter(|folder| !args.dry_run && (is_into || is_many) && !folder.exists())
            && let Err(error) = std::fs::create_dir_all(folder)
        {
            problems.push(format!("{}: the folder cannot be made: {error}", folder.display()));
            continue;
        }
        if !paths.insert(path.clone()) {
            problems
                .push(format!("{}: another object of this copy is that file; it is passed over", object.key));
            continue;
        }
        tasks.push(to_file(args, destination, object, path));
    }
    Ok(tasks)
}

fn to_file(args: &CpArgs, destination: Option<String>, object: RemoteObject, path: PathBuf) -> Task {
    let item = item(destination.as_deref(), &object, path.display().to_string());
    let is_special = std::fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let opened = is_special.then(|| std::fs::OpenOptions::new().write(true).open(&path));
    let target = match opened {
        // A device or a named pipe is written to, and not replaced.
        Some(Ok(device)) => Target::Writer(Box::new(device)),
        _ => Target::File(FileTarget {
            path,
            resume: !args.no_resume,
            trust: args.trust,
            preserve_mtime: args.preserve_mtime,
        }),
    };
    Task { work: Work::Download(Download { object: name(destination, object), target }), item }
}

fn to_pipe((destination, object): Object) -> Task {
    let item = item(destination.as_deref(), &object, "-".to_owned());
    let target = Target::Writer(Box::new(std::io::stdout()));
    Task { work: Work::Download(Download { object: name(destination, object), target }), item }
}

fn item(destination: Option<&str>, object: &RemoteObject, to: String) -> Item {
    let from = format!("pw:{}/{}", destination.unwrap_or_default(), object.key);
    Item { from, to, adds_key: false, size: object.size, state: ItemState::default() }
}

fn name(destination: Option<String>, object: RemoteObject) -> ObjectName {
    ObjectName { destination, key: object.key, version_id: None }
}

// Both.

/// Ends here where there is nothing to copy, or nothing is to be.
fn nothing(args: &CpArgs, tasks: &[Task], problems: &[String]) -> Result<Option<u8>, String> {
    if tasks.is_empty() {
        let mut report = Report::new(args.report, Vec::new(), false);
        let (last, others) = problems.split_last().ok_or("there is nothing to copy")?;
        others.iter().for_each(|problem| report.problem(problem));
        return Err(last.clone());
    }
    if !args.dry_run {
        return Ok(None);
    }
    let mut report = Report::new(args.report, Vec::new(), false);
    for task in tasks {
        let size = task.item.size.map(|size| format!("  {}", bytes(size))).unwrap_or_default();
        report.line(&format!("{} -> {}{size}", task.item.from, task.item.to));
    }
    problems.iter().for_each(|problem| report.problem(problem));
    Ok(Some(report.code()))
}

async fn run_all(
    args: &CpArgs,
    driver: Driver,
    events: tokio::sync::mpsc::UnboundedReceiver<partway_client::Event>,
    tasks: Vec<Task>,
    problems: &[String],
    is_piped: bool,
) -> Result<u8, String> {
    let (work, items) = tasks.into_iter().map(|task| (task.work, task.item)).unzip();
    let mut report = Report::new(args.report, items, is_piped);
    problems.iter().for_each(|problem| report.problem(problem));
    runner::run(driver, events, work, &mut report).await
}
