//! `partway stat`: its arguments, and what it prints.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use partway_s3::store::{Looked, UnsignedHeaders};
use partway_shared::wire::{LookAtObjects, ObjectInfo, ObjectLook, ObjectName};
use serde_json::{Map, Value, json};

use super::ls::time;
use crate::access::{self, Access, AccessArgs, object_of};
use crate::failed::{self, NotBegun, problem_sentence};
use crate::out::{Out, WriteError, note, printable};
use crate::place::Place;
use crate::size::human;

#[derive(Debug, Args)]
pub(crate) struct StatArgs {
    /// The object: s3://bucket/key or pw:destination/key
    place: Place,

    /// One version of it [default: the current one]
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,

    /// Read its tags as well, of s3:// places; that is another request, and takes s3:GetObjectTagging
    #[arg(long)]
    tags: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub(crate) const HELP: &str = "\
Prints what the store says of an object: its size, media type, ETag, the checksum that the store verified, when it was stored,
and its version. Of s3:// places also its storage class, headers and metadata.

Exit codes: 0 done; 1 there is no such object; 2 it could not be looked at.";

/// What is known of an object.
struct Seen {
    object: ObjectInfo,
    more: Option<More>,
}

/// What a Partway server does not tell.
struct More {
    headers: UnsignedHeaders,
    metadata: BTreeMap<String, String>,
    tags: Option<BTreeMap<String, String>>,
    storage_class: String,
    encryption: Option<String>,
    website_redirect: Option<String>,
    is_archived: bool,
}

pub(crate) async fn run(args: StatArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let access = access::open(&args.place, &args.access).await?;
    let Some(seen) = look(&args, &access).await? else {
        note(&format!("there is no object {}", printable(&args.place.to_string())));
        return Ok(failed::exit(1));
    };
    let fields = seen.fields();
    let mut out = Out::new();
    let printed =
        if args.json { print_json(&mut out, fields) } else { print(&mut out, &args.place, &fields) };
    match printed.and_then(|()| out.flush()) {
        Ok(()) | Err(WriteError::Closed) => Ok(failed::exit(0)),
        Err(error) => Err(error.into()),
    }
}

async fn look(args: &StatArgs, access: &Access) -> Result<Option<Seen>, NotBegun> {
    let (destination, key) = object_of(&args.place)?;
    if key.is_empty() {
        return Err(NotBegun(format!("{} names no object; a key is missing after the slash", args.place)));
    }
    let version_id = args.version_id.as_deref();
    match access {
        Access::Local(local) => {
            let bucket = destination.as_deref().unwrap_or_default();
            let Some(looked) = local.examine(bucket, &key, version_id).await? else { return Ok(None) };
            let tags = match args.tags {
                true => Some(local.tags(bucket, &key, version_id).await?),
                false => None,
            };
            Ok(Some(Seen::of(looked, tags)))
        }
        Access::Remote(control) => {
            let object = ObjectName { destination, key, version_id: args.version_id.clone() };
            let looked = control.look(LookAtObjects { objects: vec![object] }).await;
            match looked.map(|looked| looked.objects.into_iter().next()) {
                Ok(Some(ObjectLook::Found(object))) => Ok(Some(Seen { object: *object, more: None })),
                Ok(Some(ObjectLook::Refused(problem))) if problem.status == 404 => Ok(None),
                Ok(Some(ObjectLook::Refused(problem))) => Err(NotBegun(problem_sentence(&problem))),
                Ok(None) => Err(NotBegun("the server's answer holds no object".to_owned())),
                Err(failure) if failed::is_not_found(&failure) => Ok(None),
                Err(failure) => Err(failure.into()),
            }
        }
    }
}

impl Seen {
    fn of(looked: Looked, tags: Option<BTreeMap<String, String>>) -> Self {
        let Looked { object, headers, metadata, is_archived, storage_class, encryption, website_redirect } =
            looked;
        let storage_class = storage_class.unwrap_or_else(|| "STANDARD".to_owned());
        let more = More { headers, metadata, tags, storage_class, encryption, website_redirect, is_archived };
        Self { object, more: Some(more) }
    }

    /// Returns what is known, by its name in JSON.
    fn fields(self) -> Vec<(&'static str, Value)> {
        let Self { object, more } = self;
        let checksum = object
            .checksum
            .map(|checksum| json!({ "algorithm": checksum.algorithm, "value": checksum.value }));
        let mut fields = vec![
            ("key", Some(json!(object.key))),
            ("size", Some(json!(object.size))),
            ("type", object.content_type.map(Value::from)),
            ("etag", Some(json!(object.etag.as_str()))),
            ("checksum", checksum),
            ("last_modified", object.last_modified.and_then(time).map(Value::from)),
            ("version_id", object.version_id.map(Value::from)),
        ];
        if let Some(more) = more {
            let headers = more.headers;
            let metadata = (!more.metadata.is_empty()).then(|| json!(more.metadata));
            fields.extend([
                ("storage_class", Some(json!(more.storage_class))),
                ("archived", more.is_archived.then_some(json!(true))),
                ("encryption", more.encryption.map(Value::from)),
                ("cache_control", headers.cache_control.map(Value::from)),
                ("content_disposition", headers.content_disposition.map(Value::from)),
                ("content_encoding", headers.content_encoding.map(Value::from)),
                ("content_language", headers.content_language.map(Value::from)),
                ("expires", headers.expires.map(Value::from)),
                ("website_redirect", more.website_redirect.map(Value::from)),
                ("metadata", metadata),
                ("tags", more.tags.map(|tags| json!(tags))),
            ]);
        }
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn print_json(out: &mut Out, fields: Vec<(&'static str, Value)>) -> Result<(), WriteError> {
    let object: Map<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    out.line(&Value::Object(object).to_string())
}

fn print(out: &mut Out, place: &Place, fields: &[(&'static str, Value)]) -> Result<(), WriteError> {
    out.line(&printable(&place.to_string()))?;
    for (name, value) in fields {
        let name = name.replace('_', " ");
        match (name.as_str(), value) {
            ("key", _) => {}
            ("size", Value::Number(size)) => {
                let bytes = size.as_u64().unwrap_or_default();
                out.line(&format!("  {name:<20} {bytes} ({})", human(bytes)))?;
            }
            ("checksum", Value::Object(checksum)) => {
                let part = |name| checksum.get(name).and_then(Value::as_str).unwrap_or_default();
                out.line(&format!("  {name:<20} {} {}", part("algorithm"), part("value")))?;
            }
            (_, Value::Object(pairs)) => {
                for (key, value) in pairs {
                    let value = value.as_str().unwrap_or_default();
                    out.line(&format!("  {name:<20} {}={}", printable(key), printable(value)))?;
                }
            }
            (_, Value::String(text)) => out.line(&format!("  {name:<20} {}", printable(text)))?,
            (_, value) => out.line(&format!("  {name:<20} {value}"))?,
        }
    }
    Ok(())
}
