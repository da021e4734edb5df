"""What can go wrong, numbered: one table for the command line, the pipe and Blender.

1xx installing, 2xx checkpoints and heads, 3xx running a job, 4xx the pipe, 5xx Blender's side.
Standard library only: Blender's Python imports this file.
"""

from typing import ClassVar

TABLE: dict[int, type["BackendError"]] = {}


class BackendError(Exception):
    """A failure the user can mend: what happened and where, and as `advice` what to do next.

    A subclass states its own `code` (stable, unique), its `title`, the usual `cause` in a sentence, and as `fix` the
    id of the action that mends it, which a button may offer.
    """

    code: ClassVar[int] = 399
    title: ClassVar[str] = "Internal error"
    cause: ClassVar[str] = "Facewright itself is at fault"
    fix: ClassVar[str | None] = None
    exit_status: ClassVar[int] = 3

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__dict__.get("code") is None or cls.code in TABLE:
            raise TypeError(f"{cls.__name__} needs a code of its own, {cls.code} is taken")
        TABLE[cls.code] = cls

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


TABLE[BackendError.code] = BackendError


def rebuild(code: int, message: str, advice: str = "") -> BackendError:
    """The error another process described; a code this version does not know becomes a plain BackendError."""
    return TABLE.get(code, BackendError)(message, advice=advice)


class InstallFailed(BackendError):
    code = 100
    title = "Installing failed"
    cause = "a step of the set-up did not work; the log says which"
    fix = "install"


class NoNetwork(BackendError):
    code = 101
    title = "The package index does not answer"
    cause = "this computer is offline, or a firewall or proxy is in the way"
    fix = "install"


class DiskFull(BackendError):
    code = 102
    title = "The disk is full"
    cause = "the disk that the file should go to has no room left"


class PythonTooOld(BackendError):
    code = 103
    title = "No suitable Python"
    cause = "the backend needs Python 3.11 or newer, and none was found"


class PackageMissing(BackendError):
    code = 104
    title = "A package is missing"
    cause = "the backend's environment is not made yet, or a part of it was deleted"
    fix = "install"


class LibraryMissing(BackendError):
    code = 105
    title = "A system library is missing"
    cause = "a package needs a library that the operating system does not have"


class EnvironmentBusy(BackendError):
    code = 106
    title = "Another set-up is running"
    cause = "another Facewright is setting up the same environment"


class GpuUnusable(BackendError):
    code = 107
    title = "The graphics card cannot be used"
    fix = "install"


class PathUnsuitable(BackendError):
    code = 108
    title = "The folder is not suitable"


class SystemUnsupported(BackendError):
    code = 109
    title = "This system is not known"


class PackageAltered(BackendError):
    """What came is not what was locked, by its hash."""

    code = 110
    title = "A package is not what it should be"


class CheckpointMissing(BackendError):
    code = 201
    title = "A checkpoint is missing"
    cause = "the networks that the job needs were not fetched, or were moved"
    fix = "checkpoints"


class CheckpointInvalid(BackendError):
    code = 202
    title = "A checkpoint is damaged"
    cause = "a file of the networks is cut short or altered"
    fix = "checkpoints"


class HeadInvalid(BackendError):
    code = 203
    title = "The head model cannot be used"
    cause = "the file is no head model, is damaged, or is not the one the face was made on"


class HeadMissing(HeadInvalid):
    code = 204
    title = "The head model is missing"
    cause = "the head model has to be supplied, and lies nowhere that is looked at"
    fix = "checkpoints"


class TrainingSetInvalid(BackendError):
    code = 205
    title = "The training set cannot be used"
    cause = "the folder is no training set, or a part of it is missing"


class CheckpointUnsupported(BackendError):
    """Sound networks, but of an architecture that no stage can use."""

    code = 206
    title = "The checkpoint is of another kind"
    cause = "the networks are sound but of an architecture that no stage can use"
    fix = "checkpoints"


class CheckpointGated(BackendError):
    code = 221
    title = "The checkpoint is not open to everyone"
    cause = "its publisher wants a login or an agreement first"
    fix = "checkpoints"


class HubUnreachable(BackendError):
    code = 222
    title = "The hub does not answer"
    cause = "the server of the networks does not answer"
    fix = "checkpoints"


class Offline(BackendError):
    code = 223
    title = "The network may not be used"
    cause = "the network was forbidden by an option or by Blender's preferences"


class CheckpointByHand(BackendError):
    code = 224
    title = "The checkpoint cannot be fetched by a program"
    cause = "its licence lets only people download it"


class CheckpointBusy(BackendError):
    code = 225
    title = "The checkpoint is being fetched already"
    cause = "another process is downloading the same networks"


class UsageError(BackendError):
    """What was asked makes no sense; nothing was done."""

    code = 300
    title = "That cannot be done"
    cause = "the options do not fit each other or the face"
    exit_status = 2


class EmptyPrompt(UsageError):
    code = 301
    title = "There are no words"
    cause = "the prompt or the instruction is empty"


class UnknownWords(UsageError):
    code = 302
    title = "Words the checkpoints do not know"
    cause = "a family of networks with a closed vocabulary knows none of the words"


class UnknownOption(UsageError):
    code = 303
    title = "Unknown option"
    cause = "an option or a setting is misspelt, or of another kind"


class ItemsInvalid(UsageError):
    code = 304
    title = "The items cannot be evaluated"
    cause = "the list of items is damaged"


class CheckpointUnknown(UsageError):
    code = 305
    title = "There is no such checkpoint"
    cause = "the name stands in no registry"


class LicenceNotAccepted(UsageError):
    code = 306
    title = "The licence is not accepted yet"
    cause = "its licence has to be accepted by name before it is fetched"


class NotForSale(UsageError):
    code = 307
    title = "What is made with it may not be sold"
    cause = "only what may be sold was asked for, and this may not"


class MaskInvalid(UsageError):
    code = 308
    title = "The mask cannot be used"


class FolderExists(BackendError):
    code = 310
    title = "The folder exists"
    cause = "results never overwrite anything"


class FolderUnwritable(BackendError):
    code = 311
    title = "The folder cannot be written"
    cause = "the folder is read-only, or belongs to someone else"


class FaceMissing(BackendError):
    code = 312
    title = "There is no face"
    cause = "the folder holds no face.json"


class FaceInvalid(BackendError):
    code = 313
    title = "The face is damaged"
    cause = "a file of the face is missing or altered"


class SchemaTooNew(BackendError):
    code = 314
    title = "The face is from a newer version"
    cause = "a newer Facewright has made the face"


class ImportInvalid(BackendError):
    code = 315
    title = "The file cannot be imported"
    cause = "the file is of no known kind, is damaged, or does not fit the head"


class CheckpointsChanged(BackendError):
    code = 316
    title = "The face was made by other networks"


class NotANumber(BackendError):
    code = 320
    title = "The optimisation ran away"
    cause = "a step was too large, and the numbers ran away"


class Cancelled(BackendError):
    """The user stopped the job; not a failure."""

    code = 321
    title = "Cancelled"
    cause = "it was stopped before it was done"
    exit_status = 130


class OutOfMemory(BackendError):
    code = 322
    title = "The memory is full"
    cause = "the networks and a step did not fit, even after all others were freed"
    fix = "unload"


class ProtocolError(BackendError):
    code = 400
    title = "The line is not a message"
    cause = "the other side sent something else than a message"


class UnknownType(ProtocolError):
    code = 401
    title = "Unknown type of message"
    cause = "the other side is newer and knows more messages"


class LineTooLong(ProtocolError):
    code = 402
    title = "The message is too long"
    cause = "a message holds what belongs in a file"


class VersionMismatch(ProtocolError):
    code = 403
    title = "Add-on and backend do not fit"
    cause = "add-on and backend were updated apart from each other"
    fix = "install"


class PathRefused(BackendError):
    code = 404
    title = "The path leaves the scratch folder"
    cause = "a path leads out of the folder of its job"


class FileDamaged(BackendError):
    code = 405
    title = "A file did not arrive whole"
    cause = "a file was changed or cut short on its way between add-on and backend"


class QueueFull(BackendError):
    code = 406
    title = "Too much waits already"
    cause = "too many jobs wait, or the backend does not read any more"


class SpawnFailed(BackendError):
    code = 410
    title = "The backend does not start"
    cause = "the backend's Python is not there, or may not be run"
    fix = "install"


class BackendCrashed(BackendError):
    code = 411
    title = "The backend stopped"
    cause = "the backend's process ended while it worked; the log has its last words"
    fix = "log"


class RestartStorm(BackendError):
    code = 412
    title = "The backend keeps stopping"
    cause = "something makes the backend stop again and again"
    fix = "log"


class HeadGone(BackendError):
    code = 501
    title = "The head is gone"
    cause = "the object was deleted while its job ran"


class TopologyChanged(BackendError):
    code = 502
    title = "The mesh is not the head's any more"
    cause = "vertices were added to or taken from the head's mesh"


class LinkedData(BackendError):
    code = 503
    title = "The head belongs to another file"
    cause = "the object is linked from another .blend and cannot be changed here"


class BlenderFailed(BackendError):
    code = 504
    title = "Blender did not take the face"
    cause = "Blender refused a step that should have worked"
