# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's side of the add-on: where it lies, its process, its jobs. Never imports bpy."""
