"""One file for each thing the API has: a request comes in, an answer goes out."""
