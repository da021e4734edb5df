"""From vertices to pictures, differentiably.

camera       where the picture is taken from         views        the stages' lists of views, words for a view
light        spherical-harmonic shading              colour       sRGB and linear light, RGB and YUV
kernels      which triangle each pixel sees (Warp)   nvidia       the same by nvdiffrast, where it is installed
blending     barycentrics, interpolation, normals (Warp, with gradients)
rasterise    hits: the pixels that see a triangle    silhouettes  outlines that blend and have gradients
picture      all of it in one call                   backgrounds  what is behind the head
uv           texture look-ups, mip-maps, UV masks    projection   pictures into UV
reference    the kernels' slow twin in plain torch   sheet        contact sheets
"""
