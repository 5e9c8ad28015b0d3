//! `partway rm`: its arguments, what it asks, and what it prints.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use partway_client::Control;
use partway_shared::limits::MAX_OBJECTS_PER_DELETE;
use partway_shared::transfer::Failure;
use partway_shared::wire::{
    DeleteObjects, LookAtObjects, ObjectDeletion, ObjectLook, ObjectName, ObjectToDelete,
};
use tokio::task::JoinSet;

use crate::access::{self, AccessArgs, object_of};
use crate::failed::{self, NotBegun, is_not_found, problem_sentence, sentence};
use crate::listing::Listing;
use crate::out::{Out, note, printable};
use crate::place::Place;

/// The requests that are under way at once.
const AT_ONCE: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// The objects, or with -r the folders: s3://bucket/key or pw:destination/key
    #[arg(required = true)]
    places: Vec<Place>,

    /// Delete an object of this key and all that is below it as a folder
    #[arg(long, short)]
    recursive: bool,

    /// Ask nothing
    #[arg(long, short)]
    yes: bool,

    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,

    /// One version, which is removed for good [default: the current one, which a bucket with versioning keeps as an older one]
    #[arg(long, value_name = "ID", conflicts_with = "recursive")]
    version_id: Option<String>,

    #[command(flatten)]
    access: AccessArgs,
}

pub(crate) const HELP: &str = "\
Deletes objects, and prints each. On a terminal it asks before it deletes more than one; elsewhere, -r needs --yes.
A folder ends at a slash: with -r, s3://bucket/a is the object a and all below a/, and nothing of ab/.

Exit codes: 0 all are deleted; 1 some could not be, or were not there; 2 nothing could be begun.";

pub(crate) async fn run(args: RmArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut targets = Vec::new();
    for place in &args.places {
        let access = access::open(place, &args.access).await?;
        let (destination, key) = object_of(place)?;
        if key.is_empty() && !args.recursive {
            let why = format!("{place} names no object; with -r all that is in it is deleted");
            return Err(NotBegun(why).into());
        }
        targets.push(Target { shown: shown(place), control: access.control(), destination, key });
    }
    if args.recursive && !args.yes && !args.dry_run && !io::stdin().is_terminal() {
        return Err(NotBegun(
            "-r deletes without a question where there is no terminal to ask at: say --yes".to_owned(),
        )
        .into());
    }
    if !args.yes && !args.dry_run && !confirm(&args, &targets).await? {
        note("nothing was deleted");
        return Ok(failed::exit(1));
    }
    let mut deletion = Deletion { out: Out::new(), dry_run: args.dry_run, failed: 0, tasks: JoinSet::new() };
    for target in &targets {
        if args.recursive {
            deletion.below(target).await?;
        } else {
            deletion.one(target, args.version_id.clone()).await?;
        }
    }
    while let Some(finished) = deletion.tasks.join_next().await {
        deletion.told(finished?);
    }
    // Nobody needs to read it.
    let _ = deletion.out.flush();
    Ok(failed::exit(deletion.failed))
}

/// What an argument names.
struct Target {
    /// What stands before a key where it is printed.
    shown: String,
    control: Arc<dyn Control>,
    destination: Option<String>,
    key: String,
}

fn shown(place: &Place) -> String {
    match place {
        Place::Bucket { bucket, .. } => format!("s3://{bucket}/"),
        Place::Destination { destination, .. } => {
            format!("pw:{}/", destination.as_deref().unwrap_or_default())
        }
        Place::Path(_) | Place::Pipe => String::new(),
    }
}

impl Target {
    /// Returns what is listed to delete the folder: what its key is alone, and what is below it.
    fn folder(&self) -> Listing {
        let slash = if self.key.is_empty() || self.key.ends_with('/') { "" } else { "/" };
        Listing { destination: self.destination.clone(), prefix: format!("{}{slash}", self.key) }
    }

    fn is_below_object(&self) -> bool {
        !self.key.is_empty() && !self.key.ends_with('/')
    }
}

/// Asks before more than one object is deleted.
async fn confirm(args: &RmArgs, targets: &[Target]) -> Result<bool, NotBegun> {
    if !io::stdin().is_terminal() || (!args.recursive && targets.len() == 1) {
        return Ok(true);
    }
    let question = if args.recursive {
        let mut counts = Vec::new();
        for target in targets {
            let page = target.folder().page(&*target.control, None, None).await?;
            let more = if page.next.is_some() { "more than " } else { "" };
            let count = page.objects.len();
            let place = printable(&target.folder().prefix).into_owned();
            counts.push(format!("{more}{count} objects below {}{place}", target.shown));
        }
        format!("Delete {}?", counts.join(" and "))
    } else {
        format!("Delete {} objects?", targets.len())
    };
    let mut err = io::stderr().lock();
    let asked = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    asked.map_err(|error| NotBegun(format!("the question cannot be asked: {error}; say --yes")))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| NotBegun(format!("the answer cannot be read: {error}; say --yes")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// What became of a batch: each key with what kept it from being deleted.
type Told = (String, Vec<(String, Option<String>)>);

struct Deletion {
    out: Out,
    dry_run: bool,
    failed: u64,
    tasks: JoinSet<Told>,
}

impl Deletion {
    /// Deletes one object. That it is not there is a failure, which S3 itself does not tell.
    async fn one(&mut self, target: &Target, version_id: Option<String>) -> Result<(), NotBegun> {
        let object = ObjectName {
            destination: target.destination.clone(),
            key: target.key.clone(),
            version_id: version_id.clone(),
        };
        let looked = target.control.look(LookAtObjects { objects: vec![object] }).await;
        let is_missing = match &looked {
            Ok(looked) => {
                matches!(looked.objects.first(), Some(ObjectLook::Refused(problem)) if problem.status == 404)
            }
            Err(failure) => is_not_found(failure),
        };
        if is_missing && version_id.is_none() {
            self.told((
                target.shown.clone(),
                vec![(target.key.clone(), Some("there is no such object".to_owned()))],
            ));
            return Ok(());
        }
        self.batch(target, vec![target.key.clone()], version_id).await
    }

    /// Deletes a folder, page by page.
    async fn below(&mut self, target: &Target) -> Result<(), NotBegun> {
        if target.is_below_object() {
            let object = ObjectName {
                destination: target.destination.clone(),
                key: target.key.clone(),
                version_id: None,
            };
            let looked = target.control.look(LookAtObjects { objects: vec![object] }).await;
            let is_there =
                looked.is_ok_and(|looked| matches!(looked.objects.first(), Some(ObjectLook::Found(_))));
            if is_there {
                self.batch(target, vec![target.key.clone()], None).await?;
            }
        }
        let mut pages = target.folder().read(Arc::clone(&target.control));
        while let Some(page) = pages.next().await {
            let keys: Vec<_> = page?.into_iter().map(|object| object.key).collect();
            for keys in keys.chunks(MAX_OBJECTS_PER_DELETE) {
                self.batch(target, keys.to_vec(), None).await?;
            }
        }
        Ok(())
    }

    async fn batch(
        &mut self,
        target: &Target,
        keys: Vec<String>,
        version_id: Option<String>,
    ) -> Result<(), NotBegun> {
        if keys.is_empty() {
            return Ok(());
        }
        if self.dry_run {
            for key in keys {
                let _ = self.out.line(&format!("would delete {}{}", target.shown, printable(&key)));
            }
            return Ok(());
        }
        while self.tasks.len() >= AT_ONCE
            && let Some(finished) = self.tasks.join_next().await
        {
            let told = finished.map_err(|error| NotBegun(format!("a deletion ended early: {error}")))?;
            self.told(told);
        }
        let (control, shown) = (Arc::clone(&target.control), target.shown.clone());
        let destination = target.destination.clone();
        self.tasks.spawn(async move { (shown, delete(&*control, destination, keys, version_id).await) });
        Ok(())
    }

    /// Prints what became of a batch. A closed pipe is no reason to leave half of a folder.
    fn told(&mut self, (shown, results): Told) {
        for (key, why) in results {
            let key = printable(&key);
            match why {
                None => drop(self.out.line(&format!("deleted {shown}{key}"))),
                Some(why) => {
                    self.failed += 1;
                    note(&format!("{shown}{key}: {why}"));
                }
            }
        }
    }
}

/// Deletes up to 1,000 objects. Returns each key with what kept it from being deleted.
async fn delete(
    control: &dyn Control,
    destination: Option<String>,
    keys: Vec<String>,
    version_id: Option<String>,
) -> Vec<(String, Option<String>)> {
    let objects = keys.iter().map(|key| ObjectToDelete {
        destination: destination.clone(),
        key: key.clone(),
        version_id: version_id.clone(),
        etag: None,
    });
    let deleted: Result<_, Failure> = control.delete(DeleteObjects { objects: objects.collect() }).await;
    match deleted {
        Ok(deleted) => {
            let mut results = deleted.objects.into_iter();
            let told = keys.into_iter().map(|key| {
                let why = match results.next() {
                    Some(ObjectDeletion::Deleted(_)) => None,
                    Some(ObjectDeletion::Refused(problem)) => Some(problem_sentence(&problem)),
                    None => Some("the answer does not say whether it is deleted".to_owned()),
                };
                (key, why)
            });
            told.collect()
        }
        Err(failure) => {
            let why = sentence(&failure);
            keys.into_iter().map(|key| (key, Some(why.clone()))).collect()
        }
    }
}
