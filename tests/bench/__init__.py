"""Our ingress, workers and pull queue against their peers, on one machine, under one load: `make bench`."""
