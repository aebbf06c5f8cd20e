#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::template::fuzz_template(input));
