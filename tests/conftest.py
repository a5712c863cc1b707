"""Settings for all tests: properties are checked without a clock, since machines differ."""

from hypothesis import HealthCheck, settings

settings.register_profile("interpose", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("interpose")
