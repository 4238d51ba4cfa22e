"""Which studios are somebody's: those that they administer or have a launch profile in."""

from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.resources.studios.model import Studio

_MOST = 100


def studios_of(request: Request, person: Person) -> list[tuple[Studio, bool]]:
    """List them, oldest first, and whether the person administers each."""
    transaction = request.transaction
    administered = set(members.administered_by(transaction, person.id))
    wanted = administered | launch_profiles.studios_of_member(transaction, person.id)
    found = studios.living(transaction, None if person.is_operator else wanted, limit=_MOST)
    return [(studio, person.is_operator or studio.id in administered) for studio in found]
