"""Options of a run and the table of methods. Imports no torch."""
