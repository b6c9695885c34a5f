"""A small kubelet: runs the pods whose images can be run here as processes, with exactly what the pods declare, and
reports their status to the API server.
"""
