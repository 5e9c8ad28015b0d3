//! Time, and what happens when it has passed.

use std::cell::Cell;

use gloo_timers::callback::Timeout;
use partway_shared::time::Time;
use wasm_bindgen::prelude::wasm_bindgen;

/// Milliseconds. The wall clock is adjusted by less than this without anybody having slept.
const JUMP: f64 = 2_000.0;
/// The longest that a browser's timer can wait, in milliseconds.
const MAX_DELAY: u32 = i32::MAX as u32;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

thread_local! {
    /// How far the wall clock is ahead of `performance.now()`, and how much of that was taken for sleep.
    static AHEAD: Cell<(f64, f64)> = const { Cell::new((f64::NAN, 0.0)) };
}

/// Returns now, on a clock that never runs back and that counts the time that the computer slept:
/// `performance.now()` alone stands still meanwhile on some systems (<https://github.com/w3c/hr-time/issues/115>).
pub fn now() -> Time {
    let ticks = performance_now();
    let ahead = js_sys::Date::now() - ticks;
    let (before, slept) = AHEAD.get();
    let jump = ahead - before;
    let slept = if jump > JUMP { slept + jump } else { slept };
    AHEAD.set((ahead, slept));
    Time::from_millis((ticks + slept) as u64)
}

/// Returns what time it was when the clock began, in milliseconds since 1970.
pub fn epoch() -> u64 {
    (js_sys::Date::now() as u64).saturating_sub(now().as_millis())
}

/// Something that happens at a time, unless this is dropped before.
#[derive(Debug)]
pub struct Timer {
    /// When.
    pub at: Time,
    _timeout: Timeout,
}

impl Timer {
    /// Calls `due` at a time, or a little before if that is weeks away.
    pub fn new(at: Time, due: impl FnOnce() + 'static) -> Self {
        let delay = u32::try_from(at.since(now()).as_millis()).unwrap_or(MAX_DELAY);
        Self { at, _timeout: Timeout::new(delay.min(MAX_DELAY), due) }
    }
}
