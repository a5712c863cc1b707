"""What the detectors are called. Not what they find: that takes long to load, and few policies redact."""

DETECTOR_NAMES = ("secrets", "email", "phone", "card", "iban", "ip")
