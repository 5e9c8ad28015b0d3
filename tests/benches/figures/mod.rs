//! What the benchmarks have in common: figures of several rounds, and how they are shown.
//!
//! What is compared takes turns within a round, and each round gives one ratio: on a busy
//! machine the median of those stays true when no absolute figure does.

#![allow(dead_code, reason = "not every benchmark uses everything")]

use std::fmt::Write as _;

/// A series of figures, one a round.
pub(crate) struct Series {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
}

/// Everything that one benchmark has measured.
#[derive(Default)]
pub(crate) struct Figures {
    series: Vec<Series>,
    ratios: Vec<String>,
}

/// What a figure ought to be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    Below(f64),
}

impl Figures {
    /// Takes the figure of a round.
    pub(crate) fn record(&mut self, name: &str, unit: &'static str, value: f64) {
        match self.series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.values.push(value),
            None => self.series.push(Series { name: name.to_owned(), unit, values: vec![value] }),
        }
    }

    /// Compares two series round by round.
    pub(crate) fn compare(&mut self, ours: &str, theirs: &str, goal: Goal) {
        let pairs = self.values(ours).iter().zip(self.values(theirs));
        let ratios: Vec<_> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        self.judge(&format!("{ours} : {theirs}"), &ratios, goal);
    }

    /// Holds one series against a goal.
    pub(crate) fn expect(&mut self, name: &str, goal: Goal) {
        let values = self.values(name).to_vec();
        self.judge(name, &values, goal);
    }

    /// The tables, in the order in which the figures came.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<56}{:>12}{:>12}{:>12}\n", "", "median", "lowest", "highest");
        for Series { name, unit, values } in &self.series {
            let [lowest, median, highest] = spread(values).map(shown);
            let name = format!("{name}, {unit}");
            let _ = writeln!(table, "{name:<56}{median:>12}{lowest:>12}{highest:>12}");
        }
        let _ = writeln!(table, "\nof each round, against the goal");
        table.extend(self.ratios.iter().map(String::as_str));
        table
    }

    fn values(&self, name: &str) -> &[f64] {
        self.series.iter().find(|series| series.name == name).map_or(&[], |series| &series.values)
    }

    fn judge(&mut self, name: &str, values: &[f64], goal: Goal) {
        let [lowest, median, highest] = spread(values);
        let (goal, is_reached) = match goal {
            Goal::AtLeast(goal) => (format!("≥ {goal}"), median >= goal),
            Goal::Below(goal) => (format!("< {goal}"), median < goal),
        };
        let verdict = if is_reached { "reached" } else { "MISSED" };
        let [median, lowest, highest] = [median, lowest, highest].map(shown);
        self.ratios.push(format!("{name:<56}{median:>12}{lowest:>12}{highest:>12}  {goal:<10}{verdict}\n"));
    }
}

/// How many rounds: what the command line says after `--`, or else `default`.
pub(crate) fn rounds(default: usize) -> usize {
    // Cargo adds `--bench`, which is not for us.
    std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(default)
}

/// Lowest, median, highest.
pub(crate) fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    [at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1))]
}

/// Three digits that count.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 1_000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
