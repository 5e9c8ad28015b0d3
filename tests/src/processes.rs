//! What the processes begun by a test have taken, as Linux tells it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;

/// As every Linux has it.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU seconds that the processes begun by this one have taken so far: those of the server,
/// and all others together, which are the browser's.
///
/// # Errors
/// Where there is no `/proc`.
pub fn cpu_seconds() -> Result<BTreeMap<&'static str, f64>> {
    let mut sums = BTreeMap::new();
    for process in descendants()? {
        let who = if process.name == "partway" { "server" } else { "browser" };
        *sums.entry(who).or_default() += process.ticks / TICKS_PER_SECOND;
    }
    Ok(sums)
}

/// Forgets how much memory the browser's renderers had at most.
///
/// # Errors
/// Where there is no `/proc`.
pub fn reset_renderer_peaks() -> Result<()> {
    for process in descendants()?.iter().filter(|process| process.is_renderer()) {
        // It may have ended in between.
        let _ = fs::write(format!("/proc/{}/clear_refs", process.id), "5");
    }
    Ok(())
}

/// The most memory, in MiB, that any one renderer had since then: resident, with what it shares.
///
/// # Errors
/// Where there is no `/proc`.
pub fn renderer_peak() -> Result<f64> {
    let peaks = descendants()?.into_iter().filter(Process::is_renderer).filter_map(|process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    });
    Ok(peaks.fold(0.0, f64::max) / 1024.0)
}

fn descendants() -> Result<Vec<Process>> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        // It may have ended in between.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(process) = Process::parse(&stat) {
            processes.insert(process.id, process);
        }
    }
    let is_ours = |process: &&Process| {
        let mut parents = std::iter::successors(Some(*process), |process| processes.get(&process.parent));
        parents.any(|process| process.parent == std::process::id())
    };
    Ok(processes.values().filter(is_ours).cloned().collect())
}

/// A line of `/proc/<id>/stat`.
#[derive(Clone)]
struct Process {
    id: u32,
    name: String,
    parent: u32,
    ticks: f64,
}

impl Process {
    fn parse(stat: &str) -> Option<Self> {
        // The name is in brackets, and may hold anything.
        let (id, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        let parent = fields.get(1)?.parse().ok()?;
        Some(Self { id: id.parse().ok()?, name: name.to_owned(), parent, ticks: ticks(11)? + ticks(12)? })
    }

    fn is_renderer(&self) -> bool {
        let command = fs::read(format!("/proc/{}/cmdline", self.id)).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("--type=renderer")
    }
}
