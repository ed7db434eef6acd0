"""The worker: does jobs, in the process of the server or in one of its own."""
