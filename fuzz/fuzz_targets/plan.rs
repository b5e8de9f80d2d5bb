#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| workstream::fuzzing::plan(text));
