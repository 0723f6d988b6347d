"""Data: drawn scenes, photographs with captions, and the words of captions as numbers."""
