//! Asks the machine how much memory there is.

use sysinfo::{MemoryRefreshKind, System};

/// The bytes of memory of the machine, or of the container in which the process runs if that may take less.
pub(crate) fn memory() -> u64 {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = system.total_memory();
    let container = system.cgroup_limits().map(|limits| limits.total_memory);
    container.filter(|bytes| *bytes > 0).map_or(machine, |bytes| bytes.min(machine))
}
