#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| workstream::fuzzing::workspace("001-a/threads.json", text));
