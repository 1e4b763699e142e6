"""SQL, one function a statement."""
