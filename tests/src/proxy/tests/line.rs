//! The line, in memory and on a clock that stands still while anything can be done.

use std::io;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

use crate::proxy::exchange::End;
use crate::proxy::line::Line;

const ROUND_TRIP: Duration = Duration::from_millis(100);
const MIB: usize = 1 << 20;
/// What timers may be late.
const A_BIT: Duration = Duration::from_millis(20);

/// A connection over a line to something that gives every byte back.
fn connect(line: &Line) -> (DuplexStream, JoinHandle<io::Result<End>>) {
    connect_to(line, async |mut far| {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let read = far.read(&mut chunk).await?;
            if read == 0 {
                return Ok(End::Close);
            }
            far.write_all(&chunk[..read]).await?;
        }
    })
}

fn connect_to<F>(
    line: &Line,
    answer: impl FnOnce(DuplexStream) -> F + Send + 'static,
) -> (DuplexStream, JoinHandle<io::Result<End>>)
where
    F: Future<Output = io::Result<End>> + Send + 'static,
{
    let (client, near) = duplex(64 * 1024);
    let line = line.clone();
    (client, tokio::spawn(async move { line.between(near, answer).await }))
}

/// A line to something that takes so many bytes, and then answers with one.
async fn send(line: &Line, bytes: usize) -> Result<Duration> {
    let (mut client, _) = connect_to(line, async move |mut far: DuplexStream| {
        let mut chunk = vec![0; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            left -= far.read(&mut chunk).await?;
        }
        far.write_u8(1).await?;
        Ok(End::Close)
    });
    let start = Instant::now();
    client.write_all(&vec![0; bytes]).await?;
    client.read_u8().await?;
    Ok(start.elapsed())
}

fn is_about(measured: Duration, expected: Duration) -> bool {
    measured >= expected && measured < expected + A_BIT
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_costs_two_round_trips_and_an_old_one_a_single() -> Result<()> {
    let (mut client, _) = connect(&Line::new(ROUND_TRIP));
    for round_trips in [2, 1, 1] {
        let start = Instant::now();
        client.write_u8(7).await?;
        assert_eq!(client.read_u8().await?, 7);
        let took = start.elapsed();
        assert!(is_about(took, ROUND_TRIP * round_trips), "{round_trips} round trips took {took:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn bytes_take_as_long_as_the_line_is_narrow() -> Result<()> {
    let line = Line::new(ROUND_TRIP).bytes_per_second(MIB as u64);
    let took = send(&line, 3 * MIB).await?;
    assert!(is_about(took, Duration::from_secs(3) + ROUND_TRIP * 2), "{took:?}");
    // Fast ones too, although a timer is coarser than their chunks are short.
    let round_trip = Duration::from_millis(10);
    let line = Line::new(round_trip).bytes_per_second(100 * MIB as u64);
    let took = send(&line, 50 * MIB).await?;
    assert!(is_about(took, Duration::from_millis(500) + round_trip * 2), "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connections_share_a_line_fairly() -> Result<()> {
    let line = Line::new(ROUND_TRIP).bytes_per_second(MIB as u64);
    let mut sending = JoinSet::new();
    for _ in 0..4 {
        let line = line.clone();
        sending.spawn(async move { send(&line, MIB).await });
    }
    while let Some(took) = sending.join_next().await {
        let took = took??;
        let expected = Duration::from_secs(4) + ROUND_TRIP * 2;
        // The last turns of a round are the others'.
        assert!(took > expected - 5 * A_BIT && took < expected + A_BIT, "{took:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_direction_does_not_narrow_the_other() -> Result<()> {
    let (mut client, _) = connect(&Line::new(ROUND_TRIP).bytes_per_second(MIB as u64));
    let start = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(&mut client);
    let mut echo = vec![0; 2 * MIB];
    let sent = vec![9; 2 * MIB];
    let (written, read) = tokio::join!(writer.write_all(&sent), reader.read_exact(&mut echo));
    written?;
    read?;
    assert_eq!(echo, sent);
    let took = start.elapsed();
    assert!(is_about(took, Duration::from_secs(2) + ROUND_TRIP * 2), "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reads_holds_up_the_sender() -> Result<()> {
    let (mut client, _) = connect_to(&Line::new(ROUND_TRIP), async |far: DuplexStream| {
        std::future::pending::<()>().await;
        drop(far);
        Ok(End::Close)
    });
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_secs(3600), client.write(&[0; 4096])).await {
        sent += written?;
        assert!(sent < 5 * MIB, "there is no end to it");
    }
    assert!(sent >= 4 * MIB, "only {sent} bytes");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_the_connection_arrives_whole_and_then_the_end() -> Result<()> {
    let (mut client, connection) = connect_to(&Line::new(ROUND_TRIP), async |mut far: DuplexStream| {
        far.write_all(&[3; 100_000]).await?;
        Ok(End::Close)
    });
    let start = Instant::now();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await?;
    assert_eq!(answer, [3; 100_000]);
    assert!(is_about(start.elapsed(), ROUND_TRIP / 2));
    assert!(matches!(connection.await?, Ok(End::Close)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_ends_the_connection() -> Result<()> {
    let (client, connection) = connect(&Line::new(ROUND_TRIP));
    drop(client);
    assert!(matches!(connection.await?, Ok(End::Close)));
    Ok(())
}
