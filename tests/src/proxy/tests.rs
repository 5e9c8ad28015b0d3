mod line;
mod outage;

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::http::read_request;
use super::*;
use crate::wait::wait_for;

/// Answers each request with its body, and with the Host that it saw.
async fn echo_server() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = tokio::io::BufReader::new(stream);
                while let Ok(Some((head, request))) = read_request(&mut stream).await {
                    let mut body = vec![0; usize::try_from(request.length).unwrap()];
                    stream.read_exact(&mut body).await.unwrap();
                    let text = String::from_utf8_lossy(&head.bytes).to_lowercase();
                    let host = text.split("host: ").nth(1).unwrap().split("\r\n").next().unwrap();
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Host: {host}\r\nETag: \"e\"\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    stream.write_all(&body).await.unwrap();
                }
            });
        }
    });
    Ok(address)
}

async fn proxy() -> Result<Proxy> {
    let proxy = Proxy::start().await?;
    proxy.set_upstream(&echo_server().await?);
    Ok(proxy)
}

struct Client(TcpStream);

impl Client {
    async fn connect(proxy: &Proxy) -> Result<Self> {
        Ok(Self(TcpStream::connect(proxy.address).await?))
    }

    async fn put(&mut self, target: &str, body: &[u8]) -> Result<String> {
        self.send(target, body).await?;
        self.answer(body.len()).await
    }

    async fn send(&mut self, target: &str, body: &[u8]) -> Result<()> {
        let head =
            format!("PUT {target} HTTP/1.1\r\nHost: files.example\r\nContent-Length: {}\r\n\r\n", body.len());
        self.0.write_all(head.as_bytes()).await?;
        self.0.write_all(body).await?;
        Ok(())
    }

    /// An answer whose body is at least so long, as text.
    async fn answer(&mut self, length: usize) -> Result<String> {
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer);
            if let Some((_, body)) = text.split_once("\r\n\r\n")
                && (body.len() >= length || !text.contains(" 200 "))
            {
                return Ok(text.into_owned());
            }
            let mut chunk = [0; 4096];
            let read = self.0.read(&mut chunk).await?;
            ensure!(read > 0, "closed after {text:?}");
            answer.extend_from_slice(&chunk[..read]);
        }
    }
}

fn is_part(number: u32) -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    move |request| request.part_number() == Some(number)
}

#[tokio::test]
async fn what_is_not_damaged_passes_on_one_connection() -> Result<()> {
    let proxy = proxy().await?;
    let watch = proxy.watch(|request| request.method == "PUT");
    let mut client = Client::connect(&proxy).await?;
    for body in ["one", "", "three"] {
        let answer = client.put("/bucket/key?partNumber=1", body.as_bytes()).await?;
        assert!(answer.contains("X-Host: files.example"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
    }
    assert_eq!(watch.count(), 3);
    assert_eq!(watch.most_in_flight(), 1);
    Ok(())
}

#[tokio::test]
async fn faults_come_in_order_and_run_out() -> Result<()> {
    let proxy = proxy().await?;
    let first = proxy.add(Rule::new(is_part(2), Fault::s3_error(500, "InternalError")));
    let second = proxy.add(Rule::new(is_part(2), Fault::s3_error(503, "SlowDown")));
    let mut client = Client::connect(&proxy).await?;
    assert!(client.put("/k?partNumber=1", b"a").await?.starts_with("HTTP/1.1 200"));
    assert_eq!(first.hits(), 0);
    assert!(client.put("/k?partNumber=2", b"a").await?.starts_with("HTTP/1.1 500"));
    assert!(client.put("/k?x=1&partNumber=2", b"a").await?.starts_with("HTTP/1.1 503"));
    assert!(client.put("/k?partNumber=2", b"a").await?.starts_with("HTTP/1.1 200"));
    assert_eq!((first.hits(), second.hits()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_rule_can_spare_the_first() -> Result<()> {
    let proxy = proxy().await?;
    let rule = proxy.add(Rule::new(is_part(1), Fault::s3_error(500, "InternalError")).skip(1).times(2));
    let mut client = Client::connect(&proxy).await?;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(client.put("/k?partNumber=1", b"").await?[9..12].to_owned());
    }
    assert_eq!(codes, ["200", "500", "500", "200"]);
    assert_eq!(rule.hits(), 2);
    Ok(())
}

#[tokio::test]
async fn a_reset_is_a_reset() -> Result<()> {
    let proxy = proxy().await?;
    proxy.add(Rule::new(is_part(1), Fault::Reset { after: 3 }));
    let error = Client::connect(&proxy).await?.put("/k?partNumber=1", b"abcdef").await.unwrap_err();
    let error = error.downcast::<std::io::Error>()?;
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    Ok(())
}

#[tokio::test]
async fn one_byte_is_altered() -> Result<()> {
    let proxy = proxy().await?;
    proxy.add(Rule::new(is_part(1), Fault::FlipByte { at: 2 }));
    let mut client = Client::connect(&proxy).await?;
    assert!(client.put("/k?partNumber=1", b"aaaa").await?.ends_with("\r\n\r\naa`a"));
    assert!(client.put("/k?partNumber=1", b"aaaa").await?.ends_with("\r\n\r\naaaa"));
    Ok(())
}

#[tokio::test]
async fn headers_can_go_missing() -> Result<()> {
    let proxy = proxy().await?;
    proxy.add(Rule::new(|_| true, Fault::StripHeaders(&["etag"])).always());
    let answer = Client::connect(&proxy).await?.put("/k", b"a").await?;
    assert!(!answer.contains("ETag") && answer.contains("X-Host"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn the_nth_answer_can_have_another_status() -> Result<()> {
    let proxy = proxy().await?;
    let rule = proxy.add(Rule::new(|_| true, Fault::Status(507)).nth(2));
    let mut client = Client::connect(&proxy).await?;
    assert!(client.put("/k", b"one").await?.starts_with("HTTP/1.1 200"));
    let answer = client.put("/k", b"two").await?;
    assert!(answer.starts_with("HTTP/1.1 507") && answer.contains("ETag: \"e\""), "{answer}");
    assert_eq!(answer.matches("ontent-").count(), 1, "{answer}");
    assert!(client.put("/k", b"three").await?.ends_with("\r\n\r\nthree"));
    assert_eq!(rule.hits(), 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_can_promise_more_than_comes() -> Result<()> {
    let proxy = proxy().await?;
    proxy.add(Rule::new(|_| true, Fault::Truncate { after: 3 }).times(2));
    for (body, length) in [("abcdef", 6), ("ab", 3)] {
        let mut client = Client::connect(&proxy).await?;
        client.send("/k", body.as_bytes()).await?;
        let mut answer = String::new();
        client.0.read_to_string(&mut answer).await?;
        let promise = format!("ontent-length: {length}\r\n");
        assert!(answer.to_lowercase().contains(&promise), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", &body[..body.len().min(3)])), "{answer}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_head_can_trickle() -> Result<()> {
    const EVERY: Duration = Duration::from_secs(1);
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    let response = [head.as_slice(), b"body"].concat();
    let mut server = response.as_slice();
    let parsed = http::read_response(&mut server, "GET").await?;
    let (mut client, mut sent) = tokio::io::duplex(1024);
    let start = tokio::time::Instant::now();
    let fault = Fault::Trickle { every: EVERY };
    exchange::send_answer(&mut server, &mut sent, parsed, Some(&fault)).await?;
    assert_eq!(start.elapsed(), EVERY * u32::try_from(head.len())?);
    drop(sent);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await?;
    assert_eq!(answer, response);
    Ok(())
}

#[tokio::test]
async fn a_body_can_stall_in_the_middle() -> Result<()> {
    let proxy = proxy().await?;
    let gate = Gate::default();
    let watch = proxy.watch(|_| true);
    proxy.add(Rule::new(is_part(1), Fault::Stall { after: 2, gate: gate.clone() }));
    let mut client = Client::connect(&proxy).await?;
    client.send("/k?partNumber=1", b"abcdef").await?;
    wait_for("the request", Duration::from_secs(5), async || Ok((watch.in_flight() == 1).then_some(())))
        .await?;
    gate.open();
    assert!(client.answer(6).await?.ends_with("\r\n\r\nabcdef"));
    Ok(())
}

#[tokio::test]
async fn held_requests_count_as_in_flight_until_the_gate_opens() -> Result<()> {
    let proxy = proxy().await?;
    let gate = Gate::default();
    let watch = proxy.watch(|_| true);
    proxy.add(Rule::new(|_| true, Fault::Hold(gate.clone())).always());
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let mut client = Client::connect(&proxy).await?;
        clients.spawn(async move { client.put("/k", b"a").await });
    }
    wait_for("three requests", Duration::from_secs(5), async || Ok((watch.in_flight() == 3).then_some(())))
        .await?;
    gate.open();
    while let Some(answer) = clients.join_next().await {
        assert!(answer??.starts_with("HTTP/1.1 200"));
    }
    assert_eq!((watch.count(), watch.most_in_flight()), (3, 3));
    Ok(())
}
