"""Several processes behind one address: a parent accepts, workers answer, and a session stays with one of them."""
