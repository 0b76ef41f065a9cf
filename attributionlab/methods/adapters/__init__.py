"""Methods of other libraries, called as their own documentation shows, as functions `(model, inputs, targets) -> maps`.

Which library an object comes from is told by the module of its class, so that none is imported before one of its methods is used.
"""
