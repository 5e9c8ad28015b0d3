//! Whatever somebody has put into a setting, by right or by mistake: nothing that the binary prints repeats it.
//!
//! The settings are found by asking for what there is not, so that one that is added is tried out without being named here.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use partway_server::config::Settings;

/// In each value; long enough to be nothing else.
const SECRET: &str = "sEcReT0123456789abcdefghijklmnopqrstuvwxyz";

/// What is shown on purpose: names and places, of what the operator has to recognise in a log.
const SHOWN: [&str; 16] = [
    "server.listen",
    "server.socket",
    "server.allowed_origins",
    "server.allowed_hosts",
    "embedded.listen",
    "embedded.data",
    "embedded.bucket",
    "store.bucket",
    "store.region",
    "stores.x.bucket",
    "stores.x.region",
    "uploads.key_prefix",
    "destinations.x.bucket",
    "destinations.x.key",
    "tls.certificate",
    "tls.key",
];

/// A laptop's settings, with a secret wherever one belongs.
fn base() -> String {
    format!(
        "server.listen = \"127.0.0.1:0\"\nserver.log = \"trace\"\nembedded.listen = \"127.0.0.1:0\"\n\
         server.token_secret = \"{SECRET}\"\n"
    )
}

fn read(toml: &str) -> Result<Settings, String> {
    let settings = Settings::from_toml(Path::new("partway.toml"), toml).map_err(|error| error.to_string())?;
    settings.validate().map_err(|error| error.to_string())?;
    Ok(settings)
}

/// What there is in this table, if it is one.
fn names_in(table: &str) -> Option<Vec<String>> {
    let error = read(&format!("{table}qqqqqqqqqq = 1")).err()?;
    let (_, names) = error.split_once("unknown setting `qqqqqqqqqq`; there are ")?;
    Some(names.split(", ").map(str::to_owned).collect())
}

/// Every setting, with `x` for the names that people choose.
fn settings() -> Vec<String> {
    let (mut found, mut tables) = (Vec::new(), vec![String::new()]);
    while let Some(table) = tables.pop() {
        for name in names_in(&table).expect("a table") {
            let setting = format!("{table}{name}");
            if names_in(&format!("{setting}.")).is_some() {
                tables.push(format!("{setting}."));
            } else if names_in(&format!("{setting}.x.")).is_some() {
                tables.push(format!("{setting}.x."));
            } else {
                found.push(setting);
            }
        }
    }
    found
}

/// Ways in which a secret gets into a setting.
fn values() -> [String; 9] {
    [
        format!("\"{SECRET}\""),
        format!("\"http://ada:{SECRET}@127.0.0.1:1/{SECRET}?{SECRET}#{SECRET}\""),
        format!("\"redis://:{SECRET}@127.0.0.1:1/0\""),
        format!("[\"{SECRET}\", \"https://{SECRET}@127.0.0.1:1\"]"),
        format!("{{ x = \"{SECRET}\" }}"),
        format!("{{ mine = \"{{{SECRET}}}\" }}"),
        format!("\"{{{SECRET}\""),
        // What is not TOML.
        SECRET.to_owned(),
        format!("\"{SECRET}"),
    ]
}

#[test]
fn every_setting_is_found() {
    let found: BTreeSet<_> = settings().into_iter().collect();
    for known in [
        "hooks.secret",
        "stores.x.secret_access_key",
        "destinations.x.metadata",
        "identity.jwt.jwks_url",
        "sweep.interval",
    ] {
        assert!(found.contains(known), "{known} is not in {found:?}");
    }
    assert!(found.len() > 90, "{} settings", found.len());
    for shown in SHOWN {
        assert!(found.contains(shown), "{shown}");
    }
}

#[test]
fn a_mistaken_setting_is_told_without_its_value() {
    for setting in settings() {
        for value in values() {
            for toml in [format!("{setting} = {value}"), format!("# x\n{}{setting} = {value}", base())] {
                let Err(error) = read(&toml) else { continue };
                assert!(!error.contains(SECRET), "{toml}\n{error}");
                assert!(error.starts_with("partway.toml:"), "{toml}\n{error}");
            }
        }
    }
}

/// Runs a command until it ends, or until the server listens and has answered some calls; what it has printed.
fn printed(folder: &Path, toml: &str, command: &str) -> String {
    std::fs::write(folder.join("partway.toml"), toml).unwrap();
    let mut partway = Command::new(env!("CARGO_BIN_EXE_partway"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_") || name.starts_with("AWS_"))
    {
        partway.env_remove(name);
    }
    partway.env("AWS_EC2_METADATA_DISABLED", "true").current_dir(folder).arg(command).stdin(Stdio::null());
    let mut child = partway.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("serving") {
            let url = line.split("url=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            call(url);
            child.kill().unwrap();
        }
        text += &line;
        text.push('\n');
    }
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

/// Calls that ask the application, its provider, Redis and the store, as far as there are any, which do not answer.
fn call(url: &str) {
    let Some(addr) = url.strip_prefix("http://") else { return };
    let body = "{\"files\":[{\"name\":\"a\",\"size\":100000000}]}";
    for path in ["/v1/uploads", "/readyz"] {
        let Ok(mut connection) = std::net::TcpStream::connect(addr) else { return };
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nCookie: a=b\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            // A token of RS256, whose key the provider would have to tell.
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AAAA",
            body.len()
        );
        std::io::Write::write_all(&mut connection, request.as_bytes()).unwrap();
        let _ = connection.read_to_end(&mut Vec::new());
    }
}

#[test]
fn no_command_prints_what_is_in_a_setting() {
    let store = "store.bucket = \"b\"\nstore.region = \"us-east-1\"\n";
    let keys = format!("store.access_key_id = \"a\"\nstore.secret_access_key = \"{SECRET}\"\n");
    let hooks = format!("whsec_{}", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0");
    let url = |scheme: &str| format!("{scheme}://ada:{SECRET}@127.0.0.1:1/{SECRET}?{SECRET}");
    // Settings that need each other.
    let mut runs = vec![
        format!("identity.kind = \"forward\"\nidentity.forward.url = \"{}\"\n", url("http")),
        format!("identity.kind = \"jwt\"\nidentity.jwt.jwks_url = \"{}\"\n", url("http")),
        format!(
            "hooks.secret = \"{hooks}\"\nhooks.attempts = 1\nhooks.before_create = \"{}\"\n",
            url("http")
        ),
        format!("limits.open_uploads = 1\nlimits.redis_url = \"redis://:{SECRET}@127.0.0.1:1/0\"\n"),
        format!("{store}{keys}store.endpoint = \"http://127.0.0.1:1/below\"\n"),
        format!("server.token_secret2 = \"{SECRET}\"\n"),
        format!("server.token_secret = {SECRET}\n"),
    ];
    for setting in settings().into_iter().filter(|setting| !SHOWN.contains(&setting.as_str())) {
        let others = base()
            .lines()
            .filter(|line| !line.starts_with(&format!("{setting} =")))
            .fold(String::new(), |toml, line| toml + line + "\n");
        let value = values().into_iter().find(|value| read(&format!("{others}{setting} = {value}")).is_ok());
        runs.extend(value.map(|value| format!("{setting} = {value}\n")));
    }
    assert!(runs.len() > 20, "{runs:?}");
    let folder = tempfile::tempdir().unwrap();
    for run in runs {
        let is_set = |line: &&str| !run.starts_with(line.split_inclusive('=').next().unwrap());
        let toml = base().lines().filter(is_set).fold(run.clone(), |toml, line| toml + line + "\n");
        // A server that logs nothing does not say when it listens.
        let commands = ["doctor", "sweep", "serve"].into_iter();
        for command in commands.take(if run.starts_with("server.log =") { 2 } else { 3 }) {
            let text = printed(folder.path(), &toml, command);
            assert!(!text.contains(SECRET) && !text.contains(&hooks), "{command}\n{toml}\n{text}");
        }
    }
}
