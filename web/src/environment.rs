//! The page or the worker that the engine runs in: its clock, its luck, its network.

use std::cell::Cell;

use js_sys::Promise;
use partway_shared::time::Time;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(thread_local_v2, js_namespace = globalThis, js_name = navigator)]
    static NAVIGATOR: JsValue;
}

/// Now, on a clock that never runs back, and that counts the time that the computer slept:
/// `performance.now()` alone stands still meanwhile on some systems
/// (<https://github.com/w3c/hr-time/issues/115>).
pub(crate) fn now() -> Time {
    thread_local! {
        /// How far the wall clock is ahead, and how much of that was taken for sleep.
        static CLOCK: Cell<(f64, f64)> = const { Cell::new((f64::NAN, 0.0)) };
    }
    /// The wall clock is adjusted by less than this without anybody having slept.
    const JUMP: f64 = 2_000.0;
    let ticks = performance_now();
    let ahead = js_sys::Date::now() - ticks;
    let (before, slept) = CLOCK.get();
    let jump = ahead - before;
    let slept = if jump > JUMP { slept + jump } else { slept };
    CLOCK.set((ahead, slept));
    Time::from_millis((ticks + slept) as u64)
}

/// A seed for the machine's jitter.
pub(crate) fn seed() -> u64 {
    (js_sys::Math::random() * (1_u64 << 53) as f64) as u64
}

/// Whether the browser believes that there is a network.
pub(crate) fn is_online() -> bool {
    NAVIGATOR.with(|navigator| {
        let online = js_sys::Reflect::get(navigator, &"onLine".into());
        online.ok().and_then(|online| online.as_bool()).unwrap_or(true)
    })
}

/// Gives the thread's other tasks a turn. Not by a timer, which in a tab behind others may take
/// a second, or a minute.
pub(crate) async fn give_way() {
    let Ok(channel) = MessageChannel::new() else { return };
    let turn = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        let _ = JsFuture::from(turn).await;
    }
    channel.port1().close();
}
