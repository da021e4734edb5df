"""What a face is: `mesh` and head models, `layers` of edits, the `saved` folder, `export` to GLB and OBJ."""
