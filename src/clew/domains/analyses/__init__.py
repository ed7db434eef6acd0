"""Analyses as a service: asked for, done node by node, assessed in words, and told to whoever asked."""
