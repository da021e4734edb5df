"""From pictures and words to gradients; knows nothing of faces.

model      one class over diffusers' components       guidance   distillation losses that draw
folders    reads them, refuses others by name         editing    distillation losses that start from a picture
schedules  which timestep at which step           priors     what texture priors are asked
"""
