//! Plain JavaScript objects, field by field.
//!
//! A serialiser would do the same and cost a third of the module's weight.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object with these fields. Fields that are `undefined` are left out.
pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        if !value.is_undefined() {
            // Fails for frozen objects and proxies alone.
            let _ = Reflect::set(&object, &name.into(), &value);
        }
    }
    object.into()
}

/// A field of an object; `None` when it is missing, `undefined` or `null`.
pub(crate) fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// A field that is text.
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    field(object, name)?.as_string()
}
