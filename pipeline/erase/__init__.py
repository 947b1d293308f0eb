"""Erase: what a forgotten user, a withdrawn consent or a retention limit takes out of the lake, the sealed folders and everything else in home."""
