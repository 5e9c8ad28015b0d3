//! What JavaScript sees: one class, whose methods take and give texts and numbers.

use partway_shared::time::Time;
use partway_shared::upload::JobId;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::driver::Driver;
use crate::json::{Json, Raw};
use crate::{options, report};

/// The upload engine of one uploader.
///
/// After every message and when [`timeout`](Self::timeout) has come, [`poll`](Self::poll) until there is nothing more.
/// Times are in milliseconds, on a clock that never runs back.
#[wasm_bindgen]
pub struct Engine(Result<Driver, Refused>);

/// The options were not acceptable, which is told once.
struct Refused(Option<Raw>);

#[wasm_bindgen]
impl Engine {
    /// An engine with the options of an `Uploader`, a seed for its jitter, and whether there is a network.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, seed: f64, is_online: bool) -> Self {
        let options = options::read(Json::new(options));
        Self(match options {
            Ok(options) => Ok(Driver::new(options, seed as u64, is_online)),
            Err(error) => {
                let broken = report::event("broken", |fields| fields.field("error", &error));
                Err(Refused(Some(broken)))
            }
        })
    }

    /// Takes a message, `[name, ...arguments]`: a command of the page's, or what came of work.
    pub fn handle(&mut self, message: &str, now: f64) {
        if let Self(Ok(driver)) = self {
            driver.handle(Json::new(message), time(now));
        }
    }

    /// Takes how many bytes of a PUT have left so far.
    pub fn progress(&mut self, job: f64, sent: f64, now: f64) {
        if let Self(Ok(driver)) = self {
            driver.machine.handle_put_progress(JobId(job as u64), sent as u64, time(now));
        }
    }

    /// Takes the next bytes of what is being hashed.
    pub fn hash(&mut self, job: f64, bytes: &[u8]) {
        if let Self(Ok(driver)) = self {
            driver.hash(JobId(job as u64), bytes);
        }
    }

    /// The next message, if there is one: `{ do, ... }` is work for the host, `{ type, ... }` an event
    /// for the page.
    pub fn poll(&mut self, now: f64) -> Option<String> {
        let message = match &mut self.0 {
            Ok(driver) => driver.poll(time(now)),
            Err(Refused(message)) => message.take(),
        };
        message.map(Raw::into_text)
    }

    /// When to poll again, if nothing happens before; infinite if there is no need.
    pub fn timeout(&self) -> f64 {
        let timeout = self.0.as_ref().ok().and_then(Driver::timeout);
        timeout.map_or(f64::INFINITY, |at| at.as_millis() as f64)
    }
}

const fn time(millis: f64) -> Time {
    Time::from_millis(millis as u64)
}
