"""A simulated MSP on loopback: one deterministic world, rendered by each plugin's simulator."""
