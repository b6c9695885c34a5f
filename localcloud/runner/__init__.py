"""A small kubelet: runs the pods whose images we can really run as processes on this machine, with exactly what the pods
declare, and tells the API server what became of them.
"""
