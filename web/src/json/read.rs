//! Reading: a view into the text, of which nothing is copied until it is asked for.
//!
//! What is asked for has to be well-formed, and what stands between it is passed over. Who writes the text has
//! a serialiser; this is no validator.

/// A value, as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text.trim_ascii())
    }

    /// A field of an object; `None` when it is missing or `null`.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let found = self.fields().find(|(key, _)| *key == name);
        found.map(|(_, value)| value).filter(|value| value.0 != "null")
    }

    /// An object's fields. Names are as they are written, with whatever is escaped in them.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.elements('{').filter_map(|element| {
            let rest = element.strip_prefix('"')?;
            let name = rest.get(..string_end(rest)?)?;
            let value = rest.get(name.len() + 1..)?.trim_ascii_start().strip_prefix(':')?;
            Some((name, Json::new(value)))
        })
    }

    /// What is in a list; nothing if it is none.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        self.elements('[').map(Json::new)
    }

    /// A list's item at a place.
    pub(crate) fn item(self, place: usize) -> Option<Self> {
        self.items().nth(place)
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.0.starts_with('[')
    }

    /// Whether it is anything but `false`, 0, or an empty text.
    pub(crate) fn is_truthy(self) -> bool {
        !matches!(self.0, "false" | "0" | "\"\"" | "null")
    }

    /// A text.
    pub(crate) fn as_text(self) -> Option<String> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        unescape(inner)
    }

    /// A whole number.
    pub(crate) fn as_integer(self) -> Option<i64> {
        let (digits, sign) = self.0.strip_prefix('-').map_or((self.0, 1), |digits| (digits, -1));
        let is_number = !digits.is_empty() && digits.len() <= MOST_DIGITS;
        let mut number = 0;
        for digit in digits.bytes().filter(|_| is_number) {
            let digit = Some(digit.wrapping_sub(b'0')).filter(|digit| *digit < 10)?;
            number = number * 10 + i64::from(digit);
        }
        is_number.then_some(sign * number)
    }

    pub(crate) fn as_number(self) -> Option<u64> {
        u64::try_from(self.as_integer()?).ok()
    }

    /// A field that is a text.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.field(name)?.as_text()
    }

    /// A field that is a whole number and not negative.
    pub(crate) fn number(self, name: &str) -> Option<u64> {
        self.field(name)?.as_number()
    }

    /// The texts between the brackets and commas of a list or an object.
    fn elements(self, opening: char) -> impl Iterator<Item = &'a str> {
        let mut rest = self.0.strip_prefix(opening).unwrap_or_default().trim_ascii_start();
        std::iter::from_fn(move || {
            let end = value_end(rest).filter(|&end| end > 0)?;
            let (element, after) = rest.split_at_checked(end)?;
            rest = after.strip_prefix(',').unwrap_or_default().trim_ascii_start();
            Some(element)
        })
    }
}

/// Numbers of JavaScript are exact to 2^53, which has 16 digits.
const MOST_DIGITS: usize = 16;

/// Where the comma or bracket is that ends an element.
fn value_end(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => at += 1 + string_end(text.get(at + 1..)?)?,
            b',' if depth == 0 => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quote is that ends a string.
fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let mut code = 0;
                    for _ in 0..4 {
                        code = code << 4 | characters.next()?.to_digit(16)?;
                    }
                    // Who writes for us escapes no character that takes two of these, but halves of one.
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                other => other,
            },
            _ => character,
        });
    }
    Some(plain)
}
