#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| workstream::fuzzing::client(input));
