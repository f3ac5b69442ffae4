"""The demonstration: a whole month end, played with the real commands against simulators."""
