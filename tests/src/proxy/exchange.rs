//! One client's connection: requests and answers in turn, each with its fault.

use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf,
    WriteHalf, sink, split,
};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::State;
use super::fault::Fault;
use super::http::{Framing, Head, Request, copy_body, read_request, read_response};
use super::rule::InFlight;

const BUFFER: usize = 256 * 1024;
/// For what may never come once the other side has gone wrong.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Close,
    Reset,
}

/// What becomes of the connection after an exchange.
pub(super) enum Next {
    Keep,
    End(End),
}

pub(super) async fn run<S>(
    client: S,
    upstream: &str,
    state: &State,
    mut changes: watch::Receiver<()>,
) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut client = BufReader::with_capacity(BUFFER, client);
    let mut server = None;
    loop {
        tokio::select! {
            bytes = client.fill_buf() => drop(bytes?),
            // Whoever is connected anew gets what holds now.
            _ = changes.changed() => break,
        }
        let Some((head, request)) = read_request(&mut client).await? else { break };
        let _counted = InFlight::new(state.watches_of(&request));
        let fault = state.fault_for(&request);
        match exchange(&mut client, &mut server, upstream, &head, &request, fault).await? {
            Next::Keep if !head.close => {}
            Next::Keep | Next::End(End::Close) => break,
            Next::End(End::Reset) => return Ok(End::Reset),
        }
    }
    client.shutdown().await?;
    Ok(End::Close)
}

async fn exchange<S>(
    client: &mut BufReader<S>,
    server: &mut Option<Upstream>,
    upstream: &str,
    head: &Head,
    request: &Request,
    fault: Option<Fault>,
) -> io::Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match &fault {
        Some(Fault::Answer { status, headers, body }) => {
            // Answered too early, a browser reports a broken connection.
            copy_body(client, &mut sink(), head.framing).await?;
            client.write_all(answer(*status, headers, body).as_bytes()).await?;
            return Ok(Next::Keep);
        }
        Some(Fault::Reset { after }) => {
            let after = (*after).min(request.length);
            if after > 0 {
                let upstream = Upstream::get(server, upstream).await?;
                upstream.writer.write_all(&head.bytes).await?;
                copy_body(client, &mut upstream.writer, Framing::Length(after)).await?;
            }
            return Ok(Next::End(End::Reset));
        }
        Some(Fault::Hold(gate)) => gate.passed().await,
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        _ => {}
    }
    Upstream::get(server, upstream).await?.forward(client, head, request, fault.as_ref()).await
}

fn answer(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} Injected\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// The connection to the server that belongs to a client's.
struct Upstream {
    reader: BufReader<ReadHalf<TcpStream>>,
    writer: WriteHalf<TcpStream>,
    /// The last exchange went as it should, so another can follow.
    reusable: bool,
}

impl Upstream {
    async fn get<'a>(slot: &'a mut Option<Self>, address: &str) -> io::Result<&'a mut Self> {
        if slot.as_mut().is_none_or(|server| !server.reusable) {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = split(stream);
            let reader = BufReader::with_capacity(BUFFER, reader);
            *slot = Some(Self { reader, writer, reusable: true });
        }
        slot.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    async fn forward<S>(
        &mut self,
        client: &mut BufReader<S>,
        head: &Head,
        request: &Request,
        fault: Option<&Fault>,
    ) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.reusable = false;
        self.writer.write_all(&head.bytes).await?;
        // A server may refuse before it has read the whole body, and close.
        let (sent, response) = {
            let send = send_body(client, &mut self.writer, head.framing, fault);
            let receive = read_response(&mut self.reader, &request.method);
            tokio::pin!(send, receive);
            tokio::select! {
                biased;
                sent = &mut send => match sent {
                    Ok(()) => (true, receive.await?),
                    // If it is the server that has stopped reading, its answer may be on its
                    // way. If the client has gone, there will be none.
                    Err(_) => (false, timeout(PATIENCE, receive).await??),
                },
                response = &mut receive => (false, response?),
            }
        };

        self.reusable = sent && !response.close;
        let (framing, next) =
            (response.framing, send_answer(&mut self.reader, client, response, fault).await?);
        if !sent && matches!(next, Next::Keep) {
            // What is left of the body has to be taken, or the client sees a reset
            // instead of the answer.
            drain(client).await;
            return Ok(Next::End(End::Close));
        }
        Ok(if framing == Framing::UntilClose { Next::End(End::Close) } else { next })
    }
}

async fn send_body(
    client: &mut (impl AsyncBufRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
    fault: Option<&Fault>,
) -> io::Result<()> {
    match (fault, framing) {
        (Some(Fault::FlipByte { at }), Framing::Length(length)) if *at < length => {
            copy_body(client, server, Framing::Length(*at)).await?;
            let byte = client.read_u8().await?;
            server.write_u8(byte ^ 0x01).await?;
            copy_body(client, server, Framing::Length(length - at - 1)).await
        }
        (Some(Fault::Stall { after, gate }), Framing::Length(length)) if *after < length => {
            copy_body(client, server, Framing::Length(*after)).await?;
            gate.passed().await;
            copy_body(client, server, Framing::Length(length - after)).await
        }
        _ => copy_body(client, server, framing).await,
    }
}

pub(super) async fn send_answer(
    server: &mut (impl AsyncBufRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    mut head: Head,
    fault: Option<&Fault>,
) -> io::Result<Next> {
    match fault {
        Some(Fault::LoseAnswer) => return Ok(Next::End(End::Reset)),
        Some(Fault::StripHeaders(names)) => head.strip(names),
        Some(Fault::Status(status)) => head.set_status(*status),
        Some(Fault::Truncate { after }) => {
            let mut body = Vec::new();
            copy_body(server, &mut body, head.framing).await?;
            if head.framing == Framing::Chunked {
                // Without its last byte it has no end.
                body.pop();
            } else if body.len() <= *after {
                head.set_length(body.len() as u64 + 1);
            }
            body.truncate(*after);
            client.write_all(&head.bytes).await?;
            client.write_all(&body).await?;
            return Ok(Next::End(End::Close));
        }
        Some(Fault::Trickle { every }) => {
            for byte in &head.bytes {
                client.write_u8(*byte).await?;
                client.flush().await?;
                sleep(*every).await;
            }
            head.bytes.clear();
        }
        _ => {}
    }
    client.write_all(&head.bytes).await?;
    match (fault, head.framing) {
        (Some(Fault::StallAnswer { after, gate }), Framing::Length(length)) if *after < length => {
            copy_body(server, client, Framing::Length(*after)).await?;
            client.flush().await?;
            gate.passed().await;
            copy_body(server, client, Framing::Length(length - after)).await?;
        }
        (Some(Fault::FlipAnswerByte { at }), Framing::Length(length)) if *at < length => {
            copy_body(server, client, Framing::Length(*at)).await?;
            let byte = server.read_u8().await?;
            client.write_u8(byte ^ 0x01).await?;
            copy_body(server, client, Framing::Length(length - at - 1)).await?;
        }
        _ => copy_body(server, client, head.framing).await?,
    }
    Ok(Next::Keep)
}

/// Reads until the client closes or says nothing for a while.
async fn drain<S>(client: &mut BufReader<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _ = client.shutdown().await;
    while let Ok(Ok(bytes)) = timeout(PATIENCE, client.fill_buf()).await {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        client.consume(length);
    }
}
