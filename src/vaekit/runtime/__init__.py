"""The machine: devices, random numbers, several processes."""
