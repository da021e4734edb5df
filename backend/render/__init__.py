"""From vertices to pictures, differentiably.

camera    where the picture is taken from          light      spherical-harmonic shading
kernels   which triangle each pixel sees (Warp)    rasterise  barycentrics and interpolation, with gradients
picture   all of it in one call                    uv         texture look-ups, UV masks, pictures into UV
"""
