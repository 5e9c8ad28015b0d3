//! Whatever stands in `partway.toml`: settings, or an error that says something.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use partway_server::config::Settings;

fuzz_target!(|text: &str| {
    let settings = Settings::from_toml(Path::new("partway.toml"), text);
    if let Err(error) = settings.and_then(|settings| settings.validate()) {
        assert!(!error.to_string().is_empty());
    }
});
