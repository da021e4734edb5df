"""Which checkpoints the project knows, where they lie, and how they come and go.

entries.py    what `ckpts/registry.json` says: roles, sources, files, licences
places.py     where checkpoints lie: looked for, found, hashed
profiles.py   what differs between families: how each wants to be spoken to, what a run of it takes
shelf.py      the folder they stand in: receipts, states, locks
terms.py      licences that were accepted, the offline and the commercial-safe switch
hub.py        the network: one file from a Hugging Face hub or its mirror, resumed
cache.py      what lies in the Hugging Face cache already
weights.py    the files themselves: chosen, copied, hashed, looked at
fetching.py   fetch
keeping.py    import, verify, remove
usage.py      under which licences a face is made
table.py      the registry as rows for `list`, and as the tables of docs/checkpoints.md
command.py    `checkpoints list|fetch|import|verify|remove`

Standard library only: the add-on imports this package.
"""

from .entries import Checkpoint, expand, known, registry
from .fetching import fetch
from .keeping import bring_in, remove, verify
from .places import BESIDE, components, family_state, find, hashes, head_advice, heads_folder, offers, roles_of, roots
from .profiles import PROFILES, FamilyProfile, choose
from .shelf import head_files, receipt, state
from .table import rows
from .terms import Terms, accepted
from .usage import filling, licences, refuse_unsold

__all__ = [
    "BESIDE",
    "PROFILES",
    "Checkpoint",
    "FamilyProfile",
    "Terms",
    "accepted",
    "bring_in",
    "choose",
    "components",
    "expand",
    "family_state",
    "fetch",
    "filling",
    "find",
    "hashes",
    "head_advice",
    "head_files",
    "heads_folder",
    "known",
    "licences",
    "offers",
    "receipt",
    "refuse_unsold",
    "registry",
    "remove",
    "roles_of",
    "roots",
    "rows",
    "state",
    "verify",
]
