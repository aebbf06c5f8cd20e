#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::parse::reference::fuzz_rfc5424(input));
