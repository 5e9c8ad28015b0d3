//! What a page wants copied, taken out of its object field by field: what serde derives for that weighs several kB.

use std::collections::BTreeMap;

use js_sys::{Array, Object};
use partway_shared::part::ETag;
use partway_shared::wire::{CopyFrom, CopyTo, CreateCopy};
use partway_web_io::scope::property;
use wasm_bindgen::{JsCast, JsValue};

/// Returns the request for a copy. The scripts have looked whether there are other fields.
pub(crate) fn read_copy(copy: &JsValue) -> CreateCopy {
    let text = |object: &Option<JsValue>, name: &str| property(object.as_ref()?, name)?.as_string();
    let (from, to) = (property(copy, "from"), property(copy, "to"));
    CreateCopy {
        id: None,
        from: CopyFrom {
            destination: text(&from, "destination"),
            key: text(&from, "key").unwrap_or_default(),
            version_id: text(&from, "versionId"),
            etag: text(&from, "etag").map(|etag| ETag::new(&etag)),
        },
        to: CopyTo { destination: text(&to, "destination"), name: text(&to, "name"), key: text(&to, "key") },
        metadata: property(copy, "metadata").map(|metadata| texts(&metadata)),
        tags: property(copy, "tags").map(|tags| texts(&tags)),
        content_type: property(copy, "type").and_then(|kind| kind.as_string()),
    }
}

fn texts(object: &JsValue) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    // To collect them would bring a sort along.
    for entry in Object::entries(object.unchecked_ref()).iter() {
        let entry: Array = entry.unchecked_into();
        if let (Some(name), Some(text)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            texts.insert(name, text);
        }
    }
    texts
}
