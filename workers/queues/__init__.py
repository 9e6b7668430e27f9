"""Each queue is one file, with its Lua beside it. All keys begin with `ti:`; each file says which are its own."""
