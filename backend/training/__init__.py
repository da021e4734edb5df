"""Makes what `ckpts/starter` holds: the converted head, painted pictures, and the networks trained on them."""
