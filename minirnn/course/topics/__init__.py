"""The exercises by lesson, one file each."""
