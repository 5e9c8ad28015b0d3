//! A lock among all tabs of an origin, by the browser's Web Locks (<https://w3c.github.io/web-locks/>): no two of them send the
//! same upload.

use std::future::Future;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use partway_web_io::scope::{navigator, property};

// web-sys has these behind a compiler flag of its own.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, granted: &Function) -> Promise;

    #[wasm_bindgen(method)]
    fn query(this: &LockManager) -> Promise;
}

/// A lock, held or asked for. Dropping it releases it, and so does the end of the page or worker.
pub(super) struct Lock {
    /// Resolves the promise for whose life the browser keeps the lock.
    release: Option<Function>,
}

impl Lock {
    /// Asks for a lock unless another tab holds it; resolves to whether it was granted. Where the browser has no locks,
    /// everybody gets one.
    pub(super) fn request(name: &str) -> (Self, impl Future<Output = bool> + use<>) {
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let answered = manager().map(|locks| ask(&locks, name, &held));
        let granted = async move {
            match answered {
                Some(answered) => JsFuture::from(answered).await.is_ok_and(|granted| granted.is_truthy()),
                None => true,
            }
        };
        (Self { release }, granted)
    }

    /// Returns the names of all locks that are held in any tab.
    pub(super) async fn held() -> Vec<String> {
        let Some(locks) = manager() else { return Vec::new() };
        let Ok(state) = JsFuture::from(locks.query()).await else { return Vec::new() };
        let held = property(&state, "held").map(|held| Array::from(&held)).unwrap_or_default();
        held.iter().filter_map(|lock| property(&lock, "name")?.as_string()).collect()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

/// Returns a promise of whether the lock is granted. It stays so for as long as `held` is pending.
fn ask(locks: &LockManager, name: &str, held: &Promise) -> Promise {
    Promise::new(&mut |answer, _| {
        let (held, granted) = (held.clone(), answer.clone());
        let on_granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let is_granted = !lock.is_null();
            let _ = granted.call1(&JsValue::NULL, &is_granted.into());
            if is_granted { held.into() } else { JsValue::UNDEFINED }
        });
        // Refused as a whole in documents without an origin of their own: then as if there were no locks.
        let on_refused = Closure::once_into_js(move |_: JsValue| {
            let _ = answer.call1(&JsValue::NULL, &JsValue::TRUE);
        });
        let options = Object::new();
        let _ = Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE);
        let request = locks.request(name, &options, on_granted.unchecked_ref());
        if let Some(catch) = property(&request, "catch").and_then(|catch| catch.dyn_into::<Function>().ok()) {
            let _ = catch.call1(&request, &on_refused);
        }
    })
}

/// Returns `navigator.locks`, which pages without a secure origin lack.
fn manager() -> Option<LockManager> {
    navigator("locks").map(JsCast::unchecked_into)
}
