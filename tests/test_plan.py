"""What a query is understood to ask for — and, as important, what it is not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.plans import QueryPlan, Relation
from core.records import Modality
from rag.language import guess_language
from rag.plan import plan_query

PLAIN = [
    "after the storm the sailors were saved",
    "after the keeper died the lamp went out",
    "before the war people danced in the streets",
    "the last supper",
    "after party",
    "kids playing after school",
    "before sunrise",
    "before Christ",
    "stage",
    "the first man on the moon",
    "love at first sight",
    "at last",
    "the second coming",
    "a man standing before a mirror",
    "a girl before the camera",
    "the cat is named after the keeper",
    "a dog running after the ball",
    "the day after tomorrow",
    "the year before the flood",
    "people come one after another",
    "every now and then it rains",
    "back then people walked",
    "if it rains then we stay home",
    "before and after comparison",
    "Eiffel Tower at the end of a street",
    "the end of the world",
    "in the end ships no longer needed the lamp",
    "a man in the middle of the road",
    "halfway up the stairs",
    "runner at the start line",
    "last-minute goal",
    "goal in the last minute of the match",
    "in the first minute after birth",
    "the train leaves at 3:20 pm",
    "at 9:30 in the morning",
    '10" vinyl and 12" vinyl',
    "before you go",
    "second time around",
    "first aid",
    "what did Anna like, tea or coffee?",
    "at the end of the day",
    "the man who knew too much",
    "second-hand",
    "timecode 01:00:15:00",
    "they won 3:20",
    "rock 'n' roll",
    "page of Alice's Adventures with the White Rabbit",
    "economists' notion and the boys' books",
    "woman speaking to two women at a switchboard",
    "sign language",
    "sign of the times",
    "mélange de dépendance et de rejet",
    "被子固定器",
    "Melchior Sternfels von Fuchshaim",
    "?",
    "half of the audience",
    "the last third of the race is hard",
    "in the last third of the race",
    "the second half of the film was shot in Rome",
    "the first quarter of 2019",
    "in the first quarter of 2019",
    "first quarter moon",
    "a quarter of the cider",
    "second hand",
    "won 3:2",
    "ratio 3:20 to 4:30",
    "3:10 to Yuma",
    "at the 3:20 train",
    "3:20 pm",
    "since 3:00 am",
    "a report from 10:00 on Monday",
    "the middle ages",
    "in the middle ages",
    "a knight in the middle",
    "who is in the middle?",
    "which colour is in the middle",
    "everyone laughs in the end",
    "minute details",
    "minute by minute",
    "minutes of the meeting",
    "the third minute hand",
    "in the second minute of the match",
    "in the eleventh hour",
    "he waited until the last minute",
    "early birds",
    "early in the morning",
    "an early film",
    "late in the day",
    "between 3 and 5 people",
    "between 1914 and 1918",
    "from 1914 to 1918",
    "takes between 3 and 5 minutes",
    "cooks it for 3 to 5 minutes",
    "five minutes in the oven",
    "ten seconds",
    "a five minute break",
    "at two minutes to midnight",
    "two minutes before 3:20",
    "after ten minutes of rest",
    "third time lucky",
    "third time's a charm",
    "first time buyers",
    "the second time in history",
    "a second time zone",
    "the second time derivative",
    "the 3rd time slot",
    "there is always a first time",
    "the first time-lapse",
    "never seen again",
    "the ship was not seen again",
    "what is his name again?",
    "who is shown again?",
    "when is the meeting again?",
    "make it work again",
    "again and again",
    "a dog jumping twice",
    "twice a day",
    "the 0th time a dog is shown",
    "only once",
    "what happens after death",
    "what happens after fertilisation",
    "just before sunset",
    "she waits for a moment after the bell",
    "after two years",
    "half an hour of rest",
    "after half an hour of rest",
    "an hour in Paris",
    "half an hour in the rain",
    "five minutes in a row",
    "an hour into the hike",
    "ten minutes into its journey",
    "put five minutes into it",
    "takes between 3 minutes and 5 minutes",
    "two quarters of an hour in",
    "a second in",
    "after a second dog",
    "at least five minutes in",
    "two minutes from the station",
    "ten minutes from the end of the line",
    "two minutes before the end of the match",
    "until two minutes before the end",
    "in the five minutes before the end",
    "half an hour later a dog barks",
    "an hour and a half after the storm",
    "the first five-minute break",
    "After 10 Minutes Of Rain",
]


@pytest.mark.parametrize("query", PLAIN)
def test_a_plain_query_is_searched_for_as_it_stands(query: str) -> None:
    plan = plan_query(query)
    assert plan.is_plain, plan
    assert plan.text == query


@pytest.mark.parametrize(
    ("query", "intent"),
    [
        ("someone says the office is unlike any other", Modality.SPEECH),
        ("the narrator talks about glass", Modality.SPEECH),
        ("where the keeper is mentioned", Modality.SPEECH),
        ("a man says goodbye", Modality.SPEECH),
        ("the sign says no entry", Modality.SCREEN),
        ("slide that says how many steps there are", Modality.SCREEN),
        ("a logo on a blue page", Modality.SCREEN),
        ("bedding with the word JAGUAR", Modality.SCREEN),
        ("street sign RUE DE LONDRES", Modality.SCREEN),
        ("a picture of a rocket", Modality.VISUAL),
        ("a bird can be seen on a branch", Modality.VISUAL),
        ("the video shows a red boat", Modality.VISUAL),
        ("a man in a hat on screen", Modality.VISUAL),
        ("a map on the screen of his phone", Modality.VISUAL),
        ("which animal is seen on screen?", Modality.VISUAL),
        ("emojis appear on the screen", Modality.VISUAL),
        ("a number of people on screen", Modality.VISUAL),
        ("text on screen", Modality.SCREEN),
        ("the word banana on screen", Modality.SCREEN),
        ("names of the players on the screen", Modality.SCREEN),
        ("a caption on screen", Modality.SCREEN),
        ("a number is written on the screen", Modality.SCREEN),
        ("what is shown on the screen", Modality.SCREEN),
        ("what can be read on screen?", Modality.SCREEN),
        ("what does it say on the slide?", Modality.SCREEN),
        ("someone says the words on screen", Modality.SPEECH),
        ("a man shows a map", None),
        ("she shows us the engine", None),
        ("the map that he shows us", None),
        ("a man before a projection screen", None),
        ("two women talking in a kitchen", None),
        ("what was lost in 1912 and was seen again in 2019", None),
    ],
)
def test_the_sense_that_a_query_names_is_preferred(query: str, intent: Modality | None) -> None:
    assert plan_query(query).intent is intent


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("someone says the office is unlike any other", "the office is unlike any other"),
        ("the speaker says that glass is cheap", "glass is cheap"),
        ("the text EMERGENCY EXIT", "EMERGENCY EXIT"),
        ("picture of a rocket", "a rocket"),
        ("a man says goodbye", "a man says goodbye"),
        ("saying goodbye", "goodbye"),
        ("Talking about glass", "glass"),
        ("saying of the Buddha", "saying of the Buddha"),
        ("explaining is hard", "explaining is hard"),
        ("text message on a phone", "text message on a phone"),
        ("close-up of a cat", "close-up of a cat"),
        ("a man in a hat on screen", "a man in a hat"),
        ("a bird is seen on screen", "a bird"),
        ("a map on the screen", "a map on the screen"),
        ("the word banana on screen", "the word banana on screen"),
    ],
)
def test_only_words_that_describe_nothing_are_left_out(query: str, text: str) -> None:
    assert plan_query(query).text == text


@pytest.mark.parametrize(
    ("query", "phrases", "text"),
    [
        ('highlighted word "late" in a text', ("late",), "highlighted word late in a text"),
        ("“salt water”", ("salt water",), "salt water"),
        ("«mélange» et rejet", ("mélange",), "mélange et rejet"),
        ("a board with 'keep out now'", ("keep out now",), "a board with keep out now"),
        ('"to be" or "not to be"', ("to be", "not to be"), "to be or not to be"),
        ('"the end" in the first minute', ("the end",), "the end"),
        ("the text EMERGENCY EXIT", ("EMERGENCY EXIT",), "EMERGENCY EXIT"),
        ("a sign that says NO ENTRY!", ("NO ENTRY!",), "a sign that says NO ENTRY!"),
        ("bedding with the word JAGUAR", ("JAGUAR",), "bedding with the word JAGUAR"),
        ('the text "EMERGENCY EXIT"', ("EMERGENCY EXIT",), "EMERGENCY EXIT"),
        ("a text about NASA in space", (), "a text about NASA in space"),
        ("street sign RUE DE LONDRES", (), "street sign RUE DE LONDRES"),
        ("in other words NASA", (), "in other words NASA"),
        ("press release text PDF", (), "press release text PDF"),
        ("the text 'EMERGENCY EXIT'", ("EMERGENCY EXIT",), "EMERGENCY EXIT"),
        ('an empty "" quotation', (), 'an empty "" quotation'),
        ('a 5" screen', (), 'a 5" screen'),
    ],
)
def test_quoted_words_must_stand_in_the_evidence(query: str, phrases: tuple[str, ...], text: str) -> None:
    plan = plan_query(query)
    assert (plan.phrases, plan.text) == (phrases, text)


def test_what_is_quoted_is_no_wish() -> None:
    plan = plan_query('"in the first minute" and "after the storm"')
    assert (plan.time, plan.succession) == (None, None)
    assert plan.phrases == ("in the first minute", "after the storm")


@pytest.mark.parametrize(
    ("query", "ordinal", "text"),
    [
        ("the first time the dog jumps", 1, "the dog jumps"),
        ("a dog jumps for the second time", 2, "a dog jumps"),
        ("last time a bell rings", -1, "a bell rings"),
        ("the first mention of Anna", 1, "Anna"),
        ("the lamp is first mentioned", 1, "the lamp"),
        ("Which animal is seen first?", 1, "Which animal is seen?"),
        ("the fifth time that the clock is shown", 5, "the clock"),
        ("the 21st time a bell rings", 21, "a bell rings"),
        ("third time the bell rings", 3, "the bell rings"),
        ("first time Anna appears", 1, "Anna"),
        ("the second to last time a bell rings", -2, "a bell rings"),
        ("the penultimate appearance of the bell", -2, "the bell"),
        ("the bell rings a third time", 3, "the bell rings"),
        ("the last time he says banana", -1, "banana"),
        ("when is the logo shown again?", 2, "when is the logo shown?"),
        ("the bird appears once again", 2, "the bird"),
        ("where does she mention the war again?", 2, "where does she mention the war?"),
    ],
)
def test_the_first_or_last_time_is_asked_for(query: str, ordinal: int, text: str) -> None:
    plan = plan_query(query)
    assert (plan.ordinal, plan.text) == (ordinal, text)


@pytest.mark.parametrize(
    ("query", "relation", "target", "anchor"),
    [
        ("the lamp goes out, then a bell rings", Relation.THEN, "a bell rings", "the lamp goes out"),
        ("a man opens the door and then a dog runs in", Relation.THEN, "a dog runs in", "a man opens the door"),
        ("coffee followed by a cat", Relation.THEN, "a cat", "coffee"),
        ("a rocket after the galaxies", Relation.AFTER, "a rocket", "the galaxies"),
        ("after the storm, a telescope", Relation.AFTER, "a telescope", "the storm"),
        ("dog jumps after woman throws toy", Relation.AFTER, "dog jumps", "woman throws toy"),
        ("a cup of coffee before the cat appears", Relation.BEFORE, "a cup of coffee", "the cat appears"),
        ("what happens before leaving the house?", Relation.BEFORE, "what happens", "leaving the house"),
        ("Which comes first, the mortar or the chopper?", Relation.EITHER, "the mortar", "the chopper"),
        ("Which topic follows a red circle moving left?", Relation.AFTER, "Which topic", "a red circle moving left"),
        ("What directly precedes the storm?", Relation.BEFORE, "What", "the storm"),
        ("a cat preceded by coffee", Relation.THEN, "a cat", "coffee"),
        ("what is said before banana", Relation.BEFORE, "what is said", "banana"),
        ("what is said after banana", Relation.AFTER, "what is said", "banana"),
        ("what does the speaker say before he says banana?", Relation.BEFORE, "what does the speaker say", "banana"),
        ("what happens just before goal", Relation.BEFORE, "what happens", "goal"),
        ("what happens right after goal", Relation.AFTER, "what happens", "goal"),
        ("what happens a moment before the crash", Relation.BEFORE, "what happens", "the crash"),
    ],
)
def test_two_happenings_are_told_apart(query: str, relation: Relation, target: str, anchor: str) -> None:
    succession = plan_query(query).succession
    assert succession is not None
    assert (succession.relation, succession.target.text, succession.anchor.text) == (relation, target, anchor)


def test_which_time_is_asked_for_of_the_happening_that_it_stands_beside() -> None:
    plan = plan_query("what is said after the second time the bell rings")
    assert plan.succession is not None
    assert (plan.ordinal, plan.succession.target.ordinal, plan.succession.anchor.ordinal) == (None, None, 2)
    plan = plan_query("the first time a dog barks after the bell rings")
    assert plan.succession is not None
    assert (plan.ordinal, plan.succession.anchor.ordinal) == (1, None)


@pytest.mark.parametrize("query", ["what is said before Christmas", "what is said after 2015", "what is heard at dawn"])
def test_what_stands_beside_words_of_the_world_is_no_order_in_a_video(query: str) -> None:
    assert plan_query(query).succession is None


@pytest.mark.parametrize(
    "query", ["which dog follows the man", "what follows from the theorem", "what follows is a list"]
)
def test_what_follows_need_not_be_a_stretch_of_the_video(query: str) -> None:
    assert plan_query(query).succession is None


def test_each_happening_has_its_own_wishes() -> None:
    plan = plan_query("someone says hello after the sign reads “no entry”")
    assert plan.succession is not None
    assert (plan.succession.target.intent, plan.succession.target.phrases) == (Modality.SPEECH, ())
    assert (plan.succession.anchor.intent, plan.succession.anchor.phrases) == (Modality.SCREEN, ("no entry",))


def test_right_after_is_impatient_and_what_happens_is_open() -> None:
    succession = plan_query("what happens right after the lamp goes out?").succession
    assert succession is not None
    assert succession.is_close
    assert succession.target.is_open


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("where is the telescope assembled", "en"),
        ("der Mann und die Frau", "de"),
        ("l'homme est dans la maison", "fr"),
        ("как дела", "ru"),
        ("この布団", "ja"),
        ("people come one after another", None),
        ("", None),
    ],
)
def test_the_language_of_a_query_is_guessed_or_left_open(query: str, language: str | None) -> None:
    assert guess_language(query) == language


def test_a_pasted_passage_is_not_planned() -> None:
    passage = "He said it to the man then. " * 20
    assert plan_query(passage) == QueryPlan(passage, passage, language="en")


PIECES = [
    *("after", "before", "then", "the first time", "in the first minute", "at 3:20", "between 1:00 and 2:00", "“", "”"),
    *("after the second minute", "before the first minute", "from 0:00 on", "minutes 5 to 3", "in the third half"),
    *("the 0th time", "the second to last time", "shown again", "a third time", "just", "preceded by", "a moment"),
    *("half an hour", "a minute and a half", "0 minutes", "before the end", "into it", "in", "on screen"),
    *("after 2 minutes", "0th minute", "at 5m99s", "in the middle", "of the video", "mark", "3:20"),
    *(
        '"',
        "'",
        "«",
        "»",
        "says",
        "text",
        "which comes first,",
        "or",
        "the",
        "dog",
        "three",
        "last",
        "\ue000",
        "\0",
        ",",
    ),
    *("followed by", "halfway", "minute 99999999999999", "99:99", "0:00", "the end", "is seen first", "someone says"),
]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
def test_no_query_is_beyond_planning(query: str) -> None:
    plan = plan_query(query)
    assert plan.query == query
    assert plan.text.strip() or not query.strip()
    if plan.time is not None:
        plan.time.within(60.0)
    if plan.succession is not None:
        assert plan.succession.anchor.text.strip()


TRUTH = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev" / "ground_truth.json"
WORDS_OF_SENSE = {"someone", "says", "saying", "explains", "that", "the", "speaker", "text"}


@pytest.mark.corpus
@pytest.mark.skipif(not TRUTH.exists(), reason="needs the evaluation corpus beside the checkout")
def test_no_query_of_the_corpus_loses_its_meaning() -> None:
    """None of them names a place in a video or an order; the one happening before another does."""
    truth = json.loads(TRUTH.read_text())
    queries = [moment["query"] for video in truth["videos"] for moment in video["moments"]]
    for query in queries + [negative["query"] for negative in truth["negatives"]]:
        plan = plan_query(query)
        assert (plan.time, plan.ordinal) == (None, None), query
        assert (plan.succession is not None) == ("before clips appear" in query), query
        lost = set(re.findall(r"\w+", query)) - set(re.findall(r"\w+", plan.text))
        assert lost <= WORDS_OF_SENSE, query
