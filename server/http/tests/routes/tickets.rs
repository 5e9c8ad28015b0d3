//! Tickets: what the application's back end says that their holder may do.

use std::path::{Path, PathBuf};
use std::process::Command;

use partway_server::config::{DestinationConfig, Settings};

use crate::support::*;

fn with_photos(settings: &mut Settings) {
    by_ticket(settings);
    settings.destinations.insert("photos".to_owned(), DestinationConfig::default());
    settings.destinations.insert("films".to_owned(), DestinationConfig::default());
}

fn image(name: &str, size: u64) -> NewUpload {
    NewUpload { content_type: Some("image/png".to_owned()), ..file(name, size) }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tickets").join(name)
}

/// The ticket that a program prints.
fn printed(command: &mut Command) -> String {
    let output = command.arg("ada").env("PARTWAY_TICKET_SECRET", TICKET_SECRET).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The examples of each language make tickets that the server takes, and that say the same. Rust's is what all tests
/// here make theirs with; Go's runs where there is Go.
#[tokio::test]
async fn the_examples_make_tickets() {
    let rust = ticket_for(
        "ada",
        json!({
            "destinations": ["photos"], "key_prefix": "albums/7/", "max_file_size": 20_000_000, "types": ["image/*"],
            "max_files": 3,
        }),
    );
    let mut tickets = vec![
        ("Rust", rust),
        ("Node.js", printed(Command::new("node").arg(example("ticket.mjs")))),
        ("Python", printed(Command::new("python3").arg(example("ticket.py")))),
    ];
    if Command::new("go").arg("version").output().is_ok() {
        tickets.push(("Go", printed(Command::new("go").arg("run").arg(example("ticket.go")))));
    }
    let languages: Vec<_> = tickets.iter().map(|(language, _)| *language).collect();
    eprintln!("examples of tickets that were run: {}", languages.join(", "));
    for (language, ticket) in tickets {
        let app = TestApp::with(with_photos).await;
        app.come_as(ticket);
        let upload = app.begin_as(image("a.png", 0), b"\x89PNG".to_vec()).await;
        assert!(upload.grant.key.starts_with("albums/7/"), "{language}: {}", upload.grant.key);
        assert_eq!(
            (upload.claims().subject.as_str(), upload.claims().destination.as_str()),
            ("ada", "photos")
        );
        upload.finish().await;
        let code = |file: NewUpload| async { refused(app.create(vec![file]).await.remove(0)).code };
        assert_eq!(code(file("a.bin", 1)).await, ErrorCode::TypeNotAllowed, "{language}");
        assert_eq!(code(image("a.png", 20_000_001)).await, ErrorCode::FileTooLarge, "{language}");
        let films = NewUpload { destination: Some("films".to_owned()), ..image("a.png", 1) };
        assert_eq!(code(films).await, ErrorCode::UnknownDestination, "{language}");
        app.create(vec![image("b.png", 1), image("c.png", 1)])
            .await
            .into_iter()
            .for_each(|created| drop(accepted(created)));
        assert_eq!(code(image("d.png", 1)).await, ErrorCode::TicketUsedUp, "{language}");
    }
}

#[tokio::test]
async fn a_ticket_is_for_so_many_files_and_counts_no_refused_ones() {
    let app = TestApp::with(by_ticket).await;
    app.come_as(ticket_for("ada", json!({ "max_files": 2, "max_file_size": 100 })));
    let created = app.create(vec![file("a", 1), file("b", 101), file("c", 1), file("d", 1)]).await;
    let codes: Vec<_> = created
        .into_iter()
        .map(|created| match created {
            CreatedUpload::Accepted(_) => None,
            CreatedUpload::Refused(problem) => Some(problem.code),
        })
        .collect();
    assert_eq!(codes, [None, Some(ErrorCode::FileTooLarge), None, Some(ErrorCode::TicketUsedUp)]);
    app.come_as(ticket_for("ada", json!({ "max_files": 1, "max_file_size": 100 })));
    accepted(app.create(vec![file("a", 1)]).await.remove(0));
}

#[tokio::test]
async fn a_ticket_for_another_destination_ends_an_upload() {
    let app = TestApp::with(with_photos).await;
    app.come_as(ticket_for("ada", json!({ "destinations": ["photos"] })));
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    app.come_as(ticket_for("ada", json!({ "destinations": ["films"] })));
    upload.try_list().await.refused(ErrorCode::TokenForeign);
    upload.abort().await.refused(ErrorCode::TokenForeign);
    app.come_as(ticket("ada"));
    upload.finish().await;
}
