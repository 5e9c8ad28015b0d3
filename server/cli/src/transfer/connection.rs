//! The Partway server that `pw:` places are on.

use std::sync::Arc;

use clap::Args;
use partway_client::http::HttpClient;
use partway_client::remote::{Remote, Token};
use partway_client::{Control, TransferSettings};
use partway_shared::transfer::Failure;
use partway_shared::wire::DestinationInfo;

const ENDPOINT: &str = "http://127.0.0.1:8080";
/// A token is no argument: other users of the machine see those.
const TOKEN_VARIABLE: &str = "PARTWAY_TOKEN";

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConnectionArgs {
    /// Address of the Partway server that pw: places are on [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "PARTWAY_ENDPOINT")]
    pub(crate) endpoint: Option<String>,

    /// Command whose first line of output is the bearer token for that server; it runs again when the server answers 401
    ///
    /// A token that does not change can be in the variable PARTWAY_TOKEN instead.
    #[arg(long, value_name = "COMMAND", env = "PARTWAY_TOKEN_COMMAND", hide_env_values = true)]
    pub(crate) token_command: Option<String>,
}

/// Returns the server. Asks it nothing.
pub(crate) fn remote(args: &ConnectionArgs, http: &HttpClient) -> Result<Remote, String> {
    let endpoint = args.endpoint.as_deref().unwrap_or(ENDPOINT);
    let token = match (&args.token_command, std::env::var(TOKEN_VARIABLE)) {
        (Some(command), _) => Token::Command(command.clone()),
        (None, Ok(token)) if !token.is_empty() => Token::Fixed(token),
        _ => Token::None,
    };
    Remote::new(http.clone(), endpoint, token).map_err(|error| format!("--endpoint: {error}"))
}

/// Who is asked for uploads and objects, and over which connections.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) control: Arc<dyn Control>,
    /// What tells who is asked from others, in records.
    pub(crate) scope: String,
    pub(crate) http: HttpClient,
    pub(crate) destinations: Vec<DestinationInfo>,
}

impl Connection {
    /// Finds the server, and asks it what the caller may do.
    pub(crate) async fn open(args: &ConnectionArgs, settings: &TransferSettings) -> Result<Self, String> {
        let http = HttpClient::new(settings.connections() as usize).map_err(|error| error.to_string())?;
        let remote = remote(args, &http)?;
        let scope = remote.endpoint().to_owned();
        let control: Arc<dyn Control> = Arc::new(remote);
        let destinations = control.destinations().await;
        let destinations = destinations.map_err(|failure| match failure {
            Failure::NoAnswer => {
                let why = http.why_not().map(|why| why.why).unwrap_or_default();
                format!(
                    "{scope} cannot be reached: {why}; is the server running, and --endpoint its address?"
                )
            }
            other => format!("{scope}: {}", sentence(&other)),
        })?;
        Ok(Self { control, scope, http, destinations: destinations.destinations })
    }

    /// Checks that there is such a destination for the caller.
    pub(crate) fn check(&self, name: Option<&str>) -> Result<(), String> {
        let Some(name) = name else { return Ok(()) };
        if self.destinations.iter().any(|destination| destination.name == name) {
            return Ok(());
        }
        let names: Vec<_> = self.destinations.iter().map(|destination| destination.name.as_str()).collect();
        Err(format!("pw:{name}: there is no such destination; there are: {}", names.join(", ")))
    }
}

/// Says in one sentence how a call failed.
pub(crate) fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::NoAnswer => "there was no answer".to_owned(),
        Failure::Status { status, code, detail, .. } => {
            let code = code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            let detail = if detail.is_empty() { format!("HTTP status {status}") } else { detail.clone() };
            let advice = match status {
                401 => "; give a token by PARTWAY_TOKEN or --token-command",
                _ => "",
            };
            format!("{detail}{code}{advice}")
        }
        Failure::Unusable(detail) | Failure::Unidentified(detail) => detail.clone(),
        Failure::Source(_) => "the file cannot be read".to_owned(),
    }
}
