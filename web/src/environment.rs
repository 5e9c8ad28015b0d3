//! The page or the worker that the engine runs in: its clock, its luck, its network.

use js_sys::Promise;
use partway_shared::time::Time;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventTarget, MessageChannel};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(thread_local_v2, js_namespace = globalThis, js_name = navigator)]
    static NAVIGATOR: JsValue;
}

/// Now, on a clock that never runs back.
pub(crate) fn now() -> Time {
    Time::from_millis(performance_now() as u64)
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

/// Gives the page's other tasks a turn. Not by a timer, which in a tab behind others may take
/// a second, or a minute.
pub(crate) async fn give_way() {
    let Ok(channel) = MessageChannel::new() else { return };
    let turn = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        let _ = JsFuture::from(turn).await;
    }
    channel.port1().close();
}

/// Listens on the page or worker until it is dropped.
pub(crate) struct Listener {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn FnMut()>,
}

impl Listener {
    /// `None` where there is nothing to listen on.
    pub(crate) fn on(name: &'static str, heard: impl FnMut() + 'static) -> Option<Self> {
        let target = js_sys::global().dyn_into::<EventTarget>().ok()?;
        let closure = Closure::<dyn FnMut()>::new(heard);
        target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref()).ok()?;
        Some(Self { target, name, closure })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ =
            self.target.remove_event_listener_with_callback(self.name, self.closure.as_ref().unchecked_ref());
    }
}
