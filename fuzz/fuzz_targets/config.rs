#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::engine::fuzz_config(input));
