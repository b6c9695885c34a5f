"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from app.api.problems import ProblemError
from app.ids import JOB_ID_PATTERN, JobId
from app.services import Services


def services(connection: HTTPConnection) -> Services:
    """The parts of this process."""
    found = connection.app.state.services
    assert isinstance(found, Services)
    return found


def job_id(
    job_id: Annotated[str, Path(max_length=60, examples=["use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])],
) -> JobId:
    """The job of the path; what cannot be an id cannot be found either."""
    try:
        return JobId.parse(job_id)
    except ValueError:
        raise ProblemError(404, "There is no such job.") from None


ServicesNow = Annotated[Services, Depends(services)]
JobOfPath = Annotated[JobId, Depends(job_id)]
__all__ = ["JOB_ID_PATTERN", "JobOfPath", "ServicesNow"]
