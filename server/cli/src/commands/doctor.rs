//! `partway doctor`: what it is told, and what it prints.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use partway_s3::doctor::{self, Options, Outcome};
use partway_server::config::Settings;
use partway_server::redact;
use partway_server::stores::OpenStores;

#[derive(Debug, Default, Args)]
pub(crate) struct DoctorArgs {
    /// Configuration file in TOML [default: partway.toml, if it is there]
    #[arg(long, short, value_name = "FILE", env = "PARTWAY_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Write a CORS rule for the origins and a lifecycle rule to the bucket where they are missing
    #[arg(long)]
    fix: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Fail upon warnings too
    #[arg(long)]
    strict: bool,

    /// Origin of a page that uploads, such as `https://app.example.com`, besides those in server.allowed_origins
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
}

pub(crate) const HELP: &str = "\
Puts small objects under .partway/ below uploads.key_prefix, tries out what the store does with them, and removes
them again. Examined are credentials, clock and permissions; what presigned URLs are held to; which checksums are
verified; CORS for the pages' origins; and what removes uploads that nobody finished.

--fix needs s3:GetBucketCORS, s3:PutBucketCORS, s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration. It keeps
rules that are there, and replaces its own, which are called \"partway\".

Exit codes: 0 all is well, or there are warnings; 1 something failed (or, with --strict, there are warnings); 2 the
examination could not begin.";

pub(crate) async fn run(
    args: DoctorArgs,
    settings: Settings,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options { origins: origins(&args, &settings), fix: args.fix };
    let open = OpenStores::open(&settings).await?;
    let report = doctor::examine(&open.buckets, &options).await;
    open.close().await;
    let mut out = std::io::stdout().lock();
    if args.json {
        let json = serde_json::json!({ "outcome": report.outcome(), "stores": report.stores });
        writeln!(out, "{}", redact::urls(&serde_json::to_string_pretty(&json)?))?;
    } else {
        write!(out, "{}", redact::urls(&report.to_string()))?;
    }
    let worst = if args.strict { Outcome::Warning } else { Outcome::Failure };
    Ok(if report.outcome() >= worst { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Those of pages elsewhere, and of the server's own page.
fn origins(args: &DoctorArgs, settings: &Settings) -> Vec<String> {
    let mut origins = args.origins.clone();
    origins.extend(settings.server.allowed_origins.iter().cloned());
    origins.extend(settings.server.allowed_hosts.iter().map(|host| format!("https://{host}")));
    if origins.is_empty() && settings.server.socket.is_none() {
        let scheme = if settings.tls.files().is_some() { "https" } else { "http" };
        origins.push(format!("{scheme}://{}", settings.server.listen));
    }
    origins.sort();
    origins.dedup();
    origins
}
