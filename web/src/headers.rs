//! What every call to Partway's server brings along: given once, or asked of the page when it is first
//! needed, and again when the server refuses it, as it does with a token that has expired.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use partway_shared::upload::Failure;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::report;

/// Names and values.
pub(crate) type Pairs = Vec<(String, String)>;

/// Where headers come from. An answer of the page's wakes all calls that wait for it.
pub(crate) struct Headers {
    current: RefCell<Option<Rc<Pairs>>>,
    /// Why the page had none, the last time it was asked.
    denied: RefCell<String>,
    /// Asks the page, if it has more to say than what it gave at first.
    page: Option<Function>,
    asked: RefCell<Option<Asked>>,
}

/// A question that is not answered yet.
struct Asked {
    answered: Promise,
    resolve: Function,
}

impl Headers {
    /// The same for every call.
    pub(crate) fn fixed(pairs: Pairs) -> Self {
        Self::new(Some(pairs), None)
    }

    /// Asked of the page by an event, and answered by [`Headers::answer`].
    pub(crate) fn provided(page: Function) -> Self {
        Self::new(None, Some(page))
    }

    fn new(pairs: Option<Pairs>, page: Option<Function>) -> Self {
        let current = RefCell::new(pairs.map(Rc::new));
        Self { current, denied: RefCell::default(), page, asked: RefCell::default() }
    }

    /// Those for a call.
    pub(crate) async fn get(&self) -> Result<Rc<Pairs>, Failure> {
        if self.current.borrow().is_none() {
            self.ask().await;
        }
        let current = self.current.borrow().clone();
        current.ok_or_else(|| Failure::Unidentified(self.denied.borrow().clone()))
    }

    /// Others than those which the server refused; `None` where the page has no others to give.
    pub(crate) async fn renew(&self, refused: &Rc<Pairs>) -> Result<Option<Rc<Pairs>>, Failure> {
        if self.page.is_none() {
            return Ok(None);
        }
        // Another call may have met the refusal first.
        let is_refused = |current: &Rc<Pairs>| Rc::ptr_eq(current, refused);
        if self.current.borrow().as_ref().is_some_and(is_refused) {
            self.current.take();
        }
        self.get().await.map(Some)
    }

    /// What the page says to the question.
    pub(crate) fn answer(&self, answer: Result<Pairs, String>) {
        match answer {
            Ok(pairs) => *self.current.borrow_mut() = Some(Rc::new(pairs)),
            Err(why) => *self.denied.borrow_mut() = why,
        }
        let asked = self.asked.take();
        if let Some(Asked { resolve, .. }) = asked {
            let _ = resolve.call0(&JsValue::NULL);
        }
    }

    async fn ask(&self) {
        let Some(page) = &self.page else { return };
        let asked = self.asked.borrow().as_ref().map(|asked| asked.answered.clone());
        let answered = asked.unwrap_or_else(|| {
            let mut kept = None;
            let answered = Promise::new(&mut |resolve, _| kept = Some(resolve));
            *self.asked.borrow_mut() = kept.map(|resolve| Asked { answered: answered.clone(), resolve });
            let _ = page.call1(&JsValue::NULL, &report::headers_wanted());
            answered
        });
        let _ = JsFuture::from(answered).await;
    }
}
