#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::parse::relp::naive::fuzz_relp(input));
