"""Short videos from a title and lines of text: frames by Pillow, encoded by ffmpeg; no GPU, no network."""
