"""The paper, a file a section; the only room that knows all others.

geometry   prompt -> identity          texture    prompt -> albedo
edit       instruction + face -> a layer

optimise   the one loop, with guards and resume; optimisers, journal
seeing     what a step looks at        guiding    what leads it
paint      what a texture is optimised as; evenness, irises
refining   detail of large textures    displacement   detail of shapes
"""
