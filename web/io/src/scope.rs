//! The page or the worker that the engine runs in.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::Once;

use js_sys::{Error, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = globalThis, js_name = navigator)]
    static NAVIGATOR: JsValue;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Returns a property of `navigator`, which is another in a page than in a worker; `None` if it is missing.
pub fn navigator(name: &str) -> Option<JsValue> {
    NAVIGATOR.with(|navigator| property(navigator, name))
}

/// Returns whether the browser believes that there is a network.
pub fn is_online() -> bool {
    navigator("onLine").is_none_or(|online| online.is_truthy())
}

/// Returns a seed, which nobody can guess.
pub fn seed() -> u64 {
    let mut bytes = [0; 8];
    get_random_values(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Returns a property of an object; `None` when it is missing, `undefined` or `null`.
pub fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Returns what something that was thrown says.
pub fn message_of(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Error>() {
        Some(error) => error.message().into(),
        None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
    }
}

/// Gives the thread's other tasks a turn. Not by a timer, which in a tab behind others may take a second, or a minute.
pub async fn give_way() {
    let Ok(channel) = MessageChannel::new() else { return };
    let turn = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        let _ = JsFuture::from(turn).await;
    }
    channel.port1().close();
}

thread_local! {
    /// Whether something has panicked, after which nothing in the module can be relied on.
    static IS_BROKEN: Cell<bool> = const { Cell::new(false) };
    static WATCHERS: RefCell<Vec<Function>> = const { RefCell::new(Vec::new()) };
}

/// Returns whether something has panicked.
pub fn is_broken() -> bool {
    IS_BROKEN.get()
}

/// Has a function called with the message of a panic, for as long as this lives.
#[derive(Debug)]
pub struct PanicWatch(Function);

impl PanicWatch {
    /// Begins to watch.
    pub fn new(watcher: Function) -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            std::panic::set_hook(Box::new(|panic| {
                IS_BROKEN.set(true);
                let message = JsValue::from(panic.to_string());
                for watcher in WATCHERS.take() {
                    let _ = watcher.call1(&JsValue::NULL, &message);
                }
            }));
        });
        WATCHERS.with_borrow_mut(|watchers| watchers.push(watcher.clone()));
        Self(watcher)
    }
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        WATCHERS.with_borrow_mut(|watchers| watchers.retain(|watcher| !Object::is(watcher, &self.0)));
    }
}

/// Something that is waited for, and happens once.
#[derive(Debug)]
pub struct Signal {
    given: Promise,
    give: Option<Function>,
}

impl Default for Signal {
    fn default() -> Self {
        let mut give = None;
        let given = Promise::new(&mut |resolve, _| give = Some(resolve));
        Self { given, give }
    }
}

impl Signal {
    /// Lets everybody go on who waits, now and later.
    pub fn give(&self) {
        if let Some(give) = &self.give {
            let _ = give.call0(&JsValue::NULL);
        }
    }

    /// Waits until it is given. What waits holds no borrow of the signal.
    pub fn given(&self) -> impl Future<Output = ()> + use<> {
        let given = JsFuture::from(self.given.clone());
        async move { drop(given.await) }
    }
}
