//! `partway ls`: its arguments, and what it prints.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use partway_shared::wire::ListedObject;
use serde_json::json;

use crate::access::{self, Access, AccessArgs, object_of};
use crate::failed::{self, NotBegun};
use crate::listing::Listing;
use crate::out::{Out, WriteError, note, printable};
use crate::place::Place;
use crate::size::human;

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// What keys begin with: s3://bucket/prefix or pw:destination/prefix
    place: Place,

    /// List all keys instead of one folder's
    #[arg(long, short)]
    recursive: bool,

    /// Print JSON, one object or folder a line
    #[arg(long)]
    json: bool,

    /// Print sizes as people read them, such as 1.5 MiB
    #[arg(long)]
    human: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub(crate) const HELP: &str = "\
Prints when each object was stored (UTC), its size in bytes, and its key; a folder has its name alone. Keys come in the order
of their bytes, and are printed as they arrive.

Exit codes: 0 done; 1 nothing begins with this; 2 it could not be listed.";

pub(crate) async fn run(args: LsArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let access = access::open(&args.place, &args.access).await?;
    let (destination, prefix) = object_of(&args.place)?;
    let listing = Listing { destination, prefix };
    let mut out = Out::new();
    let listed = list(&args, &access, &listing, &mut out).await;
    match listed {
        Ok(0) if !listing.prefix.is_empty() => {
            note(&format!("nothing begins with {}", printable(&args.place.to_string())));
            Ok(failed::exit(1))
        }
        Ok(_) => Ok(failed::exit(0)),
        Err(Stopped::Write(WriteError::Closed)) => Ok(failed::exit(0)),
        Err(Stopped::Write(error)) => Err(error.into()),
        Err(Stopped::NotBegun(error)) => Err(error.into()),
    }
}

enum Stopped {
    Write(WriteError),
    NotBegun(NotBegun),
}

impl From<WriteError> for Stopped {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl<E: Into<NotBegun>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::NotBegun(error.into())
    }
}

/// Prints what is listed. Returns how many lines that were.
async fn list(args: &LsArgs, access: &Access, listing: &Listing, out: &mut Out) -> Result<u64, Stopped> {
    let control = access.control();
    let mut count = 0;
    if args.recursive {
        let mut pages = listing.clone().read(control);
        while let Some(page) = pages.next().await {
            for object in page? {
                out.line(&line(args, &object))?;
                count += 1;
            }
            out.flush()?;
        }
        return Ok(count);
    }
    let mut after = None;
    loop {
        let page = listing.page(&*control, Some("/"), after).await?;
        let mut folders = page.prefixes.iter().peekable();
        for object in &page.objects {
            while let Some(folder) = folders.next_if(|folder| **folder < object.key) {
                out.line(&folder_line(args, folder))?;
            }
            out.line(&line(args, object))?;
        }
        for folder in folders {
            out.line(&folder_line(args, folder))?;
        }
        out.flush()?;
        count += (page.objects.len() + page.prefixes.len()) as u64;
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

fn line(args: &LsArgs, object: &ListedObject) -> String {
    let ListedObject { key, size, etag, last_modified, storage_class } = object;
    if args.json {
        return json!({
            "key": key,
            "size": size,
            "etag": etag.as_str(),
            "last_modified": last_modified.and_then(time),
            "storage_class": storage_class.as_deref().unwrap_or("STANDARD"),
        })
        .to_string();
    }
    let at = last_modified.and_then(time).unwrap_or_default();
    let size = if args.human { human(*size) } else { size.to_string() };
    format!("{at:<20}  {size:>13}  {}", printable(key))
}

fn folder_line(args: &LsArgs, folder: &str) -> String {
    if args.json {
        return json!({ "prefix": folder }).to_string();
    }
    format!("{:<20}  {:>13}  {}", "", "", printable(folder))
}

/// Returns a time in seconds, as `2026-12-01T11:20:00Z`.
pub(crate) fn time(millis: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(millis).ok()?;
    Some(Timestamp::from_second(at.as_second()).ok()?.to_string())
}
