//! What takes minutes and much of the disk; `just test-large` runs it.

use std::fs::File;
use std::time::Duration;

use anyhow::{Context, ensure};
use partway_tests::files::RandomFile;
use partway_tests::processes;
use partway_tests::stack::Stack;

use super::{MIB, PATIENTLY, Test};

const SIZE: u64 = 10 * 1024 * MIB;
/// The renderer's memory may grow by this, in MiB.
const GROWTH: f64 = 150.0;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 10 GiB of disk and some minutes"]
async fn ten_gibibytes_leave_the_browsers_memory_as_it_was() -> Test {
    Stack::run(async |stack| {
        let first = stack.file("first.bin", 64 * MIB)?;
        stack.page.choose(&[&first]).await?;
        stack.page.wait_for_end(1, PATIENTLY).await?;
        let before = processes::renderer_peak()?;

        // Sparse: reading it costs the browser what any file would, and the disk nothing.
        let path = stack.folder().join("large.bin");
        File::create(&path)?.set_len(SIZE)?;
        let large = RandomFile { path, size: SIZE, sha256: [0; 32] };
        stack.page.choose(&[&large]).await?;
        let rows = stack.page.wait_for_end(2, Duration::from_secs(1_800)).await?;
        let row = rows.iter().find(|row| row.name == "large.bin").context("it is not listed")?;
        ensure!(row.state == "completed" && row.word == "Uploaded and verified", "{row:?}");
        let key = row.key.as_deref().context("it has no key")?;
        ensure!(stack.objects.size(key).await? == SIZE, "it has another size");

        let after = processes::renderer_peak()?;
        eprintln!(
            "the renderer's peak was {before:.0} MiB after 64 MiB, and {after:.0} MiB after 10 GiB more"
        );
        ensure!(after - before < GROWTH, "the renderer grew from {before:.0} to {after:.0} MiB");
        Ok(())
    })
    .await
}
