//! A line between the client and the proxy: how far it is, and how much it carries. Never knows
//! what the bytes mean.
//!
//! What a client sends arrives half a round trip after it has left, and leaves when its turn has
//! come among all that the proxy's connections send. The same holds for what it is sent.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::exchange::End;
use super::lock;

/// What leaves in one turn. Small, so that turns are short on a slow line.
const CHUNK: usize = 16 * 1024;
/// The most of a connection that is on its way in one direction: what Linux lets a sender have.
/// Over a long line it limits what one connection alone can carry.
const WINDOW: usize = 4 * 1024 * 1024;
/// How far ahead turns are given. Timers are a millisecond or two late; without this, a fast
/// line would stand idle meanwhile.
const AHEAD: Duration = Duration::from_millis(5);

/// A line. Its clones share its bandwidth, so that several proxies can be reached by one.
#[derive(Clone, Debug)]
pub struct Line {
    one_way: Duration,
    up: Arc<Lane>,
    down: Arc<Lane>,
}

impl Line {
    /// A line so long that a question and its answer take a round trip, and so wide that nothing
    /// has to wait. A new connection costs a round trip before its first byte, as without TLS.
    #[must_use]
    pub fn new(round_trip: Duration) -> Self {
        Self { one_way: round_trip / 2, up: Arc::default(), down: Arc::default() }
    }

    /// Limits it to so many bytes a second in each direction, for all its connections together,
    /// which take turns.
    #[must_use]
    pub fn bytes_per_second(self, bytes: u64) -> Self {
        let lane = || Arc::new(Lane { bytes_per_second: Some(bytes.max(1)), free: Mutex::default() });
        Self { one_way: self.one_way, up: lane(), down: lane() }
    }

    /// Puts the line between a client that has just connected and what answers it.
    pub(super) async fn between<F>(
        &self,
        client: impl AsyncRead + AsyncWrite,
        answer: impl FnOnce(DuplexStream) -> F,
    ) -> io::Result<End>
    where
        F: Future<Output = io::Result<End>>,
    {
        let (far, near) = duplex(CHUNK);
        let (from_client, to_client) = split(client);
        let (from_far, to_far) = split(near);
        let mut up = pin!(async {
            // The handshake. Without the line it was over at once.
            sleep(self.one_way * 2).await;
            carry(from_client, to_far, &self.up, self.one_way).await
        });
        let mut down = pin!(carry(from_far, to_client, &self.down, self.one_way));
        let mut answering = pin!(answer(far));
        let mut is_sending = true;
        let end = loop {
            tokio::select! {
                end = &mut answering => break end?,
                sent = &mut up, if is_sending => {
                    sent?;
                    is_sending = false;
                }
                // It ends before the answering only if the client has gone.
                gone = &mut down => return gone.map(|()| End::Close),
            }
        };
        match end {
            // What has been answered is still on its way.
            End::Close => down.await?,
            End::Reset => sleep(self.one_way).await,
        }
        Ok(end)
    }
}

/// One direction of a line.
#[derive(Debug, Default)]
struct Lane {
    bytes_per_second: Option<u64>,
    /// When all that has been given a turn will have left.
    free: Mutex<Option<Instant>>,
}

impl Lane {
    /// Waits for a turn, and says when the last of so many bytes leaves. A connection asks for
    /// one turn at a time, which makes it fair.
    async fn turn(&self, bytes: usize) -> Instant {
        let now = Instant::now();
        let Some(bytes_per_second) = self.bytes_per_second else { return now };
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(bytes_per_second);
        let left = {
            let mut free = lock(&self.free);
            let begin = free.map_or(now, |free| free.max(now));
            let left = begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            *free = Some(left);
            left
        };
        if left > now + AHEAD {
            sleep_until(left - AHEAD).await;
        }
        left
    }
}

/// Carries everything from one end of a lane to the other, and then the end of it.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    lane: &Lane,
    one_way: Duration,
) -> io::Result<()> {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(WINDOW / CHUNK);
    let send = async move {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await?;
            let arrival = lane.turn(read).await + one_way;
            let has_gone = sender.send((arrival, chunk[..read].to_vec())).await.is_err();
            if read == 0 || has_gone {
                return Ok(());
            }
        }
    };
    let receive = async move {
        while let Some((arrival, bytes)) = receiver.recv().await {
            if arrival > Instant::now() {
                sleep_until(arrival).await;
            }
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(send, receive).map(drop)
}
