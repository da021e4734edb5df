"""What can go wrong, numbered: one table for the command line, the pipe and Blender.

1xx installing, 2xx checkpoints and heads, 3xx running a job, 4xx the pipe, 5xx Blender's side.
Standard library only: Blender's Python imports this file.
"""

from typing import ClassVar

TABLE: dict[int, type["BackendError"]] = {}


class BackendError(Exception):
    """A failure the user can mend: what happened and where, and as `advice` what to do next.

    A subclass states its own `code` (stable, unique), its `title`, and as `fix` the id of the action that
    mends it, which a button may offer.
    """

    code: ClassVar[int] = 399
    title: ClassVar[str] = "Internal error"
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
    fix = "install"


class NoNetwork(BackendError):
    code = 101
    title = "The package index does not answer"
    fix = "install"


class DiskFull(BackendError):
    code = 102
    title = "The disk is full"


class PythonTooOld(BackendError):
    code = 103
    title = "No suitable Python"


class PackageMissing(BackendError):
    code = 104
    title = "A package is missing"
    fix = "install"


class LibraryMissing(BackendError):
    code = 105
    title = "A system library is missing"


class EnvironmentBusy(BackendError):
    code = 106
    title = "Another set-up is running"


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
    fix = "checkpoints"


class CheckpointInvalid(BackendError):
    code = 202
    title = "A checkpoint is damaged"
    fix = "checkpoints"


class HeadInvalid(BackendError):
    code = 203
    title = "The head model cannot be used"


class HeadMissing(HeadInvalid):
    code = 204
    title = "The head model is missing"
    fix = "checkpoints"


class TrainingSetInvalid(BackendError):
    code = 205
    title = "The training set cannot be used"


class CheckpointUnsupported(BackendError):
    """Sound networks, but of an architecture that no stage can use."""

    code = 206
    title = "The checkpoint is of another kind"
    fix = "checkpoints"


class CheckpointGated(BackendError):
    code = 221
    title = "The checkpoint is not open to everyone"
    fix = "checkpoints"


class HubUnreachable(BackendError):
    code = 222
    title = "The hub does not answer"
    fix = "checkpoints"


class Offline(BackendError):
    code = 223
    title = "The network may not be used"


class CheckpointByHand(BackendError):
    code = 224
    title = "The checkpoint cannot be fetched by a program"


class CheckpointBusy(BackendError):
    code = 225
    title = "The checkpoint is being fetched already"


class UsageError(BackendError):
    """What was asked makes no sense; nothing was done."""

    code = 300
    title = "That cannot be done"
    exit_status = 2


class EmptyPrompt(UsageError):
    code = 301
    title = "There are no words"


class UnknownWords(UsageError):
    code = 302
    title = "Words the checkpoints do not know"


class UnknownOption(UsageError):
    code = 303
    title = "Unknown option"


class ItemsInvalid(UsageError):
    code = 304
    title = "The items cannot be evaluated"


class CheckpointUnknown(UsageError):
    code = 305
    title = "There is no such checkpoint"


class LicenceNotAccepted(UsageError):
    code = 306
    title = "The licence is not accepted yet"


class NotForSale(UsageError):
    code = 307
    title = "What is made with it may not be sold"


class MaskInvalid(UsageError):
    code = 308
    title = "The mask cannot be used"


class FolderExists(BackendError):
    code = 310
    title = "The folder exists"


class FolderUnwritable(BackendError):
    code = 311
    title = "The folder cannot be written"


class FaceMissing(BackendError):
    code = 312
    title = "There is no face"


class FaceInvalid(BackendError):
    code = 313
    title = "The face is damaged"


class SchemaTooNew(BackendError):
    code = 314
    title = "The face is from a newer version"


class ImportInvalid(BackendError):
    code = 315
    title = "The file cannot be imported"


class CheckpointsChanged(BackendError):
    code = 316
    title = "The face was made by other networks"


class NotANumber(BackendError):
    code = 320
    title = "The optimisation left the numbers"


class Cancelled(BackendError):
    """The user stopped the job; not a failure."""

    code = 321
    title = "Cancelled"
    exit_status = 130


class OutOfMemory(BackendError):
    code = 322
    title = "The memory is full"
    fix = "unload"


class ProtocolError(BackendError):
    code = 400
    title = "The line is not a message"


class UnknownType(ProtocolError):
    code = 401
    title = "Unknown type of message"


class LineTooLong(ProtocolError):
    code = 402
    title = "The message is too long"


class VersionMismatch(ProtocolError):
    code = 403
    title = "Add-on and backend do not fit"
    fix = "install"


class PathRefused(BackendError):
    code = 404
    title = "The path leaves the scratch folder"


class FileDamaged(BackendError):
    code = 405
    title = "A file did not arrive whole"


class QueueFull(BackendError):
    code = 406
    title = "Too much waits already"


class SpawnFailed(BackendError):
    code = 410
    title = "The backend does not start"
    fix = "install"


class BackendCrashed(BackendError):
    code = 411
    title = "The backend stopped"
    fix = "log"


class RestartStorm(BackendError):
    code = 412
    title = "The backend keeps stopping"
    fix = "log"


class HeadGone(BackendError):
    code = 501
    title = "The head is gone"


class TopologyChanged(BackendError):
    code = 502
    title = "The mesh is not the head's any more"


class LinkedData(BackendError):
    code = 503
    title = "The head belongs to another file"


class BlenderFailed(BackendError):
    code = 504
    title = "Blender did not take the face"
