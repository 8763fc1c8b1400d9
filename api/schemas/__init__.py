"""The JSON that people and programs exchange with Kinograph: what bodies must hold and how records are shown.

It does not know how anything is found, stored or computed; every view is made from one record by ``of``.
"""

from api.schemas.ask import AnswerView, AskBody, CitationView, TurnBody
from api.schemas.base import (
    MAX_QUERY_CHARS,
    MAX_QUESTION_CHARS,
    MAX_TITLE_CHARS,
    MAX_VIDEO_IDS,
    Body,
    FieldProblem,
    Problem,
    View,
    thumbnail_url,
)
from api.schemas.graph import (
    EntityDetail,
    EntityPage,
    EntityView,
    EventPage,
    EventView,
    LinkList,
    LinkView,
    MentionView,
    VideoMentions,
)
from api.schemas.health import CheckView, HealthView, ReadyView
from api.schemas.search import MomentView, ReasonView, SearchBody, SearchView, TimeBody, VideoMoments
from api.schemas.videos import (
    EvidenceList,
    EvidenceView,
    FailureView,
    PartsView,
    RenameBody,
    TimedEvidenceView,
    VideoPage,
    VideoView,
    WordView,
)

__all__ = [
    "MAX_QUERY_CHARS",
    "MAX_QUESTION_CHARS",
    "MAX_TITLE_CHARS",
    "MAX_VIDEO_IDS",
    "AnswerView",
    "AskBody",
    "Body",
    "CheckView",
    "CitationView",
    "EntityDetail",
    "EntityPage",
    "EntityView",
    "EventPage",
    "EventView",
    "EvidenceList",
    "EvidenceView",
    "FailureView",
    "FieldProblem",
    "HealthView",
    "LinkList",
    "LinkView",
    "MentionView",
    "MomentView",
    "PartsView",
    "Problem",
    "ReadyView",
    "ReasonView",
    "RenameBody",
    "SearchBody",
    "SearchView",
    "TimeBody",
    "TimedEvidenceView",
    "TurnBody",
    "VideoMentions",
    "VideoMoments",
    "VideoPage",
    "VideoView",
    "View",
    "WordView",
    "thumbnail_url",
]
