"""What jobs cost their worker: CPU time, memory, allocations, by class. Imports nothing."""
