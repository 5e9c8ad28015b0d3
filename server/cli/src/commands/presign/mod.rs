//! `partway presign`: its arguments, and what is signed.

mod curl;
mod form;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use partway_client::Control;
use partway_s3::attributes::check_value;
use partway_server::config::parse_duration;
use partway_shared::limits::{MAX_PRESIGN_SECONDS, MAX_SINGLE_PUT_SIZE};
use partway_shared::part::PartNumber;
use partway_shared::wire::{
    Disposition, Looks, ObjectSigning, ObjectToSign, ReadMethod, ResponseHeaders, SignObjects,
};

use crate::access::{self, Access, AccessArgs, object_of};
use crate::failed::{self, NotBegun, problem_sentence};
use crate::local::Local;
use crate::options::ObjectArgs;
use crate::out::{Out, WriteError, note};
use crate::place::Place;

use self::curl::Curl;

#[derive(Debug, Args)]
pub(crate) struct PresignArgs {
    /// What the URL is for
    #[arg(value_enum)]
    kind: Kind,

    /// The object: s3://bucket/key or pw:destination/key; with post, a key that ends with a slash takes any file name behind it
    place: Place,

    /// How long it is valid, at most 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    expires: Duration,

    /// get, head: the file name that a browser saves it under
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,

    /// get, head: show it in a browser instead of saving it
    #[arg(long)]
    inline: bool,

    /// get, head: one version of it
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,

    /// put, part, post: the exact size of the file; any other is refused
    #[arg(long, value_name = "SIZE", value_parser = crate::size::parse)]
    size: Option<u64>,

    /// post: the largest size of the file [default: 5GiB, the most that S3 takes]
    #[arg(long, value_name = "SIZE", value_parser = crate::size::parse, conflicts_with = "size")]
    max_size: Option<u64>,

    /// post: the smallest size of the file
    #[arg(long, value_name = "SIZE", value_parser = crate::size::parse, default_value = "0", conflicts_with = "size")]
    min_size: u64,

    /// post: a field that may have any value that begins like this, such as Content-Type=image/
    #[arg(long, value_name = "FIELD=PREFIX")]
    starts_with: Vec<String>,

    /// part: the id of the upload in parts
    #[arg(long, value_name = "ID")]
    upload_id: Option<String>,

    /// part: the number of the part, 1 to 10,000
    #[arg(long, value_name = "N")]
    part_number: Option<u32>,

    /// Print a curl command instead of the URL
    #[arg(long)]
    curl: bool,

    /// The file that the curl command reads or writes [default: the last name of the key]
    #[arg(long, value_name = "PATH", requires = "curl")]
    file: Option<String>,

    #[command(flatten)]
    object: ObjectArgs,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Read the object
    Get,
    /// Ask what it is, without its bytes
    Head,
    /// Upload it whole
    Put,
    /// Upload one part of it
    Part,
    /// Upload it by a form; prints JSON with the form's URL and fields
    Post,
}

pub(crate) const HELP: &str = "\
Whoever has the URL can do what it is for until it expires, without credentials. It can be used any number of times.

    partway presign get s3://bucket/report.pdf --expires 15m --filename \"Report.pdf\"
    partway presign put s3://bucket/in/a.csv --type text/csv --size 1500 --curl
    partway presign post s3://bucket/in/ --max-size 10MiB --starts-with Content-Type=image/

get and head take --type, --cache-control, --content-language and --content-encoding as what the answer should say instead
of what is stored. put and post sign the options for stored objects: the store refuses a request without them. Headers that
a PUT must carry are in the curl command, and on standard error otherwise.

How long it is truly valid is on standard error: no longer than the credentials that sign it. At pw: places the server signs
get and head, for as long as its settings let it.

Exit codes: 0 done; 1 there is no such object; 2 nothing could be signed.";

/// What was signed.
enum Signed {
    /// A URL, and the headers that a request must carry.
    Url { url: String, headers: BTreeMap<String, String> },
    /// A form.
    Form(form::Form),
}

pub(crate) async fn run(args: PresignArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let is_read = matches!(args.kind, Kind::Get | Kind::Head);
    let seconds = args.expires.as_secs();
    if !(1..=MAX_PRESIGN_SECONDS).contains(&seconds) {
        return Err(NotBegun(
            "--expires: a presigned URL is valid for 1s to 7d; for longer, see partway link".to_owned(),
        )
        .into());
    }
    args.check()?;
    let (destination, key) = object_of(&args.place)?;
    if key.is_empty() && args.kind != Kind::Post {
        return Err(
            NotBegun(format!("{} names no object; a key is missing after the slash", args.place)).into()
        );
    }
    let (signed, valid) = match access::open(&args.place, &args.access).await? {
        access if is_read => match read(&args, &access, destination, key.clone()).await? {
            Ok(signed) => signed,
            Err(why) => {
                note(&why);
                return Ok(failed::exit(1));
            }
        },
        Access::Local(local) => {
            write(&args, &local, destination.as_deref().unwrap_or_default(), &key).await?
        }
        Access::Remote(_) => {
            let why = "at pw: places get and head are signed; to upload there, use partway cp: the server gives each upload its own URLs";
            return Err(NotBegun(why.to_owned()).into());
        }
    };
    tell(&args, &signed, valid);
    let text = match signed {
        Signed::Url { url, headers } if args.curl => {
            Curl { kind: args.kind, key: &key, file: args.file.as_deref() }.of_url(&url, &headers)?
        }
        Signed::Form(form) if args.curl => {
            Curl { kind: args.kind, key: &key, file: args.file.as_deref() }.of_form(&form)?
        }
        Signed::Url { url, .. } => url,
        Signed::Form(form) => form.json(),
    };
    let mut out = Out::new();
    match out.line(&text).and_then(|()| out.flush()) {
        Ok(()) | Err(WriteError::Closed) => Ok(failed::exit(0)),
        Err(error) => Err(error.into()),
    }
}

impl PresignArgs {
    /// Refuses options that are for other kinds, which would be left out without a word.
    fn check(&self) -> Result<(), NotBegun> {
        use Kind::{Get, Head, Part, Post, Put};
        let given: [(&str, bool, &[Kind]); 9] = [
            ("--filename", self.filename.is_some(), &[Get, Head]),
            ("--inline", self.inline, &[Get, Head]),
            ("--version-id", self.version_id.is_some(), &[Get, Head]),
            ("--size", self.size.is_some(), &[Put, Part, Post]),
            ("--max-size", self.max_size.is_some(), &[Post]),
            ("--min-size", self.min_size > 0, &[Post]),
            ("--starts-with", !self.starts_with.is_empty(), &[Post]),
            ("--upload-id", self.upload_id.is_some(), &[Part]),
            ("--part-number", self.part_number.is_some(), &[Part]),
        ];
        if let Some((name, ..)) =
            given.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&self.kind))
        {
            return Err(NotBegun(format!("{name} says nothing to presign {}", self.kind_name())));
        }
        if matches!(self.kind, Get | Head) {
            let answered = [
                "--cache-control",
                "--content-language",
                "--content-encoding",
                "--content-disposition",
                "--expires-at",
            ];
            let stored: Vec<_> =
                self.object.owners_options().into_iter().filter(|name| !answered.contains(name)).collect();
            if let [name, ..] = stored[..] {
                return Err(NotBegun(format!(
                    "{name} is for objects that are stored, and presign {} reads one",
                    self.kind_name()
                )));
            }
        }
        if self.kind == Part && self.object != ObjectArgs::default() {
            return Err(NotBegun(
                "options for stored objects are for the upload of which this is a part; leave them out"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn kind_name(&self) -> String {
        self.kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn lifetime(&self) -> u64 {
        self.expires.as_secs()
    }
}

/// Signs a URL that reads, or says why there is none.
async fn read(
    args: &PresignArgs,
    access: &Access,
    destination: Option<String>,
    key: String,
) -> Result<Result<(Signed, u64), String>, NotBegun> {
    let object = &args.object;
    let method = if args.kind == Kind::Head { ReadMethod::Head } else { ReadMethod::Get };
    // A server has to see what it is before a browser may show it; who owns the bucket signs without a request.
    let look = Looks(matches!(access, Access::Remote(_)));
    if object.content_disposition.is_some() {
        return Err(NotBegun("--content-disposition: say --filename NAME or --inline here".to_owned()));
    }
    let expires = match object.expires_at {
        Some(_) => object.attributes().map_err(NotBegun)?.expires,
        None => None,
    };
    let request = ObjectToSign {
        destination,
        key,
        version_id: args.version_id.clone(),
        method,
        response: ResponseHeaders {
            filename: args.filename.clone(),
            disposition: args.inline.then_some(Disposition::Inline),
            content_type: object.content_type.clone(),
            cache_control: object.cache_control.clone(),
            content_language: object.content_language.clone(),
            content_encoding: object.content_encoding.clone(),
            expires,
        },
        expires_in: Some(args.lifetime()),
        look,
    };
    let control: Arc<dyn Control> = access.control();
    let signed = match control.sign(SignObjects { objects: vec![request] }).await {
        Err(failure) if failed::is_not_found(&failure) => return Ok(Err(failed::sentence(&failure))),
        signed => signed?,
    };
    match signed.objects.into_iter().next() {
        Some(ObjectSigning::Signed(signed)) => {
            Ok(Ok((Signed::Url { url: signed.url, headers: BTreeMap::new() }, signed.expires_in)))
        }
        Some(ObjectSigning::Refused(problem)) if problem.status == 404 => Ok(Err(problem_sentence(&problem))),
        Some(ObjectSigning::Refused(problem)) => Err(NotBegun(problem_sentence(&problem))),
        None => Err(NotBegun("the server's answer holds no URL".to_owned())),
    }
}

/// Signs a URL or a form that uploads.
async fn write(
    args: &PresignArgs,
    local: &Local,
    bucket: &str,
    key: &str,
) -> Result<(Signed, u64), NotBegun> {
    if args.size.is_some_and(|size| size > MAX_SINGLE_PUT_SIZE) {
        return Err(NotBegun(
            "--size: one request takes at most 5 GiB; larger files go up in parts, with partway cp"
                .to_owned(),
        ));
    }
    let attributes = args.object.attributes().map_err(NotBegun)?;
    if args.kind == Kind::Post {
        let wanted = form::Wanted::of(args, key, attributes)?;
        let (form, valid) = local
            .presign(bucket, args.expires, |presigner| (wanted.sign(presigner), presigner.expires_in()))
            .await?;
        return Ok((Signed::Form(form::Form { url: form.url, fields: form.fields }), valid));
    }
    let mut headers = attributes.headers();
    if let Some(content_type) = &args.object.content_type {
        check_value(content_type).map_err(|why| NotBegun(format!("--type: {why}")))?;
        headers.insert("content-type".to_owned(), content_type.clone());
    }
    let part = match args.kind {
        Kind::Part => {
            let (Some(upload_id), Some(number)) = (&args.upload_id, args.part_number) else {
                return Err(NotBegun("presign part needs --upload-id and --part-number".to_owned()));
            };
            let number = PartNumber::new(number)
                .map_err(|_| NotBegun("--part-number: parts have numbers from 1 to 10,000".to_owned()))?;
            Some((upload_id.as_str(), number))
        }
        Kind::Get | Kind::Head | Kind::Put | Kind::Post => None,
    };
    let (url, valid) = local
        .presign(bucket, args.expires, |presigner| {
            (presigner.sign_put(key, part, args.size, &headers), presigner.expires_in())
        })
        .await?;
    Ok((Signed::Url { url, headers }, valid))
}

/// Tells how long it is valid, and what a request must carry.
fn tell(args: &PresignArgs, signed: &Signed, valid: u64) {
    let asked = args.lifetime();
    let until = jiff::Timestamp::now().as_second().saturating_add(i64::try_from(valid).unwrap_or(i64::MAX));
    let until = jiff::Timestamp::from_second(until).map(|at| at.to_string()).unwrap_or_default();
    let length = jiff::SignedDuration::from_secs(i64::try_from(valid).unwrap_or(i64::MAX));
    if valid < asked {
        let why = match args.place {
            Place::Bucket { .. } => "the credentials that sign it end sooner than was asked for",
            _ => "the server, or its credentials, allow no more",
        };
        note(&format!("valid for {length:#}, until {until}: {why}"));
    } else {
        note(&format!("valid for {length:#}, until {until}"));
        let is_of_session = match signed {
            Signed::Url { url, .. } => url.contains("X-Amz-Security-Token="),
            Signed::Form(form) => form.fields.contains_key("x-amz-security-token"),
        };
        if is_of_session && matches!(args.place, Place::Bucket { .. }) {
            note("the credentials are of a session: when it ends, the URL ends with it");
        }
    }
    if let Signed::Url { headers, .. } = signed
        && !args.curl
    {
        for (name, value) in headers {
            note(&format!("the request must carry {name}: {value}"));
        }
        if let Some(size) = args.size {
            note(&format!("the request must carry content-length: {size}"));
        }
    }
}
