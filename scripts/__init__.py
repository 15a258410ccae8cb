"""One request becomes many: X/Y/Z plot, SD upscale, loopback, outpainting, prompt matrix."""
