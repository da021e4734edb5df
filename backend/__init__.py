"""Facewright's backend: faces from words, edited by words. Never imports bpy.

__main__.py     the door: the commands and `serve`
commandline.py  what can be typed, and what is checked at once
serve.py        the loop behind `serve`: requests in, events out
progress.py     draws progress events for people
doctor.py       the report of what is there
protocol.py     the messages; standard library only, shared with the add-on, as are the next four
errors.py       what can go wrong, numbered
environment/    makes the Python environment everything else runs in
files.py        files that are complete or absent
provenance.py   what a file says of how it came about
checkpoints/    knows, finds, fetches and verifies trained networks and heads
settings.py     frozen dataclasses a stage, presets
language/       what the starter networks are taught, and what people type put into those words
prompts.py      from what is typed to what a stage says to the networks
jobs.py         a request becomes calls of stages
selftest.py     tries an environment: imports, a picture, a step of each network
warped.py       starts NVIDIA Warp
workshop.py     what jobs keep between calls: the head and the networks
importing.py    faces of what other programs left
pictures.py     finished faces as pictures for people
demo.py         the README's demonstration, from words to a .blend
face/           what a face is: meshes, morphable models, saved faces; knows neither cameras nor prompts
render/         vertices to pictures, differentiably; imports face.mesh only
diffusion/      pictures and words to gradients; knows nothing of faces
stages/         the paper, a file a section; the only room that knows all others
training/       the starter checkpoints and texture priors
evaluation/     probes, metrics, contact sheets
"""

__version__ = "0.1.0"
