"""The endpoints. Each turns a request into a response."""
