#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hopluu_fuzz::trusted::dossiers(input));
