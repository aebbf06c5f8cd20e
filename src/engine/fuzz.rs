//! The fuzz targets `config` and `yaml`: any bytes are read, compiled and answered for, without a
//! panic and within bounds.

use crate::base::limits::DIAGNOSTICS_MAX;
use crate::base::report;
use crate::config;
use crate::engine::Options;
use crate::engine::compile;

/// Reads and compiles `data` without touching what it names, and renders all complaints.
pub fn fuzz_config(data: &[u8]) {
    fuzz("fuzz", data);
}

/// The same for a YAML file.
pub fn fuzz_yaml(data: &[u8]) {
    fuzz("fuzz.yaml", data);
}

fn fuzz(name: &str, data: &[u8]) {
    let mut config = config::parse_sealed(name, data);
    assert!(config.diagnostics.all.len() <= DIAGNOSTICS_MAX + 1);
    let options = Options { hostname: "relay".to_owned(), no_dns: true, ipv4: false, ipv6: false };
    let _plan = compile(&mut config, &options);
    let report = report::render(&config.diagnostics, &config.sources, false);
    assert_eq!(report.is_empty(), config.diagnostics.all.is_empty());
    for diagnostic in &config.diagnostics.all {
        let file = config.sources.file(diagnostic.loc.file);
        let length = file.map_or(0, |file| file.text.len());
        let loc = diagnostic.loc;
        assert!(loc.start <= loc.end && loc.end as usize <= length, "{diagnostic:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The seeds, and each of them broken off and with bytes changed.
    #[test]
    fn fuzz_corpus() {
        let folders = ["fuzz/corpus/config", "tests/data/config/broken"];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
        let mut inputs = 0;
        for path in files.map(|entry| entry.unwrap().path()) {
            if path.is_dir() || path.extension().is_some_and(|suffix| suffix == "txt") {
                continue;
            }
            let data = fs::read(path).unwrap();
            fuzz_config(&data);
            for step in 1..24 {
                let at = data.len() * step / 24;
                fuzz_config(&data[..at]);
                let mut changed = data.clone();
                for (byte, with) in changed[at..].iter_mut().zip(b"\"{(\\") {
                    *byte = *with;
                }
                fuzz_config(&changed);
            }
            inputs += 1;
        }
        assert!(inputs > 150, "the corpus was not found");
    }
}
