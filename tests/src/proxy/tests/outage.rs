//! Servers that are away, lines that are dead, and what is left to chance.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Client, is_part, proxy};
use crate::proxy::gate::{Gateway, Valve};
use crate::proxy::http::Request;
use crate::proxy::{Fault, Gate, Line, Rule, lock};

const AN_HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_proxy_that_is_down_refuses_and_comes_back_where_it_was() -> Result<()> {
    let mut proxy = proxy().await?;
    let mut client = Client::connect(&proxy).await?;
    client.put("/k", b"a").await?;
    for _ in 0..2 {
        proxy.take_down().await;
        let refused = TcpStream::connect(proxy.address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        client.put("/k", b"a").await.unwrap_err();

        proxy.put_back()?;
        client = Client::connect(&proxy).await?;
        assert!(client.put("/k", b"back").await?.ends_with("\r\n\r\nback"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_moves_in_a_black_hole_until_its_gate_is_open() -> Result<()> {
    let gateway = Gateway::default();
    let (mut client, stream) = duplex(64);
    let mut valve = Valve::new(stream, &gateway);
    client.write_u8(1).await?;
    assert_eq!(valve.read_u8().await?, 1);

    let gate = Gate::default();
    *lock(&gateway) = Some(gate.clone());
    client.write_u8(2).await?;
    timeout(AN_HOUR, valve.read_u8()).await.unwrap_err();
    timeout(AN_HOUR, valve.write_u8(3)).await.unwrap_err();
    timeout(AN_HOUR, client.read_u8()).await.unwrap_err();

    gate.open();
    assert_eq!(valve.read_u8().await?, 2);
    valve.write_u8(4).await?;
    assert_eq!(client.read_u8().await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_black_hole_accepts_and_loses_nothing_that_was_sent_into_it() -> Result<()> {
    let proxy = proxy().await?;
    let mut old = Client::connect(&proxy).await?;
    old.put("/k", b"a").await?;
    let gate = Gate::default();
    proxy.black_hole(&gate);
    let watch = proxy.watch(|_| true);
    let mut new = Client::connect(&proxy).await?;
    old.send("/k", b"old").await?;
    new.send("/k", b"new").await?;
    assert_eq!(watch.count(), 0);

    gate.open();
    assert!(old.answer(3).await?.ends_with("\r\n\r\nold"));
    assert!(new.answer(3).await?.ends_with("\r\n\r\nnew"));
    Ok(())
}

#[tokio::test]
async fn a_new_line_is_for_new_connections_and_idle_ones_end() -> Result<()> {
    let proxy = proxy().await?;
    let mut client = Client::connect(&proxy).await?;
    client.put("/k", b"a").await?;
    proxy.set_line(Some(Line::new(Duration::from_millis(2)).bytes_per_second(1 << 30)));
    client.put("/k", b"a").await.unwrap_err();
    let body = vec![b'x'; 300_000];
    let answer = Client::connect(&proxy).await?.put("/k", &body).await?;
    assert!(answer.len() > body.len() && answer.ends_with("xx"));
    assert_eq!(proxy.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn a_reset_reaches_the_client_over_a_line_too() -> Result<()> {
    let proxy = proxy().await?;
    proxy.set_line(Some(Line::new(Duration::from_millis(2))));
    proxy.add(Rule::new(is_part(1), Fault::Reset { after: 3 }));
    let error = Client::connect(&proxy).await?.put("/k?partNumber=1", b"abcdef").await.unwrap_err();
    assert_eq!(error.downcast::<std::io::Error>()?.kind(), ErrorKind::ConnectionReset);
    Ok(())
}

/// Where a rule cuts each of a thousand requests, if it does.
fn cuts(rule: &Rule) -> Vec<Option<u64>> {
    cuts_of(rule, 1_000_000)
}

fn cuts_of(rule: &Rule, length: u64) -> Vec<Option<u64>> {
    let request = Request { length, ..Request::default() };
    let cut = |fault| if let Fault::Reset { after } = fault { after } else { u64::MAX };
    (0..1_000).map(|_| rule.apply(&request).map(cut)).collect()
}

#[test]
fn a_seed_decides_which_connections_are_cut_and_where() {
    let rule = |seed| Rule::new(|_| true, Fault::ResetAnywhere).always().at_random(0.05, seed);
    let first = cuts(&rule(1));
    assert_eq!(first, cuts(&rule(1)));
    assert_ne!(first, cuts(&rule(2)));

    let places: Vec<u64> = first.into_iter().flatten().collect();
    assert!((30..70).contains(&places.len()), "{} of 1,000 are not 5 %", places.len());
    assert!(places.iter().all(|place| *place < 1_000_000), "{places:?}");
    let halves = places.iter().filter(|place| **place < 500_000).count();
    assert!(halves > places.len() / 4 && halves < places.len() * 3 / 4, "{places:?}");
}

#[test]
fn chance_has_its_ends() {
    let hits = |probability| {
        let rule = Rule::new(|_| true, Fault::ResetAnywhere).always().at_random(probability, 3);
        cuts(&rule).into_iter().flatten().count()
    };
    assert_eq!((hits(0.0), hits(1.0)), (0, 1_000));
}

#[test]
fn what_is_cut_per_mib_depends_on_the_size() {
    let hits = |mebibytes: u64| {
        let rule = Rule::new(|_| true, Fault::ResetAnywhere).always().at_random(0.01, 4).per_mib();
        cuts_of(&rule, mebibytes << 20).into_iter().flatten().count()
    };
    assert_eq!(hits(0), 0);
    let (small, large) = (hits(5), hits(50));
    // 1 - 0.99⁵ is 4.9 %, and 1 - 0.99⁵⁰ is 39.5 %.
    assert!((30..70).contains(&small) && (350..440).contains(&large), "{small}, {large}");
}
