"""From pictures and words to gradients; knows nothing of faces.

model      one class over diffusers' components       guidance   distillation losses
schedules  which timestep at which step
"""
