"""Settings for all tests."""

import signal

from hypothesis import HealthCheck, settings

# Properties are checked without a clock, since machines differ.
settings.register_profile("interpose", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("interpose")

# A job in the background may have been started with SIGINT ignored, and programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
