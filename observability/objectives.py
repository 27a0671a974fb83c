"""What we promise, as shares of good events over 30 days. One line an objective; rules and alerts follow from it.

`bad` and `all` are rates; `{w}` stands where their window belongs. An alert goes by how fast the budget of bad events
burns, over a long window so that it matters and a short one so that it ends soon after the cause (Google, The Site
Reliability Workbook, chapter 5). Where few come, one bad event is a large share: `least` says how many the long window
has to hold before anybody is woken.
"""

from dataclasses import dataclass

DAYS = 30


@dataclass(frozen=True)
class Objective:
    """One promise. `goal` is the share of events that are good; `alert` names alert and runbook."""

    name: str
    alert: str
    goal: float
    words: str
    bad: str
    all: str
    least: int = 20

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.goal, 6)


@dataclass(frozen=True)
class Burn:
    """Budget gone `times` as fast as it may, over both windows. `severity`: page somebody, or write a ticket."""

    times: float
    long: str
    short: str
    severity: str


# 2 % of the budget in an hour, 5 % in six, 10 % in a day, 10 % in three.
BURNS = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)
SECONDS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}

_UPLOADS = 'route=~"/r/<link>/recordings|/w/<key>/uploads/.+"'
_SIGN_IN = 'route=~"/w/<key>/sign-in(/.+)?|/saml/.+"'


def _answered(matcher: str) -> tuple[str, str]:
    """Bad and all requests of some routes: what we could not answer is bad, what we refused is not."""
    every = f"sum by (region, cell) (rate(cellcast_http_requests_total{{{matcher}}}[{{w}}]))"
    return every.replace(matcher, f'{matcher}, status="5xx"'), every


_RESOLVED = "sum by (region, cell) (rate(cellcast_router_requests_total{}[{{w}}]))"
_PROCESSED = "sum by (region, cell) (rate(cellcast_recording_processed_seconds_{}[{{w}}]))"
_PROCESSED_ALL = _PROCESSED.format("count")
_PROCESSED_WELL = _PROCESSED.format('bucket{outcome="ready", le="60.0"}')
_PROVISIONED = "sum by (region, cell) (rate(cellcast_scim_requests_total{}[{{w}}]))"

OBJECTIVES = (
    Objective(
        "link-resolves",
        "LinkResolvesBurn",
        0.9995,
        "A link that is opened leads to its cell",
        # A key that nobody has is an answer; a router without a map, or a workspace that is just being moved, is none.
        _RESOLVED.format('{outcome=~"starting|frozen"}'),
        _RESOLVED.format('{outcome=~"led|described|starting|frozen"}'),
    ),
    Objective(
        "recording-accepted",
        "RecordingAcceptedBurn",
        0.999,
        "A customer's start, grants and finish of a recording are answered",
        *_answered(_UPLOADS),
    ),
    Objective(
        "recording-playable",
        "RecordingPlayableBurn",
        0.99,
        "A recording can be played within 60 s of its finish",
        f"{_PROCESSED_ALL} - ({_PROCESSED_WELL} or 0 * {_PROCESSED_ALL})",
        _PROCESSED_ALL,
        least=5,
    ),
    Objective(
        "sign-in",
        "SignInBurn",
        0.999,
        "A step of signing in is answered, by password or identity provider",
        *_answered(_SIGN_IN),
    ),
    Objective(
        "scim-applied",
        "ScimAppliedBurn",
        0.999,
        "A request of an identity provider to change the directory is carried out or refused for cause",
        _PROVISIONED.format('{status=~"5.."}'),
        _PROVISIONED.format(""),
    ),
)


def within(rate: str, window: str) -> str:
    """A rate of an objective over a window."""
    return rate.replace("{w}", window)
