# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head is between Blender and the backend: files and bytes. Never imports bpy."""
