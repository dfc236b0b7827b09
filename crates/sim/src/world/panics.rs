//! What a panic says, and where: heard before the run is ended by it.

use std::any::Any;
use std::cell::RefCell;
use std::panic;

thread_local! {
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic of any thread is remembered for its run instead of being printed.
pub fn hear_panics() {
    panic::set_hook(Box::new(|info| HEARD.set(Some(info.to_string()))));
}

/// In words, what ended the run.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    HEARD.take().or(text).unwrap_or_else(|| "a panic without words".to_owned())
}
