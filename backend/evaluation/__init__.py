"""What faces and checkpoints are worth: `locality` counts what an edit changed where it had no business."""
