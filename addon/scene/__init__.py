# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces as Blender's data: mesh, shape keys, images, material, history. Main thread only."""
