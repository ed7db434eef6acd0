"""Where commands get done what they are asked for: by the record of this machine, or by a server elsewhere.

Each subject is a port (`ports`) with two implementations, `local` and `remote`; `opening` chooses. Both give the same
objects, which the commands show.
"""
