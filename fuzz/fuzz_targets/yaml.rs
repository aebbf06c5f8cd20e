#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::config::fuzz_yaml(input));
