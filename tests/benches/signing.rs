//! Part URLs a second on one core: ours beside the SDK's own presigner.
//!
//! Ours twice: as the server answers a request for 100 parts, with key and template made anew,
//! and 10,000 parts with one template. All URLs carry a checksum, of parts of 16 MiB.

#![allow(clippy::print_stdout, reason = "the table is the product")]

#[path = "figures/mod.rs"]
mod figures;

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::PresigningConfig;
use figures::{Figures, Goal, rounds};
use partway_s3::signing::{Hosts, PartTemplate, Presigner};
use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::part::PartNumber;

const BUCKET: &str = "uploads";
const REGION: &str = "eu-west-1";
const ENDPOINT: &str = "https://s3.eu-west-1.amazonaws.com";
const KEY: &str = "2026/04/01/8c0f6e6a-8f1b-4a55-9a1d-0d6b1f1f5f3a/holiday film.mp4";
/// As long as those of S3.
const UPLOAD_ID: &str = "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZAVXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA6aWWpbmcn";
const LENGTH: u64 = 16 << 20;
const LIFETIME: Duration = Duration::from_secs(900);

/// The parts of one request.
const WINDOW: u32 = 100;
/// Requests in a round.
const WINDOWS: u32 = 500;
/// Parts in a round that share a template.
const PARTS: u32 = 10_000;
/// URLs of the SDK's in a round.
const SDK_URLS: u32 = 1_000;

const OURS: &str = "100 parts, template made anew";
const OURS_AT_LENGTH: &str = "10,000 parts, one template";
const THEIRS: &str = "aws-sdk-s3, presigned()";
const UNIT: &str = "URLs/s";

fn main() -> Result<()> {
    let rounds = rounds(15);
    let credentials =
        Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "bench");
    let hosts = Hosts::new(&[ENDPOINT.to_owned()], BUCKET, false)?;
    let sdk = sdk(credentials.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let template = || {
        Presigner::new(&hosts, REGION, &credentials, LIFETIME, SystemTime::now()).parts(
            KEY,
            UPLOAD_ID,
            ChecksumKind::Crc64Nvme,
        )
    };

    let mut figures = Figures::default();
    // The first round warms caches and clocks, and is not counted.
    for round in 0..=rounds {
        let ours = per_second(WINDOWS * WINDOW, || (0..WINDOWS).try_for_each(|_| sign(&template(), WINDOW)))?;
        let theirs = per_second(SDK_URLS, || runtime.block_on(presign(&sdk)))?;
        let at_length = per_second(PARTS, || sign(&template(), PARTS))?;
        if round > 0 {
            figures.record(OURS, UNIT, ours);
            figures.record(OURS_AT_LENGTH, UNIT, at_length);
            figures.record(THEIRS, UNIT, theirs);
        }
    }
    figures.compare(OURS, THEIRS, Goal::AtLeast(40.0));
    figures.compare(OURS_AT_LENGTH, THEIRS, Goal::AtLeast(40.0));
    println!("Signing part URLs on one core, {rounds} rounds, interleaved\n\n{}", figures.table());
    Ok(())
}

fn per_second(urls: u32, make: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    make()?;
    Ok(f64::from(urls) / start.elapsed().as_secs_f64())
}

fn sign(template: &PartTemplate, parts: u32) -> Result<()> {
    for number in 1..=parts {
        black_box(template.sign(PartNumber::new(number)?, LENGTH, Some(Crc64Nvme(u64::from(number)).into())));
    }
    Ok(())
}

async fn presign(sdk: &Client) -> Result<()> {
    for number in 1..=SDK_URLS {
        let part = sdk
            .upload_part()
            .bucket(BUCKET)
            .key(KEY)
            .upload_id(UPLOAD_ID)
            .part_number(i32::try_from(number)?)
            .content_length(i64::try_from(LENGTH)?)
            .checksum_crc64_nvme(String::from(Crc64Nvme(u64::from(number))));
        black_box(part.presigned(PresigningConfig::expires_in(LIFETIME)?).await?);
    }
    Ok(())
}

fn sdk(credentials: Credentials) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}
