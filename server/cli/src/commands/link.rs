//! `partway link`: its arguments, and what it prints.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use partway_server::config::parse_duration;
use partway_shared::wire::{CreateLink, Disposition, ResponseHeaders};

use crate::access::{self, Access, AccessArgs, object_of};
use crate::failed::{self, NotBegun, is_not_found, sentence};
use crate::out::{Out, WriteError, note};
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The object: pw:destination/key
    place: Place,

    /// How long it works, at most as long as the destination's objects.link_lifetime
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    expires: Duration,

    /// The file name that a browser saves it under
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,

    /// Show it in a browser instead of saving it
    #[arg(long)]
    inline: bool,

    /// One version of it [default: the current one]
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,

    #[command(flatten)]
    access: AccessArgs,
}

pub(crate) const HELP: &str = "\
Prints an address of the Partway server that leads to the object, for longer than the seven days that S3 gives a URL: the
server signs for it whenever somebody follows it. How long it truly works is on standard error.

Exit codes: 0 done; 1 there is no such object; 2 no link could be made.";

pub(crate) async fn run(args: LinkArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (destination, key) = object_of(&args.place)?;
    let Access::Remote(control) = access::open(&args.place, &args.access).await? else {
        let why = "a link needs a Partway server that signs for it when it is followed; write pw:destination/key, or use \
                   partway presign get, whose URLs are valid for up to 7 days";
        return Err(NotBegun(why.to_owned()).into());
    };
    let request = CreateLink {
        destination,
        key,
        version_id: args.version_id,
        response: ResponseHeaders {
            filename: args.filename,
            disposition: args.inline.then_some(Disposition::Inline),
            ..ResponseHeaders::default()
        },
        expires_in: Some(args.expires.as_secs()),
    };
    let created = match control.link(request).await {
        Ok(created) => created,
        Err(failure) if is_not_found(&failure) => {
            note(&sentence(&failure));
            return Ok(failed::exit(1));
        }
        Err(failure) => return Err(NotBegun::from(failure).into()),
    };
    let works = jiff::SignedDuration::from_secs(i64::try_from(created.expires_in).unwrap_or(i64::MAX));
    note(&format!("works for {works:#}"));
    let mut out = Out::new();
    match out.line(&created.url).and_then(|()| out.flush()) {
        Ok(()) | Err(WriteError::Closed) => Ok(failed::exit(0)),
        Err(error) => Err(error.into()),
    }
}
