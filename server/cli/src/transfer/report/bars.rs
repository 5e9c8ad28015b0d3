//! Bars on a terminal: one for each of a few files that run, and one for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use partway_client::event::Progress;
use partway_shared::transfer::FileId;

/// The most files with a bar. Of more, nobody reads any.
const MOST: usize = 8;
/// Redraws per second.
const RATE: u8 = 10;

pub(super) struct Bars {
    all: MultiProgress,
    total: Option<ProgressBar>,
    running: BTreeMap<FileId, ProgressBar>,
    done: BTreeMap<FileId, u64>,
}

impl Bars {
    pub(super) fn new(count: usize, size: Option<u64>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        let total = (count > 1).then(|| {
            let bar = all.add(ProgressBar::new(size.unwrap_or_default()));
            bar.set_style(style("total", size.is_some()));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Self { all, total, running: BTreeMap::new(), done: BTreeMap::new() }
    }

    pub(super) fn progress(&mut self, id: FileId, name: &str, progress: &Progress) {
        if let Some(total) = &self.total {
            let before = self.done.insert(id, progress.done).unwrap_or_default();
            total.inc(progress.done.saturating_sub(before));
        }
        if progress.state == "waiting" {
            return;
        }
        if !self.running.contains_key(&id) && self.running.len() < MOST {
            let bar = self.all.insert(0, ProgressBar::new(progress.size.unwrap_or_default()));
            bar.set_style(style("{prefix}", progress.size.is_some()));
            bar.set_prefix(short(name));
            bar.set_position(progress.done);
            bar.reset_eta();
            self.running.insert(id, bar);
        }
        let Some(bar) = self.running.get(&id) else { return };
        bar.set_length(progress.size.unwrap_or_default());
        bar.set_position(progress.done);
        let message = match progress.waiting_for {
            Some(code) => format!("waiting ({code})"),
            None if matches!(progress.state, "saving" | "finishing") => progress.state.to_owned(),
            None => String::new(),
        };
        bar.set_message(message);
    }

    pub(super) fn end(&mut self, id: FileId) {
        if let Some(bar) = self.running.remove(&id) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Writes above the bars.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    /// Removes all bars.
    pub(super) fn clear(self) {
        for bar in self.running.values().chain(&self.total) {
            bar.finish_and_clear();
        }
        // What stays on the screen then is only untidy.
        let _ = self.all.clear();
    }
}

fn style(name: &str, is_bounded: bool) -> ProgressStyle {
    let bar = if is_bounded { "{wide_bar} {bytes}/{total_bytes}" } else { "{spinner} {bytes}" };
    let template = format!("{name} {bar} {{binary_bytes_per_sec}} {{eta}} {{msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Returns the end of a name, which tells files apart better than its beginning.
fn short(name: &str) -> String {
    const MOST: usize = 28;
    let count = name.chars().count();
    if count <= MOST {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(count - MOST + 1)).collect()
}
