//! What is told of transfers: bars on a terminal, lines elsewhere, or JSON.

mod bars;
mod words;

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use partway_client::event::{Ending, Event, Finished, Progress};
use partway_shared::error::ErrorCode;
use partway_shared::transfer::{FileId, TransferError};
use serde_json::{Value, json};

use bars::Bars;
pub(crate) use words::bytes;
use words::{command_line, error_text, seconds, speed, verified};

/// Between two lines of progress where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Between two events of progress of the same file in JSON.
const JSON_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ReportArgs {
    /// Print no progress
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Print JSON: one event on each line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A transfer, as it is told.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) from: String,
    /// Where it goes. Where the server makes the key, what comes before it.
    pub(crate) to: String,
    /// Whether the key is still to be added to that.
    pub(crate) adds_key: bool,
    /// Bytes, if that is known.
    pub(crate) size: Option<u64>,
    pub(crate) state: ItemState,
}

#[derive(Debug, Default)]
pub(crate) struct ItemState {
    began: Option<Instant>,
    told_at: Option<Instant>,
    done: u64,
    /// Bytes that were there already.
    kept: u64,
}

/// Whoever tells of transfers.
pub(crate) struct Report {
    args: ReportArgs,
    items: Vec<Item>,
    bars: Option<Bars>,
    /// Whether results go to standard error, since objects go to standard output.
    is_piped: bool,
    began: Instant,
    told_at: Instant,
    completed: u64,
    bytes: u64,
    failed: u64,
    parked: u64,
    /// The gravest exit code so far.
    code: u8,
}

impl Report {
    pub(crate) fn new(args: ReportArgs, items: Vec<Item>, is_piped: bool) -> Self {
        let with_bars = !args.no_progress && !args.json && !args.quiet && std::io::stderr().is_terminal();
        let total = items.iter().map(|item| item.size).sum::<Option<u64>>();
        let bars = with_bars.then(|| Bars::new(items.len(), total));
        let now = Instant::now();
        Self {
            args,
            items,
            bars,
            is_piped,
            began: now,
            told_at: now,
            completed: 0,
            bytes: 0,
            failed: 0,
            parked: 0,
            code: 0,
        }
    }

    /// Tells of something that is passed over, which counts as failed.
    pub(crate) fn problem(&mut self, problem: &str) {
        self.failed += 1;
        self.raise(1);
        if self.args.json {
            self.out(&json!({ "event": "skipped", "message": problem }).to_string());
        } else {
            self.err(&format!("partway: {problem}"));
        }
    }

    /// Prints a line of what was asked for.
    pub(crate) fn line(&self, line: &str) {
        self.out(line);
    }

    /// Returns the exit code so far.
    pub(crate) const fn code(&self) -> u8 {
        self.code
    }

    /// How often [`tick`](Self::tick) is to be called.
    pub(crate) const fn interval(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Tells of progress where there are no bars.
    pub(crate) fn tick(&mut self) {
        let is_line = self.bars.is_none() && !self.args.json && !self.args.no_progress && !self.args.quiet;
        if !is_line || self.told_at.elapsed() < LINE_INTERVAL {
            return;
        }
        self.told_at = Instant::now();
        let done: u64 = self.items.iter().map(|item| item.state.done).sum();
        let kept: u64 = self.items.iter().map(|item| item.state.kept).sum();
        let total = self.items.iter().map(|item| item.size).sum::<Option<u64>>();
        let of = total.map(|total| format!(" of {}", bytes(total))).unwrap_or_default();
        let rate = speed(done.saturating_sub(kept), self.began.elapsed());
        let (completed, count) = (self.completed, self.items.len());
        self.err(&format!("{}{of}, {completed} of {count} files, {rate}", bytes(done)));
    }

    /// Tells of an event. Returns whether it was a file's last.
    pub(crate) fn hear(&mut self, event: Event) -> bool {
        match event {
            Event::Progress(id, progress) => {
                self.progress(id, &progress);
                false
            }
            Event::GoesOn(id, bytes) => {
                self.goes_on(id, bytes);
                false
            }
            Event::Restarted(id) => {
                let from = self.item(id).map(|item| item.from.clone()).unwrap_or_default();
                self.note(id, &format!("{from}: it has changed since, and is begun anew"));
                false
            }
            Event::Warning(id, text) => {
                self.note(id, &text);
                false
            }
            Event::Ended(id, ending) => {
                self.ended(id, ending);
                true
            }
        }
    }

    /// Sums up. Returns the exit code.
    pub(crate) fn finish(&mut self) -> u8 {
        if let Some(bars) = self.bars.take() {
            bars.clear();
        }
        let Self { completed, failed, bytes: sent, .. } = *self;
        let took = self.began.elapsed();
        if self.args.json {
            let seconds = took.as_secs_f64();
            let summary = json!({ "event": "summary", "completed": completed, "failed": failed, "bytes": sent, "seconds": seconds });
            self.out(&summary.to_string());
        } else if completed + failed > 1 && !self.args.quiet {
            let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            self.out(&format!(
                "{completed} files, {} in {} ({}){failures}",
                bytes(sent),
                seconds(took),
                speed(sent, took)
            ));
        }
        self.code
    }

    /// Says how to go on.
    pub(crate) fn interrupted(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.clear();
        }
        let again = command_line(std::env::args());
        let (completed, count) = (self.completed, self.items.len());
        if self.args.json {
            let event =
                json!({ "event": "interrupted", "completed": completed, "files": count, "resume": again });
            self.out(&event.to_string());
        } else {
            self.err(&format!(
                "partway: interrupted; {completed} of {count} files are complete. To go on, run the same again:\n  {again}"
            ));
        }
    }

    fn progress(&mut self, id: FileId, progress: &Progress) {
        let is_json = self.args.json;
        let Some(item) = self.items.get_mut(id.0 as usize) else { return };
        item.size = progress.size.or(item.size);
        item.state.done = progress.done;
        let is_first = item.state.began.is_none() && progress.state != "waiting";
        if is_first {
            item.state.began = Some(Instant::now());
        }
        if let Some(bars) = &mut self.bars {
            bars.progress(id, &item.from, progress);
            return;
        }
        let is_due = item.state.told_at.is_none_or(|at| at.elapsed() >= JSON_INTERVAL);
        if !is_json || !(is_first || (is_due && item.state.began.is_some())) {
            return;
        }
        item.state.told_at = Some(Instant::now());
        let name = if is_first { "started" } else { "progress" };
        let mut event = about(name, item);
        event["state"] = progress.state.into();
        event["bytes"] = progress.done.into();
        event["bytes_per_second"] = progress.bytes_per_second.into();
        event["seconds_left"] = progress.seconds_left.into();
        event["waiting_for"] = progress.waiting_for.map(ErrorCode::as_str).into();
        self.out(&event.to_string());
    }

    fn goes_on(&mut self, id: FileId, kept: u64) {
        let Some(item) = self.items.get_mut(id.0 as usize) else { return };
        item.state.kept = kept;
        item.state.done = kept;
        let text = format!("{}: going on, {} are there", item.from, bytes(kept));
        self.note(id, &text);
    }

    fn ended(&mut self, id: FileId, ending: Ending) {
        if let Some(bars) = &mut self.bars {
            bars.end(id);
        }
        match ending {
            Ending::Completed(finished) => self.completed(id, &finished),
            Ending::Failed(error) => self.failed(id, &error),
            Ending::Parked => self.parked += 1,
            // As `cat` does when its reader goes: nothing is said, and the code is that of SIGPIPE.
            Ending::Closed => self.raise(141),
            Ending::Cancelled => self.raise(1),
        }
    }

    fn completed(&mut self, id: FileId, finished: &Finished) {
        self.completed += 1;
        let Some(item) = self.items.get_mut(id.0 as usize) else { return };
        if item.adds_key {
            item.to.push_str(&finished.key);
        }
        let took = item.state.began.map(|began| began.elapsed()).unwrap_or_default();
        let sent = finished.size.saturating_sub(item.state.kept);
        item.state.done = finished.size;
        self.bytes += sent;
        if self.args.json {
            let mut event = about("completed", item);
            event["size"] = finished.size.into();
            event["key"] = finished.key.as_str().into();
            event["etag"] = finished.etag.as_str().into();
            event["version_id"] = finished.version_id.as_deref().into();
            event["verified"] = json!(finished.verified);
            event["crc64nvme"] = finished.checksum.as_deref().into();
            event["already_there"] = item.state.kept.into();
            event["seconds"] = took.as_secs_f64().into();
            self.out(&event.to_string());
        } else if !self.args.quiet {
            let kept = match item.state.kept {
                0 => String::new(),
                kept => format!(", {} were there", bytes(kept)),
            };
            let line = format!(
                "{} -> {}  {} in {} ({}){kept}, {}",
                item.from,
                item.to,
                bytes(finished.size),
                seconds(took),
                speed(sent, took),
                verified(finished.verified)
            );
            self.out(&line);
        }
    }

    fn failed(&mut self, id: FileId, error: &TransferError) {
        use ErrorCode::{
            ChecksumMismatch, DownloadCorrupt, FileChanged, FileMismatch, ObjectChanged, PartMismatch,
        };
        self.failed += 1;
        let code = match error.code {
            DownloadCorrupt | ChecksumMismatch | PartMismatch => 3,
            FileChanged | FileMismatch | ObjectChanged => 4,
            _ => 1,
        };
        self.raise(code);
        let Some(item) = self.items.get(id.0 as usize) else { return };
        let text = error_text(error);
        if self.args.json {
            let mut event = about("failed", item);
            event["code"] = error.code.as_str().into();
            event["message"] = text.as_str().into();
            event["status"] = error.status.into();
            event["retryable"] = error.retryable().into();
            self.out(&event.to_string());
        } else {
            let text = format!("partway: {}: {text}", item.from);
            self.err(&text);
        }
    }

    fn note(&self, id: FileId, text: &str) {
        if self.args.json {
            let Some(item) = self.item(id) else { return };
            let mut event = about("note", item);
            event["message"] = text.into();
            self.out(&event.to_string());
        } else if !self.args.quiet {
            self.err(text);
        }
    }

    /// Takes in an exit code. A wrong checksum is graver than all others.
    fn raise(&mut self, code: u8) {
        if self.code != 3 {
            self.code = if code == 3 { 3 } else { self.code.max(code) };
        }
    }

    fn item(&self, id: FileId) -> Option<&Item> {
        self.items.get(id.0 as usize)
    }

    fn out(&self, line: &str) {
        if self.is_piped && !self.args.json {
            self.err(line);
            return;
        }
        // A closed pipe is no reason to leave half of the files.
        self.above(|| drop(writeln!(std::io::stdout().lock(), "{line}")));
    }

    fn err(&self, line: &str) {
        self.above(|| drop(writeln!(std::io::stderr().lock(), "{line}")));
    }

    fn above(&self, write: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

fn about(event: &str, item: &Item) -> Value {
    json!({ "event": event, "source": item.from, "target": item.to, "size": item.size })
}
