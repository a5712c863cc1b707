"""`interpose run` behind its command line: what is loaded for which pair of ends, and when."""
