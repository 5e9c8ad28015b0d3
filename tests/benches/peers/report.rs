//! The table of one scenario: speeds with what they cost beside them, and the ratios.

use std::fmt::Write as _;

use crate::figures::{shown, spread};

/// All runs of one scenario.
pub(crate) struct Report {
    title: String,
    unit: &'static str,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    runs: Vec<Run>,
}

/// What one run gave. What failed has no speed and no costs.
#[derive(Clone, Copy, Default)]
pub(crate) struct Run {
    /// More is better.
    pub(crate) speed: f64,
    /// CPU seconds of the page's main thread, a GiB.
    pub(crate) main_thread: f64,
    /// CPU seconds of all the browser's processes, a GiB.
    pub(crate) browser: f64,
    /// The renderer's peak, in MiB.
    pub(crate) memory: f64,
    /// Connections that were cut.
    pub(crate) cuts: u64,
}

impl Report {
    pub(crate) fn new(title: String, unit: &'static str) -> Self {
        Self { title, unit, rows: Vec::new() }
    }

    pub(crate) fn record(&mut self, name: &str, run: Run) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.runs.push(run),
            None => self.rows.push(Row { name: name.to_owned(), runs: vec![run] }),
        }
    }

    /// Speeds with their costs, and then the ratios of these pairs, taken round by round.
    pub(crate) fn table(&self, pairs: &[(&str, &str)]) -> String {
        let head = |cells: [&str; 9]| {
            let [name, median, lowest, highest, main, browser, memory, cuts, failed] = cells;
            format!(
                "{name:<40}{median:>9}{lowest:>9}{highest:>9}{main:>13}{browser:>13}{memory:>10}{cuts:>6}{failed:>8}\n"
            )
        };
        let mut table = format!("{}\n\n", self.title);
        table += &head([
            "",
            "median",
            "lowest",
            "highest",
            "main thread",
            "browser",
            "renderer",
            "cuts",
            "failed",
        ]);
        table += &head(["", self.unit, self.unit, self.unit, "CPU s/GiB", "CPU s/GiB", "MiB", "", ""]);
        for row in &self.rows {
            let [lowest, median, highest] = spread(&row.values(|run| run.speed)).map(shown);
            let middle = |value: fn(&Run) -> f64| match spread(&row.succeeded(value))[1] {
                median if median.is_nan() => "–".to_owned(),
                median => shown(median),
            };
            let cuts: u64 = row.runs.iter().map(|run| run.cuts).sum();
            let failed = row.runs.iter().filter(|run| run.speed == 0.0).count();
            table += &head([
                &row.name,
                &median,
                &lowest,
                &highest,
                &middle(|run| run.main_thread),
                &middle(|run| run.browser),
                &middle(|run| run.memory),
                &cuts.to_string(),
                &failed.to_string(),
            ]);
        }
        let _ = writeln!(table, "\n{:<76}{:>9}{:>9}{:>9}", "of each round", "median", "lowest", "highest");
        for (one, other) in pairs {
            let ratios: Vec<_> = self.speeds(one).zip(self.speeds(other)).map(|(a, b)| a / b).collect();
            let [lowest, median, highest] = spread(&ratios).map(shown);
            let name = format!("{one} : {other}");
            let _ = writeln!(table, "{name:<76}{median:>9}{lowest:>9}{highest:>9}");
        }
        table
    }

    fn speeds(&self, name: &str) -> impl Iterator<Item = f64> {
        let row = self.rows.iter().find(|row| row.name == name);
        row.into_iter().flat_map(|row| row.runs.iter().map(|run| run.speed))
    }
}

impl Row {
    fn values(&self, value: impl Fn(&Run) -> f64) -> Vec<f64> {
        self.runs.iter().map(value).collect()
    }

    fn succeeded(&self, value: impl Fn(&Run) -> f64) -> Vec<f64> {
        self.runs.iter().filter(|run| run.speed > 0.0).map(value).collect()
    }
}
