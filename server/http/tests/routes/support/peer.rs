//! Another party of the test's: the application, its hooks, or an identity provider. It answers as it is told, and
//! remembers what it was asked.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

type Respond = dyn Fn(&Call) -> HttpResponse + Send + Sync;

/// What came.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

struct Told {
    respond: Box<Respond>,
    calls: Mutex<Vec<Call>>,
}

pub struct Peer {
    pub url: String,
    told: Data<Told>,
    handle: ServerHandle,
}

impl Peer {
    pub fn start(respond: impl Fn(&Call) -> HttpResponse + Send + Sync + 'static) -> Self {
        let told = Data::from(Arc::new(Told { respond: Box::new(respond), calls: Mutex::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = told.clone();
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, told, handle }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.told.calls.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: Bytes, told: Data<Told>) -> HttpResponse {
    let headers = request.headers().iter();
    let call = Call {
        path: request.path().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: body.to_vec(),
    };
    told.calls.lock().unwrap().push(call.clone());
    (told.respond)(&call)
}
