//! The engine, as the host sees it: messages in, messages out.

use serde_json::{Value, json};

use super::*;

const ENDPOINT: &str = "https://partway.test";
const IDS: [&str; 3] = [
    "6fa459ea-ee8a-4ca4-894e-db77e1603551",
    "6fa459ea-ee8a-4ca4-894e-db77e1603552",
    "6fa459ea-ee8a-4ca4-894e-db77e1603553",
];

struct Host {
    driver: Driver,
    now: Time,
}

impl Host {
    /// One whose journal is open.
    fn new() -> Self {
        let text = json!({ "endpoint": ENDPOINT }).to_string();
        let options = options::read(Json::new(&text)).ok().unwrap();
        let mut host = Self { driver: Driver::new(options, 7, true), now: Time::from_millis(1_000) };
        assert_eq!(host.does(), ["openJournal"]);
        let read = host.send(&json!(["journal", true]));
        assert_eq!(works(&read), ["read"]);
        host
    }

    fn drain(&mut self) -> Vec<Value> {
        let messages = std::iter::from_fn(|| self.driver.poll(self.now));
        messages.map(|message| serde_json::from_str(&message.into_text()).unwrap()).collect()
    }

    fn does(&mut self) -> Vec<String> {
        works(&self.drain())
    }

    fn send(&mut self, message: &Value) -> Vec<Value> {
        self.driver.handle(Json::new(&message.to_string()), self.now);
        self.drain()
    }

    /// Gives it what is in the journal, and says who asks.
    fn find(&mut self, entries: &[Value], owner: &str) -> Vec<Value> {
        let asked = self.send(&json!(["found", journal(entries), []]));
        assert_eq!(asked, [json!({ "do": "ask", "as": "caller", "path": "/v1/caller" })]);
        self.send(&json!(["caller", null, answer(200, &json!({ "owner": owner }))]))
    }

    fn add(&mut self, id: u32, size: u64) -> Vec<Value> {
        self.send(&json!(["add", [{ "id": id, "name": "film", "size": size, "lastModified": 5 }]]))
    }
}

fn works(messages: &[Value]) -> Vec<String> {
    messages.iter().filter_map(|message| Some(message["do"].as_str()?.to_owned())).collect()
}

fn work<'a>(messages: &'a [Value], name: &str) -> &'a Value {
    messages.iter().find(|message| message["do"] == name).unwrap_or_else(|| panic!("no {name}: {messages:?}"))
}

fn answer(status: u16, body: &Value) -> Value {
    json!({ "status": status, "body": body.to_string() })
}

fn problem(code: ErrorCode) -> Value {
    let problem = partway_shared::error::Problem::new(code, "");
    answer(problem.status, &serde_json::to_value(&problem).unwrap())
}

fn entry(id: &str, owner: &str) -> Value {
    json!({ "form": 2, "id": id, "endpoint": ENDPOINT, "owner": owner, "destination": "films", "token": "its token",
        "key": "films/film", "name": "film", "size": 20 << 20, "lastModified": 5, "partSize": 5 << 20, "uploaded": 0,
        "checksum": "crc64_nvme", "hosts": 1, "expiresIn": 60_000 })
}

fn changed(mut entry: Value, field: &str, value: Value) -> Value {
    entry[field] = value;
    entry
}

/// Each under the key that it should have.
fn journal(entries: &[Value]) -> Value {
    let key = |entry: &Value| format!("{ENDPOINT} {}", entry["id"].as_str().unwrap_or_default());
    entries.iter().map(|entry| json!([key(entry), entry])).collect()
}

fn offered(messages: &[Value]) -> Vec<&str> {
    let entries = work(messages, "offer")["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[test]
fn what_is_somebody_elses_or_of_another_endpoint_is_neither_shown_nor_touched() {
    let mut host = Host::new();
    let expired = |owner: &str, id| changed(entry(id, owner), "expiresIn", json!(-1));
    let entries = [
        entry(IDS[0], "ada"),
        entry(IDS[1], "eve"),
        expired("eve", IDS[2]),
        changed(entry(IDS[2], "ada"), "endpoint", json!("https://elsewhere.test")),
    ];
    let shown = host.find(&entries, "ada");
    assert_eq!((works(&shown), offered(&shown)), (vec!["offer".to_owned()], vec![IDS[0]]));
    let first = &work(&shown, "offer")["entries"][0];
    assert_eq!((&first["destination"], &first["token"]), (&json!("films"), &json!(null)));
    assert_eq!(offered(&host.find(&entries, "eve")), [IDS[1]]);
    assert_eq!(offered(&host.find(&[entry(IDS[0], "ada")], "eve")), [""; 0]);
    let forgets = host.find(&[expired("ada", IDS[0])], "ada");
    assert_eq!(work(&forgets, "forget")["keys"], json!([format!("{ENDPOINT} {}", IDS[0])]), "one's own");
}

#[test]
fn what_this_version_cannot_read_is_left_where_it_is() {
    let mut host = Host::new();
    let entries = [
        entry(IDS[0], "ada"),
        changed(entry(IDS[1], "ada"), "form", json!(3)),
        changed(entry(IDS[2], "ada"), "token", json!(null)),
    ];
    let shown = host.find(&entries, "ada");
    assert_eq!(works(&shown), ["offer"], "nothing is forgotten");
    assert_eq!(work(&shown, "offer")["skipped"], 2);
    let again = host.find(&entries, "ada");
    assert_eq!(work(&again, "offer")["skipped"], 0, "that is told once");
    // Also if there is nothing else.
    let alone = host.send(&json!(["found", journal(&entries[1..2]), []]));
    assert_eq!(works(&alone), ["offer"]);
}

#[test]
fn nothing_is_shown_before_the_server_has_said_who_asks() {
    let mut host = Host::new();
    host.find(&[entry(IDS[0], "ada")], "ada");
    host.send(&json!(["found", journal(&[entry(IDS[0], "ada")]), []]));
    let shown = host.send(&json!(["caller", null, { "failure": "none" }]));
    assert_eq!(offered(&shown), [""; 0], "not even what was shown before");
    let due = host.driver.timeout().unwrap();
    host.now = due;
    assert_eq!(host.does(), ["read"], "it asks again after a while");
    host.send(&json!(["found", journal(&[entry(IDS[0], "ada")]), []]));
    let refused = host.send(&json!(["caller", null, problem(ErrorCode::CredentialsMissing)]));
    assert_eq!(offered(&refused), [""; 0]);
    assert_eq!(host.driver.timeout(), None, "who is not signed in is not asked again and again");
}

#[test]
fn when_another_user_creates_something_the_list_is_theirs() {
    let mut host = Host::new();
    host.find(&[entry(IDS[0], "ada")], "ada");
    let call = |messages: &[Value]| work(messages, "call")["job"].clone();
    host.add(1, 0);
    let hashed = host.send(&json!(["hashed", 1, { "whole": true }]));
    let refused = json!({ "outcome": "refused", "type": "", "title": "", "status": 400, "detail": "", "code": "invalid_field" });
    let created = answer(201, &json!({ "owner": "eve", "uploads": [refused] }));
    let told = host.send(&json!(["called", call(&hashed), created]));
    assert_eq!(offered(&told), [""; 0], "at once");
    assert!(works(&told).contains(&"read".to_owned()));
}

#[test]
fn discarding_takes_the_lock_first() {
    let mut host = Host::new();
    let entries = [entry(IDS[0], "ada")];
    let key = format!("{ENDPOINT} {}", IDS[0]);
    // Another tab sends it.
    host.find(&entries, "ada");
    let locks = host.send(&json!(["discard", IDS[0]]));
    assert_eq!(locks, [json!({ "do": "lock", "holder": IDS[0], "name": format!("partway {key}") })]);
    let busy = host.send(&json!(["locked", IDS[0], false]));
    assert_eq!(works(&busy), ["unlock", "read"], "nothing is asked of the server, and nothing forgotten");
    assert!(busy.iter().any(|message| message["code"] == "upload_busy"), "{busy:?}");
    // Nobody does.
    host.find(&entries, "ada");
    host.send(&json!(["discard", IDS[0]]));
    let asks = host.send(&json!(["locked", IDS[0], true]));
    assert_eq!((&work(&asks, "ask")["as"], asks.len()), (&json!("discarded"), 1));
    let done = host.send(&json!(["discarded", IDS[0], { "status": 204, "body": "" }]));
    assert_eq!(done, [json!({ "do": "forget", "keys": [key], "holder": IDS[0] })]);
    // Meanwhile somebody else has signed in.
    for refusal in [ErrorCode::TokenForeign, ErrorCode::CredentialsMissing] {
        host.find(&entries, "ada");
        host.send(&json!(["discard", IDS[0]]));
        host.send(&json!(["locked", IDS[0], true]));
        let left = host.send(&json!(["discarded", IDS[0], problem(refusal)]));
        assert_eq!(works(&left), ["unlock", "read"], "it is left where it is");
    }
}

/// Takes the only entry up again, and gives the job that lists what the store has.
fn take_up(host: &mut Host) -> Value {
    host.find(&[entry(IDS[0], "ada")], "ada");
    let chosen = json!([{ "id": 1, "name": "film", "size": 20 << 20, "lastModified": 5 }]);
    host.send(&json!(["takeUp", chosen, IDS[0]]));
    let lists = host.send(&json!(["locked", 1, true]));
    work(&lists, "call")["job"].clone()
}

#[test]
fn what_turns_out_to_be_somebody_elses_begins_anew_and_stays_in_the_journal() {
    let mut host = Host::new();
    let job = take_up(&mut host);
    let told = host.send(&json!(["called", job, problem(ErrorCode::TokenForeign)]));
    assert!(
        !works(&told).iter().any(|work| ["remove", "forget", "write"].contains(&work.as_str())),
        "{told:?}"
    );
    assert_eq!(work(&told, "unlock")["holder"], 1, "whose it is may go on");
    assert!(works(&told).contains(&"hash".to_owned()), "the file begins anew: {told:?}");
}

#[test]
fn what_has_expired_begins_anew_and_is_forgotten() {
    let mut host = Host::new();
    let job = take_up(&mut host);
    let told = host.send(&json!(["called", job, problem(ErrorCode::TokenExpired)]));
    assert_eq!(work(&told, "remove")["key"], format!("{ENDPOINT} {}", IDS[0]));
    assert!(works(&told).contains(&"hash".to_owned()), "{told:?}");
}

#[test]
fn what_is_read_only_in_part_is_a_failure() {
    for outcome in [
        json!({}),
        json!(null),
        json!({ "failure": "odd" }),
        json!({ "whole": false }),
        json!({ "message": "x" }),
    ] {
        let mut host = Host::new();
        let job = work(&host.add(1, 5), "hash")["job"].clone();
        let told = host.send(&json!(["hashed", job, outcome]));
        let failed = told.iter().any(|message| message["statuses"][0]["error"]["code"] == "file_unreadable");
        assert!(failed && works(&told).is_empty(), "{outcome}: {told:?}");
    }
}

#[test]
fn a_put_without_a_status_is_tried_again() {
    for outcome in [json!({}), json!(null), json!({ "status": "no" })] {
        let text = outcome.to_string();
        assert!(matches!(put_outcome(Json::new(&text)), Err(Failure::Unusable(_))), "{outcome}");
    }
}

#[test]
fn what_is_handed_over_twice_is_one_file() {
    let mut host = Host::new();
    host.add(1, 0);
    let again = host.add(1, 0);
    assert_eq!(works(&again), [""; 0], "{again:?}");
    let created = host.send(&json!(["hashed", 1, { "whole": true }]));
    assert_eq!(work(&created, "call")["body"]["files"].as_array().unwrap().len(), 1);
}
