"""Facewright's backend: faces from words, edited by words. Never imports bpy.

__main__.py     the door: command line and `serve`
serve.py        the loop behind `serve`: requests in, events out
protocol.py     the messages; standard library only, shared with the add-on
errors.py       what can go wrong, numbered; shared with the add-on
environment.py  makes the Python environment everything else runs in; shared with the add-on
checkpoints.py  finds, fetches and verifies trained networks and heads; shared with the add-on
settings.py     frozen dataclasses a stage, presets, family profiles
jobs.py         a request becomes calls of stages
face/           what a face is: meshes, morphable models, saved faces; knows neither cameras nor prompts
render/         vertices to pictures, differentiably; imports face.mesh only
diffusion/      pictures and words to gradients; knows nothing of faces
stages/         the paper, a file a section; the only room that knows all others
training/       the starter checkpoints and texture priors
evaluation/     probes, metrics, contact sheets
demo.py         the README's demonstration, from words to a .blend
"""

__version__ = "0.1.0"
