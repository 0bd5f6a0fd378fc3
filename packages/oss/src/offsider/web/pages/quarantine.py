"""What no worker could run: its bytes, the reason, and the ways out of there."""

from __future__ import annotations

from starlette.responses import Response

from ...api.quarantine import Quarantined
from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..entries import Entries
from ..listing import DELETE, Deed, Listing
from ..visit import Visit

MOST_TO_REPAIR = 100_000
GONE = "Nothing was done: it is not in quarantine any more"
PUT_BACK = Deed("retry", "Put back", "Put into their queues: %(count)s", "Put all of these that are jobs back?")
LISTING = Listing("/quarantine", "offsider/quarantine.html", Entries, (PUT_BACK, DELETE), newest=True)


def entry(visit: Visit) -> Response:
    """One entry; text that can be repaired in a field may be."""
    one = _found(visit)
    return visit.page("offsider/entry.html", entry=one, listing=LISTING, repairable=_is_repairable(one.payload))


def payload(visit: Visit) -> Response:
    """Its bytes, as a file: nothing that a browser shows."""
    headers = {"content-disposition": 'attachment; filename="payload.bin"'}
    return Response(_found(visit).payload, headers=headers, media_type="application/octet-stream")


def act(visit: Visit) -> Response:
    """Put it back, as it is or repaired, or delete it."""
    name, wanted, back = visit.path["id"], visit.sent("act"), visit.url("/quarantine")
    if wanted == DELETE.name:
        done, said = visit.app.quarantine.delete(name), DELETE.said
    elif wanted == PUT_BACK.name:
        done, said = visit.app.quarantine.retry(name), PUT_BACK.said
    elif wanted == "repair":
        repaired = visit.sent("payload").replace("\r\n", "\n").strip().encode()
        done, said = visit.app.quarantine.retry(name, repaired=repaired), PUT_BACK.said
    else:
        raise InvalidOption(f"act is {shown(wanted)}: expected one of {PUT_BACK.name}, {DELETE.name}, repair")
    return visit.back(back, said if done else GONE, 1 if done else None)


def _found(visit: Visit) -> Quarantined:
    one: Quarantined | None = visit.app.quarantine.find(visit.path["id"])
    if one is None:
        raise LookupError(f"{visit.path['id'][:200]} is not in quarantine")
    return one


def _is_repairable(raw: bytes) -> bool:
    """True for text of a length that a field can hold, and gives back as it was."""
    try:
        return len(raw) <= MOST_TO_REPAIR and "\x00" not in raw.decode()
    except UnicodeDecodeError:
        return False


PAGES = {
    **LISTING.pages(),
    ".bytes": Page("/quarantine/{id:path}/payload", payload),
    ".one": Page("/quarantine/{id:path}", entry),
    ".act_one": Page("/quarantine/{id:path}", act, "POST", CHANGE, says=(PUT_BACK.said, DELETE.said, GONE)),
}
