"""Redaction: what in a message is a secret or personal, and what stands there instead. Pure.

`redactor` is the way in; `wrapping` says which spellings are read, `zones` what is never touched. Nothing is loaded
here: `engine` is for all patterns of users, and the rest only for those who redact.
"""
