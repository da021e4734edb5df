"""The paper, a file a section; the only room that knows all others.

optimise   the one loop            geometry   prompt -> identity
texture    prompt -> albedo        edit       instruction + face -> a layer
"""
