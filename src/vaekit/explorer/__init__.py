"""The latent space in the browser, and models that leave the house.

`capabilities` says what a model can do; `material` makes what the page loads; `server` adds what only a
program can do; `web` writes the same page with the networks beside it, `onnx_files` the networks alone.
"""
