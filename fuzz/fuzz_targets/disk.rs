#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| bongsu::disk::fuzz_disk(input));
