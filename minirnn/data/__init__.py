"""Data: drawn scenes, captioned photographs, labelled pictures, boxes; their formats, and where to get them."""
