#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| halcyon_tests::fuzz::run("files", data));
