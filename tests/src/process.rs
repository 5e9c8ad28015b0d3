//! Child processes, and making sure that none outlives its test.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

/// Sends a signal, if the process is still there.
pub(crate) fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        // It may have ended in between.
        let _ = kill_process(pid, signal);
    }
}

/// Kills every process with this path on its command line: the browser's many
/// processes leave the group of the driver that started them.
pub(crate) fn kill_all_with_path(path: &Path) {
    let Some(path) = path.to_str() else { return };
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(command) = std::fs::read(process.path().join("cmdline")) else { continue };
        if String::from_utf8_lossy(&command).contains(path)
            && let Some(pid) = Pid::from_raw(pid)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
