//! `partway cat`: objects on standard output, one after the other.

use std::process::ExitCode;

use clap::Args;
use partway_client::Downloads;
use partway_client::download::{Download, Target};
use partway_shared::wire::ObjectName;
use tokio::sync::mpsc::unbounded_channel;

use crate::place::Place;
use crate::transfer::connection::{Connection, ConnectionArgs};
use crate::transfer::objects;
use crate::transfer::options::TransferArgs;
use crate::transfer::report::{Item, ItemState, Report, ReportArgs};
use crate::transfer::runner::{self, Driver, Work};
use crate::transfer::threads;

#[derive(Clone, Debug, Args)]
pub(crate) struct CatArgs {
    /// Objects: pw:destination/key, or a glob such as 'pw:logs/2026-*.txt'
    #[arg(required = true, value_name = "PLACE")]
    places: Vec<String>,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) const HELP: &str = "\
Objects are fetched by several requests at once and written in order; no more than 16 MiB wait for the reader. An object
is verified once its last byte is there, when all of it has been written: the exit code says whether it was whole.

Exit codes: 0 all were written and verified; 1 some could not be read; 2 it could not begin; 3 a checksum did not
match; 4 an object changed meanwhile; 130 interrupted; 141 the reader is gone.";

pub(crate) async fn run(args: CatArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let places = args.places.iter().map(|place| match place.parse::<Place>() {
        Ok(Place::Destination { destination, key }) => Ok((place.clone(), destination, key)),
        Ok(Place::Bucket { .. }) => {
            Err(format!("{place}: cat does not take s3:// places; give pw:destination/key"))
        }
        Ok(_) => Err(format!("{place}: cat takes objects of a Partway server, such as pw:default/a.txt")),
        Err(error) => Err(error.to_string()),
    });
    let places = places.collect::<Result<Vec<_>, _>>()?;
    Ok(ExitCode::from(threads::run(move || write_all(args, places)).await?))
}

async fn write_all(args: CatArgs, places: Vec<(String, Option<String>, String)>) -> Result<u8, String> {
    let settings = args.transfer.settings();
    let connection = Connection::open(&args.connection, &settings).await?;
    let mut code = 0;
    for (place, destination, key) in places {
        connection.check(destination.as_deref())?;
        let found = objects::find(&*connection.control, destination.as_deref(), &key, false).await;
        let found = found.map_err(|why| format!("{place}: {why}"))?;
        if found.is_empty() {
            let mut report = report(Vec::new());
            report.problem(&format!("{place}: there is no such object"));
            code = code.max(report.code());
        }
        for object in found {
            let from = format!("pw:{}/{}", destination.as_deref().unwrap_or_default(), object.key);
            let item =
                Item { from, to: "-".to_owned(), adds_key: false, size: None, state: ItemState::default() };
            let object = ObjectName { destination: destination.clone(), key: object.key, version_id: None };
            let target = Target::Writer(Box::new(std::io::stdout()));
            let (sender, events) = unbounded_channel();
            let Connection { control, scope, http, .. } = connection.clone();
            let downloads = Downloads::new(control, &scope, http, &settings, sender);
            let work = vec![Work::Download(Download { object, target })];
            let ended = runner::run(Driver::Down(downloads), events, work, &mut report(vec![item])).await?;
            if ended >= runner::INTERRUPTED {
                return Ok(ended);
            }
            code = code.max(ended);
        }
    }
    Ok(code)
}

/// Nothing is told but errors: what is written may be shown on the same terminal.
fn report(items: Vec<Item>) -> Report {
    Report::new(ReportArgs { quiet: true, ..ReportArgs::default() }, items, true)
}
