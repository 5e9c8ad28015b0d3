//! A lock among all tabs of an origin, by the browser's Web Locks
//! (<https://w3c.github.io/web-locks/>): no two of them send the same upload.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::object::{field, object, text};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = globalThis, js_name = navigator)]
    static NAVIGATOR: JsValue;

    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, granted: &Function) -> Promise;

    #[wasm_bindgen(method)]
    fn query(this: &LockManager) -> Promise;
}

/// A lock that is held. Dropping it lets go of it, and so does the end of the page or worker.
pub(crate) struct Lock {
    /// Resolves the promise that keeps it.
    release: Option<Function>,
}

impl Lock {
    /// Takes a lock, unless another tab has it: `None` then. Where the browser has no locks,
    /// everybody gets one.
    pub(crate) async fn take(name: &str) -> Option<Self> {
        let Some(locks) = manager() else { return Some(Self { release: None }) };
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        // The browser keeps the lock for as long as the promise that this gives is pending.
        let mut answer = None;
        let answered = Promise::new(&mut |resolve, _| answer = Some(resolve));
        let answer = answer?;
        let refuse = answer.clone();
        let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let is_granted = !lock.is_null();
            let _ = answer.call1(&JsValue::NULL, &is_granted.into());
            if is_granted { held.into() } else { JsValue::UNDEFINED }
        });
        let request =
            locks.request(name, &object([("ifAvailable", true.into())]), granted.unchecked_ref::<Function>());
        // Refused as a whole in documents without an origin of their own: then as if there were none.
        let failed = Closure::once_into_js(move |_: JsValue| {
            let _ = refuse.call1(&JsValue::NULL, &true.into());
        });
        let _ = call(&request, "catch", &failed);
        let is_granted = JsFuture::from(answered).await.ok()?.is_truthy();
        is_granted.then_some(Self { release })
    }

    /// The names of all locks that are held in any tab.
    pub(crate) async fn held() -> Vec<String> {
        let Some(locks) = manager() else { return Vec::new() };
        let Ok(state) = JsFuture::from(locks.query()).await else { return Vec::new() };
        let held = field(&state, "held").map(|held| Array::from(&held)).unwrap_or_default();
        held.iter().filter_map(|lock| text(&lock, "name")).collect()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

/// `navigator.locks`, which pages without a secure origin lack.
fn manager() -> Option<LockManager> {
    NAVIGATOR.with(|navigator| field(navigator, "locks")).map(JsCast::unchecked_into)
}

fn call(object: &JsValue, method: &str, argument: &JsValue) -> Option<JsValue> {
    let method = field(object, method)?.dyn_into::<Function>().ok()?;
    method.call1(object, argument).ok()
}
