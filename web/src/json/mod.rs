//! JSON, read and written by hand.
//!
//! What the engine takes and gives is this text and plain numbers, so nothing of JavaScript's has to be held
//! from here. What serde makes of the same few types weighs more than the upload machine does.

mod read;
mod write;

pub(crate) use read::Json;
pub(crate) use write::{Fields, Raw, ToJson};

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn what_the_oracle_writes_is_read(name in ".{0,20}", size in 0..1_u64 << 53, at in -(1_i64 << 53)..1 << 53, texts in proptest::collection::vec(".{0,9}", 0..5)) {
            let nested = json!({ "list": texts, "empty": {}, "none": null });
            let text = json!({ "name": name, "size": size, "at": at, "fraction": 0.5, "nested": nested }).to_string();
            let json = Json::new(&text);
            prop_assert_eq!(json.text("name"), Some(name));
            prop_assert_eq!(json.number("size"), Some(size));
            prop_assert_eq!(json.field("at").and_then(Json::as_integer), Some(at));
            prop_assert_eq!(json.number("fraction"), None);
            let nested = json.field("nested").unwrap();
            prop_assert!(nested.field("none").is_none() && nested.field("missing").is_none());
            let items: Option<Vec<_>> = nested.field("list").unwrap().items().map(Json::as_text).collect();
            prop_assert_eq!(items, Some(texts));
        }

        #[test]
        fn the_oracle_reads_what_is_written(name in ".{0,20}", control in "[\0-\x1f\"\\\\é]{0,9}", size in any::<u64>(), at in any::<i64>()) {
            let list = vec![name.clone(), control];
            let written = Raw::object(|fields| {
                let fields = fields.field("name", &name).field("list", &list).field("size", &size);
                fields.field("at", &at).field("none", &None::<u64>).field_if_any("left_out", None::<&str>)
            });
            let expected = json!({ "name": name, "list": list, "size": size, "at": at, "none": null });
            prop_assert_eq!(serde_json::from_str::<Value>(&written.into_text()).unwrap(), expected);
        }

        #[test]
        fn nothing_makes_it_stumble(text in ".{0,40}", json_like in "[\\[\\]{}\",:\\\\u0-9a ]{0,40}") {
            for text in [text, json_like] {
                let json = Json::new(&text);
                let _ = (json.as_text(), json.as_integer(), json.is_truthy(), json.text("a"));
                let _ = (json.fields().count(), json.items().map(|item| item.items().count()).sum::<usize>());
            }
        }
    }

    #[test]
    fn escapes_are_undone() {
        let text = r#""a\"\\\/\b\f\n\r\tA\ud800é""#;
        assert_eq!(Json::new(text).as_text().as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\tA\u{fffd}é"));
        for broken in ["\"\\u12\"", "\"\\", "\"", "12a", "", "-", "99999999999999999999"] {
            let json = Json::new(broken);
            assert_eq!((json.as_text(), json.as_integer()), (None, None), "{broken}");
        }
    }
}
