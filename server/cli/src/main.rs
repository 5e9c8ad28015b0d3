//! The `partway` command.

mod access;
mod commands;
mod failed;
mod listing;
mod local;
mod options;
mod out;
mod place;
mod size;
mod transfer;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use commands::cat::{self, CatArgs};
use commands::cp::{self, CpArgs};
use commands::doctor::{self, DoctorArgs};
use commands::link::{self, LinkArgs};
use commands::ls::{self, LsArgs};
use commands::manual::{self, CompletionsArgs, ManArgs};
use commands::presign::{self, PresignArgs};
use commands::rm::{self, RmArgs};
use commands::stat::{self, StatArgs};
use commands::sweep::{self, SweepArgs};
use commands::uploads::{self, UploadsArgs};
use failed::NotBegun;
use partway_server::app::Application;
use partway_server::config::{LogFormat, Settings};
use partway_server::{redact, telemetry};

/// Large files from a browser straight to S3.
#[derive(Debug, Parser)]
#[command(
    name = "partway",
    version,
    after_help = "Without a command, `partway` serves.",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page, the widget and the upload API
    #[command(after_long_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Copy files to a Partway server, and objects back
    #[command(after_long_help = cp::HELP)]
    Cp(CpArgs),
    /// Write objects to standard output
    #[command(after_long_help = cat::HELP)]
    Cat(CatArgs),
    /// List, resume or abort uploads that were interrupted
    #[command(after_long_help = uploads::HELP)]
    Uploads(UploadsArgs),
    /// Check the configured buckets, and report what is missing
    #[command(after_long_help = doctor::HELP)]
    Doctor(DoctorArgs),
    /// Remove uploads whose tokens have expired
    #[command(after_long_help = sweep::HELP)]
    Sweep(SweepArgs),
    /// List objects
    #[command(after_long_help = ls::HELP)]
    Ls(LsArgs),
    /// Show what is known of an object
    #[command(after_long_help = stat::HELP)]
    Stat(StatArgs),
    /// Delete objects
    #[command(after_long_help = rm::HELP)]
    Rm(RmArgs),
    /// Sign a URL or a form for somebody without credentials
    #[command(after_long_help = presign::HELP)]
    Presign(Box<PresignArgs>),
    /// Make a link to an object that outlives the seven days of a signed URL
    #[command(after_long_help = link::HELP)]
    Link(LinkArgs),
    /// Print completions for a shell
    #[command(after_long_help = manual::COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual, or write the pages of all commands
    #[command(after_long_help = manual::MAN_HELP)]
    Man(ManArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Configuration file in TOML [default: partway.toml, if it is there]
    #[arg(long, short, value_name = "FILE", env = "PARTWAY_CONFIG")]
    config: Option<PathBuf>,

    /// Address and port to listen on; overrides server.listen [default: 127.0.0.1:8080]
    ///
    /// Without an identity in the settings, only loopback addresses are accepted. Port 0 takes a free port.
    #[arg(long, short, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,

    /// Address and port of the embedded store; overrides embedded.listen [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR:PORT")]
    store_listen: Option<SocketAddr>,

    /// Folder of the embedded store; overrides embedded.data [default: data]
    #[arg(long, short, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Write {"url": …, "store": …} to this file once the server listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

const SERVE_HELP: &str = "\
Without a bucket in the configuration, objects go to an embedded S3 store on a port of its own.
To use a bucket, put this into partway.toml:

    [server]
    token_secret = \"…\"       # 32 random bytes, the same on every replica

    [store]
    bucket = \"my-uploads\"
    region = \"eu-central-1\"
    # endpoint = \"https://s3.example.com\"     for stores other than AWS

Credentials come from store.access_key_id and store.secret_access_key, or from AWS's usual
chain: environment, profile, container, instance. The bucket's CORS must allow PUT and
POST from the page's origin, and expose ETag.

Who may upload, what and where: [identity], [destinations], [hooks] and [limits], as
docs/src/identity.md says.

Every setting can be set by an environment variable, which overrides the file:
PARTWAY_STORE__BUCKET=my-uploads is bucket in [store].

SIGINT or SIGTERM stops the server after requests under way are answered.";

#[actix_web::main]
async fn main() -> ExitCode {
    let Cli { command, serve: args } = Cli::parse();
    let command = command.unwrap_or(Command::Serve(args));
    let (outcome, if_failed) = match command {
        Command::Serve(args) => (serve(args).await.map(|()| ExitCode::SUCCESS), 1),
        Command::Cp(args) => (as_client(cp::run(args)).await, 2),
        Command::Cat(args) => (as_client(cat::run(args)).await, 2),
        Command::Uploads(args) => (as_client(uploads::run(args)).await, 2),
        Command::Doctor(args) => {
            (with_settings(args.config.clone(), |settings| doctor::run(args, settings)).await, 2)
        }
        Command::Sweep(args) => {
            (with_settings(args.config.clone(), |settings| sweep::run(args, settings)).await, 2)
        }
        Command::Ls(args) => (ls::run(args).await, 2),
        Command::Stat(args) => (Box::pin(stat::run(args)).await, 2),
        Command::Rm(args) => (rm::run(args).await, 2),
        Command::Presign(args) => (Box::pin(presign::run(*args)).await, 2),
        Command::Link(args) => (link::run(args).await, 2),
        Command::Completions(args) => (manual::completions(&args, Cli::command()), 2),
        Command::Man(args) => (manual::man(args, Cli::command()), 2),
    };
    outcome.unwrap_or_else(|error| {
        // The log may not be set up yet, and somebody at a terminal reads this.
        let said = error.to_string();
        // Places look like addresses, and hold no secret; what is one is left out of these already.
        let said = if error.is::<NotBegun>() { said.into() } else { redact::urls(&said) };
        let _ = writeln!(std::io::stderr(), "partway: {said}");
        ExitCode::from(if_failed)
    })
}

/// Runs a command that prints its findings, with the settings loaded and the log set to warnings.
async fn with_settings<F: Future<Output = Result<ExitCode, Box<dyn std::error::Error>>>>(
    config: Option<PathBuf>,
    command: impl FnOnce(Settings) -> F,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let settings = load(config.as_deref())?;
    telemetry::init("warn,s3s=off", settings.server.log_format)?;
    command(settings).await
}

/// Runs a command that needs no settings, with the log set to warnings.
async fn as_client(
    command: impl Future<Output = Result<ExitCode, Box<dyn std::error::Error>>>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    telemetry::init("warn", LogFormat::Text)?;
    command.await
}

fn load(config: Option<&Path>) -> Result<Settings, Box<dyn std::error::Error>> {
    let default = Path::new("partway.toml");
    let file = config.or_else(|| default.exists().then_some(default));
    Ok(Settings::load(file)?)
}

async fn serve(args: ServeArgs) -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = load(args.config.as_deref())?;
    if let Some(listen) = args.listen {
        settings.server.listen = listen;
    }
    if let Some(listen) = args.store_listen {
        settings.embedded.listen = listen;
    }
    if let Some(data) = args.data {
        settings.embedded.data = data;
    }
    let collector = settings.operations.otlp_endpoint.as_deref();
    let traces = telemetry::init_traced(&settings.server.log, settings.server.log_format, collector)?;
    let data = settings.embedded_data();
    let application = Application::build(settings).await?;
    let (url, store) = (application.url(), application.store_origin().to_owned());
    match &data {
        Some(data) => {
            tracing::info!(%url, %store, data = %data.display(), "serving, with the embedded store");
        }
        None => tracing::info!(%url, %store, "serving"),
    }
    if let Some(path) = &args.ready_file {
        write_atomically(path, &serde_json::json!({ "url": url, "store": store }).to_string())
            .map_err(|error| format!("--ready-file {}: {error}", path.display()))?;
    }
    application.run().await?;
    traces.finish().await;
    Ok(())
}

/// Writes a file by renaming a draft, so that a reader never sees a part of it.
fn write_atomically(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, path)
}
