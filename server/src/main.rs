//! The `partway` command.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use partway_server::app::Application;
use partway_server::config::Settings;
use partway_server::telemetry;

/// Large files from a browser straight to S3.
#[derive(Debug, Parser)]
#[command(version, after_help = "Without a command, `partway` serves.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page, the widget and the upload API
    #[command(after_long_help = SERVE_HELP)]
    Serve(ServeArgs),
}

#[derive(Debug, Default, Args)]
struct ServeArgs {
    /// Configuration file in TOML [default: partway.toml, if it is there]
    #[arg(long, short, value_name = "FILE", env = "PARTWAY_CONFIG")]
    config: Option<PathBuf>,

    /// Address and port to listen on; overrides server.listen [default: 127.0.0.1:8080]
    ///
    /// Without [identity], only loopback addresses are accepted. Port 0 takes any that is free.
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
chain: environment, profile, container, instance. The bucket's CORS has to allow PUT and
POST from the page's origin, and to expose ETag.

Who may upload, what and where: [identity], [destinations], [hooks] and [limits], as README.md
says.

Every setting can be given by the environment instead, which wins over the file:
PARTWAY_STORE__BUCKET=my-uploads is bucket in [store].

SIGINT or SIGTERM stops the server once requests under way are answered.";

#[actix_web::main]
async fn main() -> ExitCode {
    let args = match Cli::parse().command {
        Some(Command::Serve(args)) => args,
        None => ServeArgs::default(),
    };
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may not be set up yet, and somebody at a terminal reads this.
            let _ = writeln!(std::io::stderr(), "partway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: ServeArgs) -> Result<(), Box<dyn std::error::Error>> {
    let default = Path::new("partway.toml");
    let file = args.config.as_deref().or_else(|| default.exists().then_some(default));
    let mut settings = Settings::load(file)?;
    if let Some(listen) = args.listen {
        settings.server.listen = listen;
    }
    if let Some(listen) = args.store_listen {
        settings.embedded.listen = listen;
    }
    if let Some(data) = args.data {
        settings.embedded.data = data;
    }
    telemetry::init(&settings.server.log, settings.server.log_format)
        .map_err(|error| format!("server.log: {error}"))?;
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
        write_whole(path, &serde_json::json!({ "url": url, "store": store }).to_string())
            .map_err(|error| format!("--ready-file {}: {error}", path.display()))?;
    }
    application.run().await?;
    Ok(())
}

/// Whoever waits for the file finds it whole.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, path)
}
