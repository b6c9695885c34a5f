"""The settings of a stack: strict, frozen models of its file, and the errors that name all that is wrong in it."""
