# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sees and presses. Main thread only."""
