//! An amount of memory is written as people write it: `800M`, `2G`.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// An amount of memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u64);

impl Memory {
    /// What the machine has left for this process, by Linux' account of it and the limit of its container; elsewhere 8 GB.
    pub fn available() -> Memory {
        const ELSEWHERE: u64 = 8_000_000_000;
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let left = read("/proc/meminfo").lines().find_map(|line| {
            let kib = line.strip_prefix("MemAvailable:")?.trim().strip_suffix("kB")?;
            kib.trim().parse::<u64>().ok()?.checked_mul(1024)
        });
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let limits = limits.iter().filter_map(|path| read(path).trim().parse().ok());
        Memory(limits.chain(left).min().unwrap_or(ELSEWHERE))
    }
}

impl FromStr for Memory {
    type Err = Error;

    /// Reads `800M`, `2G` or `1.5GB`, which are powers of ten as on drives, or plain bytes.
    fn from_str(text: &str) -> Result<Self> {
        let upper = text.trim().to_ascii_uppercase();
        let short = upper.strip_suffix('B').unwrap_or(&upper);
        let units = [('K', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
        let (number, unit) = units
            .iter()
            .find_map(|(letter, unit)| Some((short.strip_suffix(*letter)?, *unit)))
            .unwrap_or((short, 1.0));
        match number.trim().parse::<f64>().map(|n| n * unit) {
            Ok(bytes) if (1.0..1e18).contains(&bytes) => Ok(Memory(bytes as u64)),
            _ => Err(Error::input(format!("'{text}' is no amount of memory"))
                .with_hint("give bytes, or a number with K, M, G or T, such as 2G")),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 as f64 {
            bytes if bytes < 1e6 => write!(f, "{:.0} kB", (bytes / 1e3).ceil()),
            bytes if bytes < 1e9 => write!(f, "{:.0} MB", (bytes / 1e6).ceil()),
            bytes => write!(f, "{:.1} GB", bytes / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, bytes, shown) in [
            ("2G", 2_000_000_000, "2.0 GB"),
            ("1.5 gb", 1_500_000_000, "1.5 GB"),
            ("800M", 800_000_000, "800 MB"),
            ("1234567", 1_234_567, "2 MB"),
            ("1K", 1000, "1 kB"),
        ] {
            let memory: Memory = text.parse().unwrap();
            assert_eq!((memory.0, memory.to_string().as_str()), (bytes, shown));
        }
        for text in ["", "G", "-1G", "0", "2X", "1e30", "NaN"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
    }
}
