//! A proxy before the store that counts requests and, on order, answers in its place,
//! cuts connections, alters bytes, or makes it wait.
//!
//! It speaks just enough HTTP/1.1 for browsers and SDKs. All that it does not
//! damage passes byte for byte, the Host header too, because signatures cover it.

mod exchange;
mod http;
mod rule;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use http::Request;
pub use rule::{Fault, Gate, Rule, RuleHandle, Watch, WatchHandle};

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    upstream: Mutex<Option<String>>,
    rules: Mutex<Vec<Arc<Rule>>>,
    watches: Mutex<Vec<Arc<Watch>>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. Until there is an upstream, connections are closed.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the proxy")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// Its address, to be used in place of the upstream's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where requests go, as host and port.
    pub fn set_upstream(&self, address: &str) {
        *lock(&self.state.upstream) = Some(address.to_owned());
    }

    /// Adds a rule. Of several that fit a request, the first that is not used up applies.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        let rule = Arc::new(rule);
        lock(&self.state.rules).push(Arc::clone(&rule));
        RuleHandle::new(rule)
    }

    /// Counts the requests that fit, from now on.
    pub fn watch(&self, matches: impl Fn(&Request) -> bool + Send + Sync + 'static) -> WatchHandle {
        let watch = Arc::new(Watch::new(matches));
        lock(&self.state.watches).push(Arc::clone(&watch));
        WatchHandle::new(watch)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    /// The damage to do to a request, if any.
    fn fault_for(&self, request: &Request) -> Option<Fault> {
        lock(&self.rules).iter().find_map(|rule| rule.apply(request))
    }

    fn watches_of(&self, request: &Request) -> Vec<Arc<Watch>> {
        lock(&self.watches).iter().filter(|watch| watch.matches(request)).cloned().collect()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(handle(client, Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn handle(client: TcpStream, state: Arc<State>) {
    let _ = client.set_nodelay(true);
    let upstream = lock(&state.upstream).clone();
    let Some(upstream) = upstream else { return };
    // Either side may go at any time; that is no failure of the proxy's.
    let _ = exchange::run(client, &upstream, &state).await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
