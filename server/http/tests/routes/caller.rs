//! Who asks, in a word that tells one user from another and nothing else.

use crate::support::*;

async fn owner(app: &TestApp) -> String {
    app.get("/v1/caller").await.is::<CallerInfo>(200).owner
}

#[tokio::test]
async fn a_caller_is_the_same_on_every_replica_and_another_for_each_subject() {
    let (one, two) = (TestApp::with(by_ticket).await, TestApp::with(by_ticket).await);
    one.get("/v1/caller").await.refused(ErrorCode::CredentialsMissing);
    one.come_as(ticket("ada"));
    let ada = owner(&one).await;
    assert!(!ada.contains("ada"), "{ada}");
    // By another ticket, at another replica.
    two.come_as(ticket_for("ada", json!({ "max_files": 3 })));
    assert_eq!(owner(&two).await, ada);
    let created = CreateUploads { files: vec![file("a.bin", 1)] };
    let created: CreatedUploads = two.post("/v1/uploads", &created).await.is(201);
    assert_eq!(created.owner, ada, "what is created says whose it is");
    two.come_as(ticket("eve"));
    assert_ne!(owner(&two).await, ada);
}

#[tokio::test]
async fn where_nobody_has_to_say_who_they_are_all_are_the_same() {
    let app = TestApp::start().await;
    assert_eq!(owner(&app).await, owner(&app).await);
}
