//! Writing: pieces of text, one after the other.

/// What has a JSON form.
pub(crate) trait ToJson {
    fn write(&self, to: &mut String);
}

/// JSON that is written already.
#[derive(Clone, Debug)]
pub(crate) struct Raw(String);

impl Raw {
    /// The form of a value.
    pub(crate) fn of(value: &impl ToJson) -> Self {
        let mut text = String::new();
        value.write(&mut text);
        Self(text)
    }

    /// An object.
    pub(crate) fn object(write: impl for<'a> FnOnce(Fields<'a>) -> Fields<'a>) -> Self {
        let mut text = String::new();
        write(Fields::new(&mut text)).end();
        Self(text)
    }

    /// A list of what has a form.
    pub(crate) fn list(items: impl Iterator<Item = impl ToJson>) -> Self {
        let mut text = String::new();
        list(&mut text, items);
        Self(text)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl ToJson for Raw {
    fn write(&self, to: &mut String) {
        to.push_str(&self.0);
    }
}

/// An object, of which one field is written after the other.
#[must_use]
pub(crate) struct Fields<'a>(&'a mut String);

impl<'a> Fields<'a> {
    pub(crate) fn new(to: &'a mut String) -> Self {
        to.push('{');
        Self(to)
    }

    /// Names are ours, with nothing in them that would have to be escaped.
    pub(crate) fn field(mut self, name: &str, value: &(impl ToJson + ?Sized)) -> Self {
        self.name(name);
        value.write(self.0);
        self
    }

    /// The same, left out if there is none.
    pub(crate) fn field_if_any(self, name: &str, value: Option<&(impl ToJson + ?Sized)>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    pub(crate) fn end(self) {
        self.0.push('}');
    }

    #[inline(never)]
    fn name(&mut self, name: &str) {
        // What stands in a value ends with a quote or a bracket of its own.
        self.0.push_str(if self.0.ends_with('{') { "\"" } else { ",\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

fn list<T: ToJson>(to: &mut String, items: impl Iterator<Item = T>) {
    to.push('[');
    let start = to.len();
    for item in items {
        if to.len() > start {
            to.push(',');
        }
        item.write(to);
    }
    to.push(']');
}

impl ToJson for str {
    fn write(&self, to: &mut String) {
        to.push('"');
        for character in self.chars() {
            match character {
                '"' | '\\' => {
                    to.push('\\');
                    to.push(character);
                }
                '\0'..' ' => {
                    let code = character as u32;
                    to.push_str(if code < 16 { "\\u000" } else { "\\u001" });
                    to.push(char::from_digit(code % 16, 16).unwrap_or('0'));
                }
                _ => to.push(character),
            }
        }
        to.push('"');
    }
}

impl ToJson for String {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl ToJson for u64 {
    fn write(&self, to: &mut String) {
        to.push_str(&self.to_string());
    }
}

impl ToJson for u32 {
    fn write(&self, to: &mut String) {
        u64::from(*self).write(to);
    }
}

impl ToJson for i64 {
    fn write(&self, to: &mut String) {
        if *self < 0 {
            to.push('-');
        }
        self.unsigned_abs().write(to);
    }
}

impl ToJson for bool {
    fn write(&self, to: &mut String) {
        to.push_str(if *self { "true" } else { "false" });
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, to: &mut String) {
        (*self).write(to);
    }
}

/// None is `null`.
impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, to: &mut String) {
        match self {
            Some(value) => value.write(to),
            None => to.push_str("null"),
        }
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, to: &mut String) {
        list(to, self.iter());
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, to: &mut String) {
        self.as_slice().write(to);
    }
}
