"""The page in a real browser: what it shows, what it can do, and that nothing leaves it."""

import os
import re
import shutil
from urllib.parse import quote

import numpy as np
import pytest
from markdown_it import MarkdownIt

from support.browser_records import CASES, answer, run
from support.observations import raised, returned
from support.page_records import HOSTILE, SUBJECT, converted, known
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.arguments import interpret as interpretation_of
from tf_conv_conformance.convolution.names import MODES
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.records.changes import compare
from tf_conv_conformance.records.merge import merge
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.report.page import write
from tf_conv_conformance.subject.observation import Answer, Observation

BROWSER = next(
    filter(
        None,
        map(
            shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        ),
    ),
    None,
)
pytestmark = pytest.mark.skipif(
    BROWSER is None and not os.environ.get("CI"), reason="needs Chromium or Chrome on PATH"
)

ATROUS = "cases/a.yaml::atrous[strides2-SAME-rate1x3-float32-eager]"
WRONG = "cases/a.yaml::wrong[float32-eager]"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write(merge([run(folder, SUBJECT)]), folder / "index.html")
    return folder / "index.html"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a page; its script must raise nothing and request nothing from elsewhere."""
    context = chromium.new_context(
        viewport={"width": 1400, "height": 1000}, permissions=["clipboard-read", "clipboard-write"]
    )
    troubles, requests = [], []

    def opened(path, fragment=""):
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector(".row")
        return page

    yield opened
    context.close()
    assert troubles == []
    assert {url.partition("#")[0].rpartition("/")[2] for url in requests} <= {"index.html"}
    assert all(url.startswith("file://") for url in requests)


def count(page):
    return page.inner_text("#filters output")


def choose(page, facet, *labels):
    """Checks values of a facet, whose list may be closed."""
    page.evaluate(
        "document.querySelectorAll('.facets, .facet').forEach(one => { one.open = true })"
    )
    for label in labels:
        page.check(f".facets [name={facet}][value='{label}']")


def chosen_values(page, facet):
    return page.evaluate(
        "name => [...document.querySelectorAll(`[name=${name}]:checked`)].map(one => one.value)",
        facet,
    )


def counts_of(page, facet):
    """The values of a facet that can be chosen, with their counts."""
    return {
        label.locator("input").get_attribute("value"): int(
            label.locator("b").text_content().replace(",", "")
        )
        for label in page.locator(f".values label:not([hidden]):has([name={facet}])").all()
    }


def serious(page):
    """What axe finds that is serious or worse, with the first element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    worst = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in worst]


def chosen(page, identifier):
    page.wait_for_function(
        "text => document.querySelector('.detail h3')?.textContent === text", arg=identifier
    )


def test_the_head_counts_and_its_buttons_filter(visit, report):
    page = visit(report)
    assert "needs attention: 2 violates" in page.inner_text(".outcome")
    page.click(".totals >> text=violates")
    assert count(page).startswith("2 of ")
    assert chosen_values(page, "verdict") == ["violates"]
    assert {row.get_attribute("title") for row in page.locator(".row").all()} == {
        WRONG,
        WRONG.replace("32", "64"),
    }
    page.click("text=Verdict: violates")
    assert count(page).partition(" of ")[0] == count(page).partition(" of ")[2].split()[0]


def test_failing_calls_come_first_and_are_named_at_the_top(visit, report):
    page = visit(report)
    assert page.locator(".row").first.get_attribute("title") == WRONG
    page.click(f"#failing a >> text={WRONG}")
    chosen(page, WRONG)
    assert "; first at [0, 3, 5, 0]: " in page.inner_text(".detail")


def test_search_and_filters_narrow_as_they_are_typed(visit, report):
    page = visit(report)
    page.fill("[name=text]", "ATROUS strides4")
    narrowed = count(page)
    choose(page, "mode", "xla")
    choose(page, "dtype", "float64")
    choose(page, "rule", "depthwise.out-channels")
    assert narrowed.startswith("36 of ")
    assert count(page).startswith("6 of ")
    page.fill("[name=text]", "ATROUS strides4 nothing")
    assert count(page).startswith("0 of ")
    assert page.is_visible("text=No call matches")
    page.click("text=Clear")
    assert not count(page).startswith("0 of ")
    assert not page.is_visible("text=No call matches")


def test_shapes_strides_and_rates_are_found_as_people_write_them(visit, report):
    page = visit(report)
    counts = set()
    for text in ("[1, 9, 8, 2]", "1,9,8,2", "(1, 9, 8, 2) [2,3,2,1]"):
        page.fill("[name=text]", text)
        counts.add(count(page))
    assert len(counts) == 1
    assert not counts.pop().startswith("0 of ")
    page.fill("[name=text]", "strides=4 dilations=2")
    found = count(page)
    page.click("text=Clear")
    choose(page, "stride", "4")
    choose(page, "rate", "2")
    assert count(page) == found
    assert not found.startswith("0 of ")
    page.click("text=Clear")
    page.fill("[name=text]", "rate=1")
    found = count(page)
    page.click("text=Clear")
    choose(page, "rate", "1")
    assert count(page) == found, "and not the rate of 1 by 3"


def test_a_value_is_counted_under_the_other_filters(visit, report):
    page = visit(report)
    everywhere = counts_of(page, "mode")
    assert everywhere == {"eager": 62, "graph": 62, "xla": 62}
    choose(page, "op", "depthwise_conv2d")
    choose(page, "rate", "2")
    assert counts_of(page, "mode") == {"eager": 12, "graph": 12, "xla": 12}
    assert counts_of(page, "op") == {"conv2d": 36, "depthwise_conv2d": 36}
    assert counts_of(page, "rate") == {"1": 36, "1,3": 36, "2": 36}
    choose(page, "rate", "1,3")
    assert count(page).startswith("72 of "), "values of a facet are alternatives"
    assert "violates" not in counts_of(page, "verdict")
    choose(page, "outcome", "in phases")
    assert count(page).startswith("48 of ")
    assert counts_of(page, "against") == {"depthwise.unit-strides-when-atrous": 48}


def test_a_deep_link_and_the_state_of_the_list_survive_a_reload(visit, report):
    page = visit(report, f"#{quote(ATROUS, safe='')}")
    chosen(page, ATROUS)
    page.fill("[name=text]", "atrous")
    page.select_option("[name=sort]", "name")
    page.select_option("[name=group]", "mode")
    page.locator(".row[aria-selected=false]").nth(3).click()
    name, state, address = page.inner_text(".detail h3"), count(page), page.url
    page.reload()
    chosen(page, page.locator(".row[aria-selected=true]").get_attribute("title"))
    assert (page.inner_text(".detail h3"), count(page), page.url) == (name, state, address)
    assert page.input_value("[name=sort]") == "name"
    other = visit(report, address[address.index("#") :])
    assert count(other) == state


def test_back_returns_from_what_was_clicked(visit, report):
    page = visit(report)
    everything = count(page)
    page.click(".totals >> text=deviates")
    assert count(page) != everything
    page.go_back()
    page.wait_for_function(
        "text => document.querySelector('#filters output').textContent === text", arg=everything
    )


def test_a_cell_of_the_matrix_shows_its_calls(visit, report):
    page = visit(report)
    cell = page.locator("td.hidden button").first
    assert "≠ values" in cell.text_content()
    assert "same shape, other values" in cell.get_attribute("title")
    cell.click()
    assert count(page).startswith("3 of ")
    title = page.locator(".row").first.get_attribute("title")
    assert re.search(r"atrous\[strides[24]-", title)
    page.reload()
    page.wait_for_selector(".row")
    assert count(page).startswith("3 of "), "the address names the cell"


@pytest.fixture
def converted_page(tmp_path, calls):
    write([converted(tmp_path, calls)], tmp_path / "index.html")
    return tmp_path / "index.html"


def test_modes_that_disagree_are_seen_and_lead_to_their_calls(visit, converted_page):
    from playwright.sync_api import expect

    page = visit(converted_page)
    cell = page.locator("td:has(.agreeing) button").last
    cell.scroll_into_view_if_needed()
    expect(cell).to_have_text(
        "3×3 4×4 in phases TensorFlow 3×3 documented tflite, tflite-reference"
        " 4×4 another result onnx",
        use_inner_text=True,
    )
    cell.click()
    assert count(page).startswith("8 of ")
    multiple = page.locator(
        ".multiple:has(caption:has-text('tflite')) a[title^='stride 4, rate 2']"
    )
    assert multiple.first.get_attribute("title") == "stride 4, rate 2: 1 documented"
    multiple.first.click()
    assert count(page).startswith("1 of ")
    page.click("#modes [aria-label='2 violates in tflite']")
    assert count(page).startswith("2 of ")
    assert chosen_values(page, "mode") == ["tflite"]
    page.click("#modes-depthwise_conv2d-onnx")
    assert count(page).startswith("2 of ")
    page.click("text=Clear")
    assert list(counts_of(page, "mode")) == list(MODES)


def test_a_call_links_to_itself_in_other_modes(visit, converted_page):
    identifier = "f.yaml::atrous[strides4-rate2-{}]"
    page = visit(converted_page, f"#{quote(identifier.format('onnx'), safe='')}")
    chosen(page, identifier.format("onnx"))
    others = page.locator(".others li").all_inner_texts()
    assert [one.split(" ", 1)[0] for one in others] == [mode for mode in MODES if mode != "onnx"]
    assert others[0] == "eager deviates: [1, 4, 4, 2], in phases"
    assert others[-1] == "litert unsupported: not made"
    page.click(".others >> text=tflite-reference")
    chosen(page, identifier.format("tflite-reference"))


@pytest.mark.slow
def test_axe_finds_nothing_serious_where_modes_disagree(visit, converted_page):
    identifier = "f.yaml::atrous[strides4-rate2-tflite]"
    page = visit(converted_page, f"#{quote(identifier, safe='')}")
    chosen(page, identifier)
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_python_is_copied_and_is_python(visit, report):
    page = visit(report, f"#{quote(ATROUS, safe='')}")
    chosen(page, ATROUS)
    page.click(".copied .copy >> nth=0")
    page.wait_for_selector(".copied .copy >> text=Copied")
    pasted = page.evaluate("navigator.clipboard.readText()")
    assert (
        "tf.nn.depthwise_conv2d(x, w, strides=[1, 2, 2, 1], padding='SAME', dilations=[1, 3]"
        in pasted
    )
    compile(pasted, "pasted", "exec")


def as_markdown(page):
    page.click("text=Copy as Markdown")
    page.wait_for_selector(".actions >> text=Copied")
    return page.evaluate("navigator.clipboard.readText()")


def test_a_call_is_copied_as_markdown_for_a_report(visit, report):
    text = as_markdown(detail_of(visit, report, ATROUS))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    assert tokens[0].tag == "h3"
    fences = {token.info: token.content for token in tokens if token.type == "fence"}
    compile(fences["python"], "pasted", "exec")
    assert "tf.nn.depthwise_conv2d(x, w, strides=[1, 2, 2, 1]" in fences["python"]
    assert "\ncases:\n  - id: atrous\n" in fences["yaml"]
    assert load_text(fences["yaml"]).diagnostics == ()
    assert text.startswith("### `tf.nn.depthwise_conv2d` in mode `eager` is not as documented\n")
    assert "- Follows: `the model phase_strided`" in text
    assert "- TensorFlow: `2.21.0`" in text


def test_markdown_of_a_call_whose_deviation_is_gone_says_that_it_is_as_documented(visit, tmp_path):
    def documented(call):
        return raised("ValueError") if call.deviations else returned(call)

    page = tmp_path / "index.html"
    write(merge([run(tmp_path, SUBJECT, documented)]), page)
    text = as_markdown(detail_of(visit, page, ATROUS))
    assert text.startswith("### `tf.nn.depthwise_conv2d` in mode `eager` is as documented\n")


def test_hostile_text_is_code_in_markdown_and_long_text_is_cut(visit, tmp_path):
    subject = {**SUBJECT, "environment": {"TF_X": HOSTILE, "TF_Y": "`" * 5 + "\n# @me " * 90}}
    write(merge([run(tmp_path, subject)]), tmp_path / "index.html")
    text = as_markdown(detail_of(visit, tmp_path / "index.html", WRONG))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    allowed = {"heading_open", "heading_close", "inline", "fence", "paragraph_open"}
    lists = {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"}
    assert {token.type for token in tokens} <= {*allowed, *lists, "paragraph_close"}
    assert {child.type for child in inner} == {"text", "code_inline"}
    words = "".join(child.content for child in inner if child.type == "text")
    assert not re.search(r"[<@#]|alert|https?:", words)
    assert any("<script>alert(1)" in child.content for child in inner)
    assert "\u202e" not in text
    assert re.search(r"- TF_Y: `{6} `{5} # @me .*… \(\d+ more characters\) `{6}\n", text)


def test_a_link_survives_that_its_case_is_moved_or_renamed(visit, report, tmp_path):
    link = visit(report, f"#{quote(WRONG, safe='')}").locator(".permalink").get_attribute("href")
    assert re.fullmatch(re.escape(f"#{quote(WRONG, safe='')}?h=") + "[0-9a-f]{8}", link)
    lines = (report.parent / "results.jsonl").read_text(encoding="utf-8")
    moved = lines.replace("cases/a.yaml", "cases/else/b.yaml").replace("wrong", "renamed")
    (tmp_path / "results.jsonl").write_text(moved, encoding="utf-8")
    write(merge([("r", read(tmp_path / "results.jsonl"))]), tmp_path / "index.html")
    page = visit(tmp_path / "index.html", link)
    chosen(page, "cases/else/b.yaml::renamed[float32-eager]")
    gone = visit(tmp_path / "index.html", link[:-8] + "00000000")
    assert "has no call cases/a.yaml::wrong" in gone.inner_text(".detail")
    assert "has no call cut%E0%A" in visit(report, "#cut%E0%A").inner_text(".detail")


def taps_drawn(page, model):
    """The input elements that a picture marks as read."""
    return {
        tuple(place)
        for place in page.evaluate(
            """model => {
                const picture = [...document.querySelectorAll(`[data-model=${model}] svg`)].pop();
                const cells = (one, name) => one.getAttribute(name) / picture.dataset.cell;
                const taps = [...picture.querySelectorAll('.tap')];
                return taps.map((one) => [cells(one, 'y'), cells(one, 'x')]);
            }""",
            model,
        )
    }


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_the_picture_marks_what_the_oracle_reads(visit, report, padding):
    identifier = ATROUS.replace("SAME", padding)
    page = visit(report, f"#{quote(identifier, safe='')}")
    chosen(page, identifier)
    (call,) = [
        one for one in load_text(CASES % "x").calls if f"cases/a.yaml::{one.name}" == identifier
    ]
    interpretation = interpretation_of(call.arguments)
    sizes = [DOCUMENTED.size(axis) for axis in (interpretation.height, interpretation.width)]
    page.fill("[aria-label='output row']", "0")
    page.fill("[aria-label='output column']", "0")
    for step in range(sizes[0] * sizes[1]):
        row, column = (
            int(page.input_value(f"[aria-label='output {name}']")) for name in ("row", "column")
        )
        for model in (DOCUMENTED, PHASE_STRIDED):
            rows, columns = (
                model.indices(interpretation.height),
                model.indices(interpretation.width),
            )
            if row < len(rows) and column < len(columns):
                assert taps_drawn(page, model.name) == {
                    (y, x) for y in rows[row] for x in columns[column]
                }, (model.name, row, column)
            else:
                assert f"has no output [{row}, {column}]" in page.inner_text(
                    f"[data-model={model.name}]"
                )
        page.click("text=next →")
        if step == 0:
            assert (
                page.input_value("[aria-label='output row']"),
                page.input_value("[aria-label='output column']"),
            ) == ("0", "1")


def test_the_picture_begins_where_the_models_part(visit, report):
    page = visit(report, f"#{quote(ATROUS, safe='')}")
    chosen(page, ATROUS)
    assert taps_drawn(page, "documented") != taps_drawn(page, "phase_strided")


def test_the_heat_map_shows_where_and_leads_to_the_picture(visit, report):
    page = visit(report, f"#{quote(WRONG, safe='')}")
    chosen(page, WRONG)
    assert "by 4 at most" in page.inner_text(".heatmap")
    assert len(taps_drawn(page, "documented")) == 6
    assert (3, 5) in taps_drawn(page, "documented"), "it begins where the difference is largest"
    page.fill("[aria-label='output row']", "0")
    hot = page.evaluate(
        "() => { const picture = document.querySelector('.heatmap svg'); const cell "
        "= picture.dataset.cell;"
        " return [...picture.querySelectorAll('.heat:not(.h0)')].map((one) => "
        "[one.getAttribute('y') / cell, one.getAttribute('x') / cell]); }"
    )
    assert hot == [[3, 5]]
    cell = float(page.locator(".heatmap svg").get_attribute("data-cell"))
    page.locator(".heatmap svg").click(position={"x": 5.5 * cell, "y": 3.5 * cell})
    assert (
        page.input_value("[aria-label='output row']"),
        page.input_value("[aria-label='output column']"),
    ) == ("3", "5")
    assert np.array(sorted(taps_drawn(page, "documented"))).tolist() == [
        [3, 5],
        [3, 6],
        [3, 7],
        [4, 5],
        [4, 6],
        [4, 7],
    ]


def test_the_arithmetic_and_the_case_are_shown(visit, report):
    page = visit(report, f"#{quote(ATROUS, safe='')}")
    chosen(page, ATROUS)
    text = page.inner_text(".detail")
    assert "out = ceil(n / s) = ceil(9 / 2) = 5" in text
    assert "padding = (k-1)*r = (3-1)*3 = 6, whatever the stride: 3 before and 3 after" in text
    assert "The case, cases/a.yaml:8" in text
    assert "sweep: {strides: [1, 2, 4], rate: [1, 2, [1, 3]], padding: [SAME, VALID], " in text
    assert "Explained by the model phase-strided" in text


def detail_of(visit, path, identifier):
    page = visit(path, "#" + quote(identifier, safe=""))
    chosen(page, identifier)
    return page


def excluded(page):
    """What the chosen call's page lists as excluded, and which of it by this call."""
    section = page.locator(".detail section").filter(
        has=page.get_by_role("heading", name="Wrong oracles that the data excludes")
    )
    items = section.locator("li").all()
    return (
        section.locator("p").inner_text(),
        [item.inner_text() for item in items],
        [item.inner_text() for item in items if item.get_attribute("class")],
    )


def test_the_wrong_oracles_that_the_data_excludes_are_listed(visit, report):
    """Of the 72 calls of the case, the half with rate 1 have no dilation to ignore, and each half
    has its own dtype's precision.
    """
    page = detail_of(visit, report, "cases/a.yaml::plain[strides1-SAME-rate1-float32-eager]")
    about, listed, here = excluded(page)
    assert about.startswith(
        "Each would have given another result on the data of the 72 calls of its case"
    )
    assert {
        "height padding shifted by one",
        "last tap dropped",
        "filter flipped in height and width",
    } <= set(here)
    assert "dilation ignored (36 of 72 calls, not this one)" in listed
    assert "dilation ignored" not in " ".join(here)
    assert "sums of 24 bits (36 of 72 calls, not this one)" in listed
    assert "sums of 11 bits (36 of 72 calls)" in here
    page = detail_of(visit, report, "cases/a.yaml::plain[strides1-SAME-rate2-float32-eager]")
    assert "dilation ignored (36 of 72 calls)" in excluded(page)[2]


def test_of_a_call_that_is_refused_nothing_is_said_to_be_excluded(visit, tmp_path, calls):
    from support.page_records import excluding

    write([excluding(tmp_path, calls)], tmp_path / "index.html")
    names = ("some[filterliteral3.0_5.0-strides0-eager]", "none[eager]")
    some, none = (detail_of(visit, tmp_path / "index.html", f"f.yaml::{name}") for name in names)
    about, listed, here = excluded(some)
    assert about.startswith("This call is not compared with an oracle's values. Each would")
    assert "last tap dropped (2 of 3 calls, not this one)" in listed
    assert here == []
    assert none.get_by_role("heading", name="Wrong oracles that the data excludes").count() == 0


def test_what_was_known_of_a_shape_is_shown(visit, tmp_path, calls):
    write([known(tmp_path, calls)], tmp_path / "index.html")
    lost, full = (
        detail_of(visit, tmp_path / "index.html", f"f.yaml::lost[{mode}]")
        for mode in ("graph", "xla")
    )
    assert lost.get_by_text("static: [1, None, None, 3]").count() == 1
    assert full.get_by_text("Known shape").count() == 0


def test_the_list_is_driven_by_the_keyboard(visit, report):
    page = visit(report)
    page.focus(".list")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "End"):
        page.keyboard.press(key)
    last = page.locator(".row").last.get_attribute("title")
    chosen(page, last)
    assert page.locator(".list").get_attribute("aria-activedescendant") == page.locator(
        ".row"
    ).last.get_attribute("id")
    page.keyboard.press("Home")
    chosen(page, WRONG)


def test_groups_say_who_disagrees(visit, report):
    page = visit(report)
    page.fill("[name=text]", "wrong")
    page.select_option("[name=group]", "mode")
    assert page.inner_text(".heading") == "eager: violates; graph, xla: conforms (6 calls)"
    page.select_option("[name=group]", "dtype")
    assert page.locator(".heading").all_inner_texts() == [
        "no disagreement: violates (2 calls)",
        "no disagreement: conforms (4 calls)",
    ]


def test_only_rows_in_sight_are_drawn(visit, report):
    page = visit(report)
    assert page.locator(".row").count() < 60
    page.evaluate("document.querySelector('.list').scrollTop = 1e9")
    page.wait_for_function(
        "() => "
        "[...document.querySelectorAll('.row')].pop().getAttribute('aria-posinset') "
        "=== document.querySelector('.row').getAttribute('aria-setsize')"
    )


def test_rules_lead_to_their_calls(visit, report):
    page = visit(report, "#rule-conv2d.values")
    assert page.locator("#rule-conv2d\\.values").is_visible()
    button = page.locator("#rules [href='#?against=depthwise.unit-strides-when-atrous']")
    wanted = button.text_content()
    button.click()
    assert count(page).startswith(f"{wanted} of ")
    button = page.locator("#rules [href='#?supports=conv2d.values']")
    wanted = button.text_content()
    button.click()
    assert chosen_values(page, "supports") == ["conv2d.values"]
    assert count(page).startswith(f"{wanted} of ")


def test_hostile_text_is_text_and_a_script_address_is_no_link(visit, report):
    page = visit(report, f"#{quote(WRONG, safe='')}")
    chosen(page, WRONG)
    assert HOSTILE in page.text_content(".detail .notes")
    assert f"UserWarning: {HOSTILE}" in page.text_content(".detail dl")
    assert page.locator("img").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert "javascript:alert(3)" in page.inner_text(".detail ul >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, report, colours):
    page = visit(report, f"#{quote(WRONG, safe='')}")
    page.emulate_media(color_scheme=colours)
    chosen(page, WRONG)
    page.select_option("[name=group]", "mode")
    assert serious(page) == []


def test_it_prints_what_was_chosen_and_fits_a_phone(visit, report):
    page = visit(report, f"#{quote(ATROUS, safe='')}")
    chosen(page, ATROUS)
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert not page.locator(".list").is_visible()
    assert page.locator(".detail").evaluate("one => one.scrollHeight <= one.clientHeight")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_all_verdicts_of_a_mode_are_seen(visit, converted_page):
    page = visit(converted_page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("#modes .wide").evaluate("one => one.scrollWidth <= one.clientWidth")
    heads = page.locator("#modes th[scope=col]:visible").all_inner_texts()
    assert {"conforms", "deviates", "≠ eager"} <= set(heads), "for a screen reader as well"


@pytest.mark.parametrize("size", [(390, 800), (1400, 1000)])
def test_a_short_list_leaves_its_room_to_the_call(visit, report, size):
    page = visit(report)
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    height = "one => one.getBoundingClientRect().height"
    whole = page.locator(".list").evaluate(height)
    page.fill("[name=text]", "ATROUS strides4 float64 rate=2 eager")
    assert 0 < page.locator(".row").count() < 4
    assert page.locator(".list").evaluate(height) < whole / 2
    page.fill("[name=text]", "")
    assert page.locator(".list").evaluate(height) == whole


def test_why_calls_are_unsupported_is_said_at_the_top(visit, converted_page):
    page = visit(converted_page)
    assert not page.is_visible(".reasons li")
    page.click("text=Why 6 calls are unsupported")
    assert page.locator(".reasons li").all_inner_texts() == ["6 requires litert"]


def test_two_versions_stand_side_by_side(visit, tmp_path):
    def older(call):
        if call.deviations:
            return Observation(
                "answered", (Answer(error="ValueError", bases=("ValueError",), message="no"),) * 2
            )
        return answer(call)

    old = run(tmp_path, {**SUBJECT, "tensorflow": "2.9.0"}, older, "old.jsonl")
    new = run(tmp_path, {**SUBJECT, "tensorflow": "2.10.0"}, name="new.jsonl")
    write(merge([new, old]), tmp_path / "index.html")
    page = visit(tmp_path / "index.html")
    assert page.locator(".versions thead th").all_inner_texts() == ["Calls", "2.9.0", "2.10.0"]
    row = page.locator(".versions tbody tr").first
    assert "atrous" in row.inner_text()
    assert "ValueError" in row.locator("td").first.inner_text()
    row.locator("button").click()
    shown = int(count(page).split()[0])
    choose(page, "version", "2.9.0")
    assert int(count(page).split()[0]) * 2 == shown
    page.uncheck("[name=version][value='2.9.0']")
    page.select_option("[name=group]", "version")
    assert page.inner_text(".heading").startswith("2.10.0: deviates; 2.9.0: ")


def test_what_changed_since_an_earlier_run_leads_to_its_calls(visit, tmp_path):
    def before(call):
        return returned(call, "documented") if call.case.id == "wrong" else answer(call)

    old = run(tmp_path, {**SUBJECT, "numpy": "1"}, before, "old.jsonl")
    new = run(tmp_path, SUBJECT, name="new.jsonl")
    write(merge([new]), tmp_path / "index.html", compare(old[1], new[1]))
    page = visit(tmp_path / "index.html")
    text = page.inner_text("#changes")
    assert "2 of the 186 compared calls changed" in text
    assert "conforms → violates" in text
    assert "NumPy: 1 → 2" in text
    page.click("#changes [data-calls]")
    assert count(page).startswith("2 of ")
    assert page.locator(".row").first.get_attribute("title") == WRONG
