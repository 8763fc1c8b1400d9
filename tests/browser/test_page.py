"""The page in headless Chromium: a person uploads a film, watches it being indexed, searches, asks, and is led there.

Perception is not run: the test publishes what was seen and heard. Needs `apt-get install chromium`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from pydantic import SecretStr

from adapters.media import AvMediaReader
from core.errors import TryAgain
from core.ids import new_id
from core.records import Answer, Box, Evidence, Failure, Modality, Moment, NewVideo, Reason, ReasonKind, Region
from rag.plan import plan_query
from tests.served import Served, answer_of, moment_of, serve_library, write_video

PATIENCE_S = 30
expect.set_options(timeout=PATIENCE_S * 1000)
"""How long the page may take on a machine busy with other things; how fast it is is not what these tests ask."""

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FILM_S = 20

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]


@dataclass
class Tab:
    """A page with what went wrong on it."""

    page: Page
    served: Served
    complaints: list[str] = field(default_factory=list)
    refused_with: int | None = None
    """Status that a test provokes: Chromium itself logs every response over 399, some time after it came."""
    strangers: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def note_request(request: Request) -> None:
            if not request.url.startswith((self.served.url, "blob:", "data:")):
                self.strangers.append(request.url)

        self.page.on("request", note_request)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective))"
        )

    def wait_until(self, claim: str, arg: object = None) -> None:
        """Ask the page until the claim holds.

        ``Page.wait_for_function`` asks from inside the page, where the policy against ``eval`` stops its second try.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(claim, arg):
            assert time.monotonic() < deadline_s, f"never held: {claim}"
            self.page.wait_for_timeout(50)

    def seconds(self) -> float:
        return float(self.page.evaluate("document.getElementById('player').currentTime"))

    def expect_playing_at(self, start_s: float) -> None:
        """The player was led there; it may have played on a little."""
        self.wait_until(
            """start_s => {
                const player = document.getElementById("player");
                return player.readyState > 1 && Math.abs(player.currentTime - start_s) < 2;
            }""",
            start_s,
        )
        assert start_s - 0.05 <= self.seconds() < start_s + 2.5

    def ask_for(self, text: str, mode: str = "search") -> None:
        self.page.get_by_text(mode.capitalize(), exact=True).click()
        self.page.get_by_label("Search or ask").fill(text)
        self.page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "harbour.mp4", FILM_S)


@pytest.fixture
def open_tab(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """Return a function that opens the page of an empty library; at the end nothing may have gone wrong on it."""
    closing = []

    def open_tab(**settings: object) -> Tab:
        serving = serve_library(tmp_path, reader=AvMediaReader(max_duration_s=3600.0), **settings)
        served = serving.__enter__()
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        tab = Tab(context.new_page(), served)
        closing.append((tab, context, serving))
        tab.listen()
        tab.page.goto(served.url)
        return tab

    yield open_tab
    for tab, context, serving in closing:
        context.close()
        serving.__exit__(None, None, None)
        assert tab.strangers == [], "the page spoke to a third party"
        provoked = f"status of {tab.refused_with} "
        assert [text for text in tab.complaints if provoked not in text] == []


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab()


def upload(tab: Tab, path: Path) -> str:
    """Add a file by the button's file dialog and return the id of the video that appears."""
    tab.page.locator("#files").set_input_files(path)
    entry = tab.page.locator("#videos .video").first
    expect(entry).to_be_visible()
    video_id = entry.get_attribute("data-id")
    assert video_id
    return video_id


def index(tab: Tab, video_id: str) -> tuple[Evidence, Evidence]:
    """Publish the film's two parts and finish it; return a spoken line at 4 s and a line on screen at 13 s."""
    tab.served.plan(video_id, FILM_S)
    (said,) = tab.served.publish_part([(4, Modality.SPEECH, "The lighthouse <b>keeper</b> rows home at dusk.")])
    (shown,) = tab.served.publish_part([(13, Modality.SCREEN, "HARBOUR OPEN UNTIL NINE")])
    tab.served.finish(video_id)
    return said, shown


def test_an_upload_is_listed_and_its_progress_followed_until_it_is_ready(tab: Tab, film: Path) -> None:
    expect(tab.page.get_by_role("heading", name="Find the second it happens")).to_be_visible()
    video_id = upload(tab, film)
    entry = tab.page.locator("#videos .video")
    expect(entry).to_contain_text("harbour")
    tab.served.plan(video_id, FILM_S)
    tab.served.begin_part()
    expect(entry).to_contain_text("Listening")
    expect(entry.get_by_role("progressbar")).to_be_visible()
    tab.served.services.catalogue.release_worker("worker")
    tab.served.publish_part([(4, Modality.SPEECH, "Rowing home.")])
    tab.served.publish_part([(13, Modality.SPEECH, "Good night.")])
    tab.served.finish(video_id)
    expect(entry).to_have_attribute("data-status", "ready")
    expect(entry).to_contain_text("0:20")
    expect(entry.get_by_role("progressbar")).to_be_hidden()


def test_pictures_are_fetched_anew_once_their_video_was_indexed_again(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    index(tab, video_id)
    poster = tab.page.locator("#videos .poster img")
    expect(poster).to_have_attribute("src", re.compile(r"thumbnail\?t=0\.000&v=2$"))
    tab.served.services.catalogue.reopen_video(video_id)
    for start_s in (4, 13):
        tab.served.publish_part([(start_s, Modality.SPEECH, "Rowing home.")])
    tab.served.finish(video_id)
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(poster).to_have_attribute("src", re.compile(r"thumbnail\?t=0\.000&v=4$"))
    expect(poster).to_have_count(1)


def test_a_found_moment_shows_why_and_seeks_the_player(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, shown = index(tab, video_id)
    tab.served.finder.moments = (moment_of(shown, matched="harbour"), moment_of(said, matched="lighthouse", score=0.7))
    tab.ask_for("lighthouse in the harbour")
    cards = tab.page.locator(".moment")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("On screen")
    expect(cards.first.locator("mark").first).to_have_text("HARBOUR")
    expect(cards.nth(1)).to_contain_text("The lighthouse <b>keeper</b> rows home")  # as text, not as markup
    tab.wait_until("document.querySelector('.moment img').naturalWidth > 0")
    cards.first.get_by_role("button").click()
    tab.expect_playing_at(13)
    expect(tab.page.locator(".hit")).to_have_count(2)
    tab.page.get_by_role("button", name=re.compile("Result 2")).click()
    tab.expect_playing_at(4)
    assert tab.served.finder.requests[-1].query == "lighthouse in the harbour"


def framed(found: Moment, box: Box, time_s: float = 13.0) -> Moment:
    """Return the moment, its reason naming a box of the picture of an instant."""
    return replace(found, reasons=(replace(found.reasons[0], region=Region(time_s, (box,))),))


FRAME_ERROR_PX = """({ number, middle }) => {
    const still = document.querySelectorAll(".moment .still")[number];
    const [image, frame] = [still.querySelector("img"), still.querySelector(".region rect:last-child")];
    if (!frame) return null;
    const [outer, inner] = [still.getBoundingClientRect(), frame.getBoundingClientRect()];
    const scales = [outer.width / image.naturalWidth, outer.height / image.naturalHeight];
    const fit = getComputedStyle(image).objectFit;
    const scale = fit === "cover" ? Math.max(...scales) : Math.min(...scales);
    const across = outer.x + outer.width / 2 + (middle[0] - 0.5) * image.naturalWidth * scale;
    const along = outer.y + outer.height / 2 + (middle[1] - 0.5) * image.naturalHeight * scale;
    const isInside = inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
    const error = Math.hypot(inner.x + inner.width / 2 - across, inner.y + inner.height / 2 - along);
    return { fit, isRight: isInside && error < 1.5 };
}"""


@pytest.mark.parametrize("is_beside_player", [False, True])
def test_where_a_text_stands_is_framed_in_its_picture(tab: Tab, film: Path, is_beside_player: bool) -> None:
    _, shown = index(tab, upload(tab, film))
    found = moment_of(shown, matched="harbour")
    sides: tuple[Box, ...] = ((0.45, 0.4, 0.6, 0.5), (0.04, 0.7, 0.3, 0.8))
    tab.served.finder.moments = (*(framed(found, box) for box in sides), framed(found, sides[0], time_s=4.0), found)
    if is_beside_player:  # there cards are narrow and their pictures cropped
        tab.page.locator(".video-open").click()
    tab.ask_for("harbour")
    cards = tab.page.locator(".moment")
    expect(cards).to_have_count(4)
    expect(tab.page.locator(".moment .region")).to_have_count(2)  # and none in the picture of another instant
    expect(cards.first.locator(".region title")).to_have_text("Where it is written")
    expect(cards.first.get_by_role("button")).to_have_accessible_name(re.compile("Where it is written is framed"))
    expect(cards.nth(2).get_by_role("button")).not_to_have_accessible_name(re.compile("framed"))
    fits = ["cover", "contain" if is_beside_player else "cover"]
    for number, (box, fit) in enumerate(zip(sides, fits, strict=True)):
        middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
        told = {"number": number, "middle": middle}
        tab.wait_until(f"told => (found => found?.isRight && found.fit === '{fit}')(({FRAME_ERROR_PX})(told))", told)


def test_each_kind_of_reason_has_its_own_words(tab: Tab, film: Path) -> None:
    said, _ = index(tab, upload(tab, film))
    spoken = moment_of(said, matched="lighthouse")
    order, place, title = (
        Reason(modality, 0.8, matched=told, kind=kind)
        for modality, told, kind in (
            (Modality.METADATA, "the second of 3 times", ReasonKind.ORDER),
            (Modality.SPEECH, "near the end", ReasonKind.PLACE),
            (Modality.METADATA, "d01", ReasonKind.TITLE),
        )
    )
    led = Reason(Modality.METADATA, 0.8, matched="follows “Film” at 0:04", kind=ReasonKind.LINK)
    titled = replace(spoken, modality=Modality.METADATA, evidence=(), reasons=(title,))
    ordered = replace(spoken, reasons=(*spoken.reasons, order, led))
    tab.served.finder.moments = (ordered, replace(spoken, reasons=(place,)), titled)
    tab.ask_for("anything")
    cards = tab.page.locator(".moment")
    expect(cards.first.locator(".why > span")).to_have_text(
        ["Spoken: lighthouse", "Order: the second of 3 times", "Link: follows “Film” at 0:04"]
    )
    spoken_hue, order_hue, _ = cards.first.locator(".why .dot").evaluate_all(
        "dots => dots.map((dot) => getComputedStyle(dot).backgroundColor)"
    )
    assert spoken_hue != order_hue
    expect(cards.nth(1).locator(".why > span")).to_have_text(["Place: near the end"])
    expect(cards.nth(2).locator(".why > span")).to_have_text(["Title: d01"])
    expect(tab.page.locator(".moment .badge")).to_have_text(["Spoken", "Spoken", "Title"])


def test_what_only_a_place_names_says_how_much_of_it_lies_there(tab: Tab, film: Path) -> None:
    said, shown = index(tab, upload(tab, film))
    tab.served.finder.moments = (replace(moment_of(said, score=1.0), is_by_place=True), moment_of(shown, score=0.85))
    tab.ask_for("what is said at 0:10")
    expect(tab.page.locator(".moment .fit")).to_have_text(["100 % there", "fits 0.85"])


def test_results_can_be_narrowed_to_a_sense_and_to_the_open_video(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, shown = index(tab, video_id)
    tab.served.finder.moments = (moment_of(said), moment_of(shown))
    tab.ask_for("anything")
    tab.page.get_by_role("group", name="Only results by").get_by_text("On screen").click()
    expect(tab.page.locator(".moment")).to_have_count(1)
    tab.page.locator(".video-open").click()
    tab.page.get_by_label("Where to look").select_option("This video")
    expect(tab.page.locator("#findings-title")).to_have_text("1 moment")
    assert tab.served.finder.requests[-1].video_ids == (video_id,)
    assert tab.served.finder.requests[-1].modalities == ("screen",)


def test_an_answer_cites_and_its_chips_seek(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, shown = index(tab, video_id)
    tab.served.answerer.reply = answer_of("The keeper rows home [1]. The harbour closes at nine [2].", said, shown)
    tab.ask_for("When does the harbour close?", mode="ask")
    chips = tab.page.locator(".answer .text .cite")
    expect(chips).to_have_text(["1", "2"])
    chips.nth(1).hover()
    expect(tab.page.get_by_role("tooltip")).to_contain_text("HARBOUR OPEN UNTIL NINE")
    chips.nth(1).click()
    tab.expect_playing_at(13)
    expect(tab.page.locator(".answer")).to_contain_text("configure a model")
    chips.first.click()
    tab.expect_playing_at(4)


def test_an_abstention_says_so_and_a_broken_answer_says_what_to_do(tab: Tab, film: Path) -> None:
    index(tab, upload(tab, film))
    tab.served.answerer.reply = Answer("", (), (), abstained="Nothing in the library speaks of it.")
    tab.ask_for("What is the weather?", mode="ask")
    expect(tab.page.locator(".abstained")).to_have_text("Nothing in the library speaks of it.")
    tab.served.answerer.error = TryAgain("the model is away", remedy="Start it.")
    tab.ask_for("And now?", mode="ask")
    expect(tab.page.get_by_role("status")).to_contain_text("the model is away")
    expect(tab.page.get_by_role("status")).to_contain_text("Start it.")


def test_nothing_relevant_is_said_plainly(tab: Tab, film: Path) -> None:
    index(tab, upload(tab, film))
    tab.ask_for("a zebra")
    expect(tab.page.get_by_role("status")).to_contain_text("Nothing in the library fits.")


def test_a_looser_search_is_one_click_away_and_kept_in_the_address(tab: Tab, film: Path) -> None:
    said, shown = index(tab, upload(tab, film))
    tab.served.finder.floor = 0.3
    tab.served.finder.moments = (moment_of(said, score=0.5), moment_of(shown, score=0.35))
    cards, fit, status = tab.page.locator(".moment"), tab.page.get_by_label("must fit"), tab.page.get_by_role("status")
    tab.ask_for("a zebra")
    expect(cards).to_have_count(2)
    assert tab.served.finder.requests[-1].min_score is None
    fit.select_option("Fit: sure")
    expect(cards).to_have_count(1)
    tab.served.finder.moments = (moment_of(shown, score=0.2),)
    tab.ask_for("a giraffe")
    expect(status).to_contain_text("Nothing in the library fits surely.")
    status.get_by_role("button").click()
    expect(status).to_contain_text("Nothing in the library fits.")
    status.get_by_role("button", name="Show what is nearest").click()
    expect(cards).to_have_count(1)
    assert tab.served.finder.requests[-1].min_score == 0
    tab.page.wait_for_url(re.compile("q=a\\+giraffe&fit=any"))
    tab.page.reload()
    expect(cards).to_have_count(1)
    expect(fit).to_have_value("any")
    tab.page.go_back()
    expect(fit).to_have_value("normal")
    expect(cards).to_have_count(0)
    tab.page.get_by_text("Ask", exact=True).click()
    expect(fit).to_be_hidden()


def test_words_that_matched_are_marked_within_a_script_without_spaces(tab: Tab, film: Path) -> None:
    tab.served.plan(upload(tab, film), FILM_S)
    (said,) = tab.served.publish_part([(4, Modality.SPEECH, "一定要用这个辈子固定器。")])
    tab.served.finder.moments = (moment_of(said, matched="子固定器"),)
    tab.ask_for("被子固定器")
    expect(tab.page.locator(".moment mark")).to_have_text("子固定器")
    expect(tab.page.locator(".moment .why")).to_have_text("Spoken: 子固定器")


def test_what_a_query_was_taken_to_ask_for_is_shown(tab: Tab, film: Path) -> None:
    tab.served.finder.planner = plan_query
    understood = tab.page.locator("#understood")
    tab.ask_for("someone says “no entry” in the first minute")
    expect(understood.locator(".chip")).to_have_text(["said", "“no entry”", "in the first minute"])
    tab.ask_for("a snowstorm")
    expect(understood).to_be_hidden()


def test_a_transcript_line_seeks_and_the_playing_line_is_lit(tab: Tab, film: Path) -> None:
    index(tab, upload(tab, film))
    tab.page.locator(".video-open").click()
    lines = tab.page.locator(".line")
    expect(lines).to_have_count(2)
    lines.nth(1).get_by_role("button").click()
    tab.expect_playing_at(13)
    expect(tab.page.locator(".line.now")).to_contain_text("HARBOUR")
    tab.page.keyboard.press("ArrowLeft")
    tab.expect_playing_at(8)
    expect(tab.page.locator(".line.now")).to_contain_text("lighthouse")


def test_a_link_opens_the_video_at_its_second(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, _ = index(tab, video_id)
    tab.served.finder.moments = (moment_of(said),)
    tab.page.goto("about:blank")
    tab.page.goto(f"{tab.served.url}/#v={video_id}&t=11.5&q=keeper")
    tab.expect_playing_at(11.5)
    expect(tab.page.locator(".moment")).to_have_count(1)
    tab.page.locator(".moment button").click()
    tab.page.wait_for_url(re.compile(r"t=4\.\d"))


def bury(tab: Tab) -> None:
    """Add as many newer videos as a page of the list holds, and open the library again."""
    catalogue = tab.served.services.catalogue
    for number in range(50):
        video = NewVideo(new_id(), "default", f"Reel {number}", "reel.mp4", f"hash {number}", "reel.mp4", 1, 5.0)
        catalogue.add_video(video)
        catalogue.fail_video(video.id, Failure("probe", "it holds nothing"))
    tab.page.goto("about:blank")
    tab.page.goto(tab.served.url)
    expect(tab.page.locator("#videos .video")).to_have_count(50)


def test_a_video_further_down_the_library_opens_from_a_result_a_citation_and_a_link(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, shown = index(tab, video_id)
    bury(tab)
    tab.served.finder.moments = (moment_of(shown),)
    tab.ask_for("harbour")
    tab.page.locator(".moment button").click()
    tab.expect_playing_at(13)
    expect(tab.page.locator(f'.video.selected[data-id="{video_id}"]')).to_have_count(1)

    tab.page.goto("about:blank")
    tab.page.goto(tab.served.url)
    tab.served.answerer.reply = answer_of("The keeper rows home [1].", said)
    tab.ask_for("Who rows home?", mode="ask")
    tab.page.locator(".answer .text .cite").click()
    tab.expect_playing_at(4)

    tab.page.goto("about:blank")
    tab.page.goto(f"{tab.served.url}/#v={video_id}&t=11.5")
    tab.expect_playing_at(11.5)
    expect(tab.page.locator("#stage-title")).to_have_text("harbour")


def test_a_video_that_is_gone_is_said_to_be(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, shown = index(tab, video_id)
    gone = replace(shown, video_id=new_id())
    tab.served.finder.moments = (moment_of(gone), moment_of(said))
    tab.ask_for("harbour")
    tab.page.locator(".moment button").first.click()
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("not in the library any more")
    tab.page.locator(".moment button").nth(1).click()
    tab.expect_playing_at(4)
    expect(alert).to_be_hidden()

    tab.page.goto("about:blank")
    tab.page.goto(f"{tab.served.url}/#v={gone.video_id}&t=3&q=harbour")
    expect(tab.page.locator(".moment")).to_have_count(2)
    expect(alert).to_contain_text("not in the library any more")
    tab.refused_with = 404


def test_back_goes_to_the_search_before_the_question(tab: Tab, film: Path) -> None:
    said, _ = index(tab, upload(tab, film))
    tab.served.finder.moments = (moment_of(said),)
    tab.served.answerer.reply = answer_of("The keeper rows home [1].", said)
    tab.ask_for("keeper")
    expect(tab.page.locator("#findings-title")).to_have_text("1 moment")
    tab.ask_for("keeper", mode="ask")
    expect(tab.page.locator(".answer .text .cite")).to_have_count(1)
    tab.page.go_back()
    expect(tab.page.locator("#answer")).to_be_hidden()
    expect(tab.page.locator("#findings-title")).to_have_text("1 moment")
    assert tab.page.url.endswith("#q=keeper")
    tab.page.go_forward()
    expect(tab.page.locator(".answer .text .cite")).to_have_count(1)
    assert tab.page.url.endswith("#q=keeper&m=ask")


def test_back_goes_to_the_search_in_all_videos(tab: Tab, film: Path) -> None:
    video_id = upload(tab, film)
    said, _ = index(tab, video_id)
    tab.served.finder.moments = (moment_of(said),)
    tab.page.locator(".video-open").click()
    tab.ask_for("keeper")
    expect(tab.page.locator(".moment")).to_have_count(1)
    with tab.page.expect_response("**/v1/search"):
        tab.page.get_by_label("Where to look").select_option("This video")
    tab.page.wait_for_url(re.compile("in=one"))
    with tab.page.expect_response("**/v1/search"):
        tab.page.go_back()
    assert tab.served.finder.requests[-1].video_ids == ()
    assert "in=one" not in tab.page.url


def test_an_answer_that_breaks_off_is_said_to(tab: Tab) -> None:
    tab.page.evaluate(
        """() => {
            const broken = { start: (controller) => controller.error(new TypeError("network error")) };
            window.fetch = async () => new Response(new ReadableStream(broken));
        }"""
    )
    tab.ask_for("keeper")
    expect(tab.page.locator("#status")).to_contain_text("The server does not answer")


def test_a_refused_file_says_why_and_what_to_do(tab: Tab, tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_text("this is no film")
    tab.page.locator("#files").set_input_files(notes)
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("notes.mp4")
    expect(alert.locator(".remedy")).not_to_be_empty()
    tab.refused_with = 422


def test_a_file_the_browser_cannot_play_is_shown_in_stills(tab: Tab, tmp_path: Path) -> None:
    video_id = upload(tab, write_video(tmp_path / "old camera.avi", FILM_S, codec="mpeg4"))
    _, shown = index(tab, video_id)
    tab.served.finder.moments = (moment_of(shown),)
    tab.ask_for("harbour")
    tab.page.locator(".moment button").click()
    expect(tab.page.locator("#stage-notes")).to_contain_text("This browser cannot play the file")
    expect(tab.page.locator("#player")).to_have_attribute("poster", re.compile(r"thumbnail\?t=13\.00&v=2$"))
    expect(tab.page.locator(".line.now")).to_contain_text("HARBOUR")


def test_dropped_files_are_uploaded(tab: Tab, film: Path) -> None:
    data = film.read_bytes()
    tab.page.evaluate(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.mp4", { type: "video/mp4" }));
            const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(drop);
        }""",
        list(data),
    )
    expect(tab.page.locator("#videos .video")).to_contain_text("dropped")


def test_deleting_asks_first(tab: Tab, film: Path) -> None:
    index(tab, upload(tab, film))
    tab.page.locator(".video").hover()
    tab.page.get_by_role("button", name="Delete harbour").click()
    tab.page.get_by_role("button", name="Keep").click()
    expect(tab.page.locator("#videos .video")).to_have_count(1)
    tab.page.get_by_role("button", name="Delete harbour").click()
    tab.refused_with = 404  # its picture may still be on the way
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.locator("#videos .video")).to_have_count(0)
    expect(tab.page.get_by_role("heading", name="Find the second it happens")).to_be_visible()


def test_a_guarded_library_asks_for_its_key(open_tab: Callable[..., Tab], film: Path) -> None:
    tab = open_tab(api_key=SecretStr("open sesame"))
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("API key").fill("wrong")
    tab.page.keyboard.press("Enter")
    expect(dialog).to_contain_text("That key was refused")
    dialog.get_by_label("API key").fill("open sesame")
    tab.page.keyboard.press("Enter")
    video_id = upload(tab, film)
    index(tab, video_id)
    tab.page.locator(".video-open").click()
    tab.wait_until("document.getElementById('player').readyState > 0")  # the media took ?key=
    tab.refused_with = 401


@pytest.mark.parametrize("width_px", [375, 900, 1280])
def test_titles_and_the_query_can_be_read_beside_the_player(tab: Tab, film: Path, width_px: int) -> None:
    tab.page.set_viewport_size({"width": width_px, "height": 800})
    _, shown = index(tab, upload(tab, film))
    tab.served.finder.moments = (moment_of(shown, title="Harbour film, reel two"),)
    tab.ask_for("harbour")
    tab.page.locator(".moment button").click()
    expect(tab.page.get_by_label("Where to look")).to_be_visible()
    assert tab.page.evaluate("(e => e.clientWidth / 12.5)(document.querySelector('.moment .title'))") > 12
    # An em is about two letters.
    assert tab.page.evaluate("(e => e.clientWidth / 16)(document.getElementById('query'))") > 9


@pytest.mark.parametrize("width_px", [400, 768, 1440])
def test_the_page_never_scrolls_sideways(tab: Tab, film: Path, width_px: int) -> None:
    tab.page.set_viewport_size({"width": width_px, "height": 800})
    said, shown = index(tab, upload(tab, film))
    tab.served.answerer.reply = answer_of("The keeper rows home [1]. " + "Averylongword" * 12, said, shown)
    tab.ask_for("Who rows home?", mode="ask")
    tab.page.locator(".answer .text .cite").first.click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width_px
