//! `partway doctor`: its arguments, and what it prints.

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

    /// Add a CORS rule for the origins, and a lifecycle rule, to buckets that lack them
    #[arg(long)]
    fix: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Treat warnings as failures
    #[arg(long)]
    strict: bool,

    /// Origin of a page that uploads, such as `https://app.example.com`, besides those in server.allowed_origins
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
}

pub(crate) const HELP: &str = "\
Puts small objects under .partway/ below uploads.key_prefix, tests what the store does with them, and removes
them again. It checks credentials, clock and permissions; what the store enforces of presigned URLs; which checksums
it verifies; CORS for the pages' origins; and what removes unfinished uploads.

--fix needs s3:GetBucketCORS, s3:PutBucketCORS, s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration. It keeps
existing rules, and replaces its own, which are called \"partway\".

Exit codes: 0 no check failed; 1 a check failed (or, with --strict, has a warning); 2 the examination could not start.";

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

/// Returns the origins of other pages, and of the server's own page.
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
