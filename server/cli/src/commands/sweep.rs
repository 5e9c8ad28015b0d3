//! `partway sweep`: its arguments, and what it prints.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use partway_s3::bucket::Sweeping;
use partway_s3::sweep::{Expired, Mode, Swept, min_age, sweep};
use partway_server::config::{Settings, parse_duration};
use partway_server::redact;
use partway_server::stores::OpenStores;

#[derive(Debug, Default, Args)]
pub(crate) struct SweepArgs {
    /// Configuration file in TOML [default: partway.toml, if it is there]
    #[arg(long, short, value_name = "FILE", env = "PARTWAY_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Remove what is listed; without this flag nothing is changed
    #[arg(long, short)]
    yes: bool,

    /// Remove uploads older than this, such as 2d [default: the longest token_lifetime of a bucket's destinations, and 1h]
    ///
    /// Younger uploads than the default may still be under way, or be resumed.
    #[arg(long, value_name = "AGE", value_parser = parse_duration)]
    older_than: Option<Duration>,

    /// Print JSON, one upload per line
    #[arg(long)]
    json: bool,
}

pub(crate) const HELP: &str = "\
Lists the multipart uploads below uploads.key_prefix whose tokens have expired, so that they cannot be completed any
more, and the files below .partway/ that were never completed. With --yes it removes them. It can run at any time, while
any number of servers run.

Without a key_prefix it lists all multipart uploads in the buckets, including those of other programs.

Exit codes: 0 done; 1 some could not be removed; 2 they could not be listed.";

pub(crate) async fn run(args: SweepArgs, settings: Settings) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mode = if args.yes { Mode::Remove } else { Mode::DryRun };
    let open = OpenStores::open(&settings).await?;
    let mut failed = 0;
    for bucket in &open.buckets {
        let min_age = args.older_than.unwrap_or_else(|| min_age(bucket));
        let mut out = std::io::stdout().lock();
        let swept = sweep(bucket, Sweeping::Everything, mode, min_age, |expired, error| {
            // A closed pipe is no reason to leave half of them.
            let _ = match args.json {
                true => writeln!(out, "{}", json(&bucket.label, expired, mode, error)),
                false => writeln!(out, "{}", line(expired, mode, error)),
            };
        });
        let swept = swept.await?;
        failed += swept.failed;
        if !args.json {
            writeln!(std::io::stdout(), "{}", summary(&bucket.label, &swept, mode))?;
        }
    }
    open.close().await;
    Ok(if failed > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

type Error<'a> = Option<&'a partway_s3::store::StoreError>;

fn line(expired: &Expired, mode: Mode, error: Error<'_>) -> String {
    let hours = expired.age.as_secs() / 3_600;
    let age = format!("{} d {:2} h", hours / 24, hours % 24);
    let key = expired.left.key();
    match (error, mode) {
        (Some(error), _) => {
            format!("{age:>10}  {key}  could not be removed: {}", redact::urls(&error.to_string()))
        }
        (None, Mode::DryRun) => format!("{age:>10}  {key}"),
        (None, Mode::Remove) => format!("{age:>10}  {key}  removed"),
    }
}

fn json(store: &str, expired: &Expired, mode: Mode, error: Error<'_>) -> String {
    serde_json::json!({
        "store": store,
        "key": expired.left.key(),
        "upload_id": expired.left.upload_id(),
        "age_seconds": expired.age.as_secs(),
        "removed": mode == Mode::Remove && error.is_none(),
        "error": error.map(|error| redact::urls(&error.to_string()).into_owned()),
    })
    .to_string()
}

fn summary(store: &str, swept: &Swept, mode: Mode) -> String {
    let Swept { seen, expired, removed, failed } = swept;
    match mode {
        Mode::DryRun if *expired == 0 => format!("{store}: {seen} unfinished, none to remove"),
        Mode::DryRun => format!("{store}: {seen} unfinished, {expired} to remove; --yes removes them"),
        Mode::Remove => format!("{store}: {seen} unfinished, {removed} removed, {failed} failed"),
    }
}
