//! A proxy before a server that counts requests and, on order, answers in its place, cuts
//! connections, alters bytes, makes it wait, or puts a long and narrow line before it.
//!
//! It speaks just enough HTTP/1.1 for browsers and SDKs. All that it does not
//! damage passes byte for byte, the Host header too, because signatures cover it.
//!
//! - [`Rule`]s do a [`Fault`] to single exchanges: the first, the n-th, or some at random.
//! - A [`Line`] is what every byte has to travel.
//! - [`Proxy::black_hole`] lets nothing move, and [`Proxy::take_down`] refuses connections.

mod exchange;
mod fault;
mod gate;
mod http;
mod line;
mod rule;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use fault::Fault;
pub use gate::Gate;
pub use http::Request;
pub use line::Line;
pub use rule::{Rule, RuleHandle, Watch, WatchHandle};

use exchange::End;
use gate::{Gateway, Valve};

/// Of what has come and is not yet on the line. Else it would be megabytes, which clients
/// take for sent.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    /// Bound and never listening, so that the port stays the proxy's while it is down.
    _reserved: TcpSocket,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    upstream: Mutex<Option<String>>,
    line: Mutex<Option<Line>>,
    gateway: Gateway,
    rules: Mutex<Vec<Arc<Rule>>>,
    watches: Mutex<Vec<Arc<Watch>>>,
    connections: AtomicU64,
    /// Tells idle connections to end.
    changes: watch::Sender<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. Until there is an upstream, connections are closed.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let reserved = bind(any).context("finding a port for the proxy")?;
        let address = reserved.local_addr()?;
        let mut proxy = Self { address, state: Arc::default(), _reserved: reserved, serving: None };
        proxy.put_back()?;
        Ok(proxy)
    }

    /// Its address, to be used in place of the upstream's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where requests go, as host and port. Connections that are under way stay where they are,
    /// to the end of their exchange.
    pub fn set_upstream(&self, address: &str) {
        *lock(&self.state.upstream) = Some(address.to_owned());
        self.state.changes.send_replace(());
    }

    /// Puts a line between the clients and the proxy, or takes it away. Connections that are under
    /// way stay as they are, to the end of their exchange.
    pub fn set_line(&self, line: Option<Line>) {
        *lock(&self.state.line) = line;
        self.state.changes.send_replace(());
    }

    /// From now on connections are accepted, and nothing moves in any of them, neither in one
    /// direction nor in the other, until the gate is opened.
    pub fn black_hole(&self, gate: &Gate) {
        *lock(&self.state.gateway) = Some(gate.clone());
    }

    /// Ends all connections and refuses new ones, as if the server were not running. Its port
    /// stays reserved.
    pub async fn take_down(&mut self) {
        if let Some(Serving { stop, task }) = self.serving.take() {
            let _ = stop.send(());
            // It has nothing to fail with, and has ended either way.
            let _ = task.await;
        }
    }

    /// Takes connections again, at the same address.
    ///
    /// # Errors
    /// When the system does not let it listen.
    pub fn put_back(&mut self) -> Result<()> {
        if self.serving.is_none() {
            let listener = bind(self.address)?.listen(BACKLOG).context("listening as the proxy")?;
            let (stop, stopped) = oneshot::channel();
            let task = tokio::spawn(serve(listener, Arc::clone(&self.state), stopped));
            self.serving = Some(Serving { stop, task });
        }
        Ok(())
    }

    /// Adds a rule. Of several that fit a request, the first that applies does.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        let rule = Arc::new(rule);
        lock(&self.state.rules).push(Arc::clone(&rule));
        RuleHandle::new(rule)
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        lock(&self.state.rules).clear();
    }

    /// Counts the requests that fit, from now on.
    pub fn watch(&self, matches: impl Fn(&Request) -> bool + Send + Sync + 'static) -> WatchHandle {
        let watch = Arc::new(Watch::new(matches));
        lock(&self.state.watches).push(Arc::clone(&watch));
        WatchHandle::new(watch)
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.task.abort();
        }
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

/// A socket that shares its port with others of the proxy's, of which one at most listens.
fn bind(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(|| format!("binding {address}"))?;
    Ok(socket)
}

async fn serve(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                state.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(handle(client, Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn handle(mut client: TcpStream, state: Arc<State>) {
    let _ = client.set_nodelay(true);
    // First, so that no change is missed.
    let changes = state.changes.subscribe();
    let Some(upstream) = lock(&state.upstream).clone() else { return };
    let line = lock(&state.line).clone();
    let end = if let Some(line) = line {
        let _ = set_socket_recv_buffer_size(&client, RECEIVE_BUFFER);
        let client = Valve::new(&mut client, &state.gateway);
        line.between(client, |far| exchange::run(far, &upstream, &state, changes)).await
    } else {
        exchange::run(Valve::new(&mut client, &state.gateway), &upstream, &state, changes).await
    };
    // Either side may go at any time; that is no failure of the proxy's.
    if matches!(end, Ok(End::Reset)) {
        let _ = client.set_zero_linger();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
