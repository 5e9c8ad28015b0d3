//! One client's connection: requests and answers in turn, each with its fault.

use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf,
    sink, split,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::State;
use super::http::{Framing, Head, Request, copy_body, read_request, read_response};
use super::rule::{Fault, InFlight};

const BUFFER: usize = 256 * 1024;
/// For what may never come once the other side has gone wrong.
const PATIENCE: Duration = Duration::from_secs(2);

/// What becomes of the connection after an exchange.
enum Next {
    Keep,
    Close,
    Reset,
}

pub(super) async fn run(client: TcpStream, upstream: &str, state: &State) -> io::Result<()> {
    let mut client = BufReader::with_capacity(BUFFER, client);
    let mut store = None;
    while let Some((head, request)) = read_request(&mut client).await? {
        let _counted = InFlight::new(state.watches_of(&request));
        let fault = state.fault_for(&request);
        match exchange(&mut client, &mut store, upstream, &head, &request, fault).await? {
            Next::Keep if !head.close => {}
            Next::Keep | Next::Close => return client.shutdown().await,
            Next::Reset => return client.into_inner().set_zero_linger(),
        }
    }
    Ok(())
}

async fn exchange(
    client: &mut BufReader<TcpStream>,
    store: &mut Option<Upstream>,
    upstream: &str,
    head: &Head,
    request: &Request,
    fault: Option<Fault>,
) -> io::Result<Next> {
    match fault {
        Some(Fault::Answer { status, headers, body }) => {
            // Answered too early, a browser reports a broken connection.
            copy_body(client, &mut sink(), head.framing).await?;
            client.write_all(answer(status, &headers, &body).as_bytes()).await?;
            Ok(Next::Keep)
        }
        Some(Fault::Reset { after }) => {
            let body = (&mut *client).take(after.min(request.length));
            tokio::io::copy(&mut { body }, &mut sink()).await?;
            Ok(Next::Reset)
        }
        Some(Fault::Hold(gate)) => {
            gate.passed().await;
            Upstream::get(store, upstream).await?.forward(client, head, request, &Passing::default()).await
        }
        fault => {
            let passing = Passing {
                flip: if let Some(Fault::FlipByte { at }) = fault { Some(at) } else { None },
                strip: if let Some(Fault::StripHeaders(names)) = fault { names } else { &[] },
                lose_answer: matches!(fault, Some(Fault::LoseAnswer)),
            };
            Upstream::get(store, upstream).await?.forward(client, head, request, &passing).await
        }
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} Injected\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Damage to what passes.
#[derive(Default)]
struct Passing {
    flip: Option<u64>,
    strip: &'static [&'static str],
    lose_answer: bool,
}

/// The connection to the store that belongs to a client's.
struct Upstream {
    reader: BufReader<ReadHalf<TcpStream>>,
    writer: WriteHalf<TcpStream>,
    /// The last exchange went as it should, so another can follow.
    reusable: bool,
}

impl Upstream {
    async fn get<'a>(slot: &'a mut Option<Self>, address: &str) -> io::Result<&'a mut Self> {
        if slot.as_mut().is_none_or(|store| !store.reusable) {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = split(stream);
            let reader = BufReader::with_capacity(BUFFER, reader);
            *slot = Some(Self { reader, writer, reusable: true });
        }
        slot.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    async fn forward(
        &mut self,
        client: &mut BufReader<TcpStream>,
        head: &Head,
        request: &Request,
        passing: &Passing,
    ) -> io::Result<Next> {
        self.reusable = false;
        self.writer.write_all(&head.bytes).await?;
        // A store may refuse before it has read the whole body, and close.
        let (sent, mut response) = {
            let send = send_body(client, &mut self.writer, head.framing, passing.flip);
            let receive = read_response(&mut self.reader, &request.method);
            tokio::pin!(send, receive);
            tokio::select! {
                biased;
                sent = &mut send => match sent {
                    Ok(()) => (true, receive.await?),
                    // If it is the store that has stopped reading, its answer may be on its
                    // way. If the client has gone, there will be none.
                    Err(_) => (false, timeout(PATIENCE, receive).await??),
                },
                response = &mut receive => (false, response?),
            }
        };

        if passing.lose_answer {
            return Ok(Next::Reset);
        }
        response.strip(passing.strip);
        client.write_all(&response.bytes).await?;
        copy_body(&mut self.reader, client, response.framing).await?;
        self.reusable = sent && !response.close;
        if !sent {
            // What is left of the body has to be taken, or the client sees a reset
            // instead of the answer.
            drain(client).await;
            return Ok(Next::Close);
        }
        Ok(if response.framing == Framing::UntilClose { Next::Close } else { Next::Keep })
    }
}

async fn send_body(
    client: &mut (impl AsyncBufRead + Unpin),
    store: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
    flip: Option<u64>,
) -> io::Result<()> {
    if let (Some(at), Framing::Length(length)) = (flip, framing)
        && at < length
    {
        copy_body(client, store, Framing::Length(at)).await?;
        let byte = client.read_u8().await?;
        store.write_u8(byte ^ 0x01).await?;
        return copy_body(client, store, Framing::Length(length - at - 1)).await;
    }
    copy_body(client, store, framing).await
}

/// Reads until the client closes or says nothing for a while.
async fn drain(client: &mut BufReader<TcpStream>) {
    let _ = client.shutdown().await;
    while let Ok(Ok(bytes)) = timeout(PATIENCE, client.fill_buf()).await {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        client.consume(length);
    }
}
