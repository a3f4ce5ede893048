"""Every fenced block of README and docs, and what runs it: here, in a test of its own, or nothing, with the reason.

A page's blocks run in their order, in one folder that holds what the text speaks of (`tests/docs/world.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHOWN = ("text",)  # output, layouts, diagrams: nobody types them


@dataclass(frozen=True)
class Snippet:
    """One fenced block; `number` counts those of its page that are not just shown, from 0."""

    page: str
    number: int
    language: str
    text: str


@dataclass(frozen=True)
class Run:
    """Run here; `needs` are tools beside the package. Slow ones train, or take long to say what quick ones say too."""

    slow: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Write:
    """A file that later blocks of the page use."""

    path: str


@dataclass(frozen=True)
class By:
    """Another test runs it, or holds it to the code: "tests/room/test_file.py::test_name"."""

    test: str


@dataclass(frozen=True)
class Not:
    """Nothing runs it, and why; its commands must parse all the same."""

    reason: str


How = Run | Write | By | Not

BOARD = Not("talks to a board on the desk")
ARDUINO = Not("needs Arduino's tools and a board")
DATA = Not("trains on a data set that one brings; the recipe's own test loads and builds it")
ARM = ("arm-none-eabi-gcc", "qemu-system-arm")
PLUGIN = "tests/plugins/test_acme_garden.py::"
ADD_MODEL = By(
    "tests/keras_tiny/models/test_how_to_add.py::test_the_page_adds_a_model_that_keeps_the_contract"
)
ADD_DATA = "tests/keras_tiny/data/test_how_to_add.py::"
HIL = By("tests/mcu/hil/test_pytest_plugin.py::test_the_printed_tests_that_share_a_run_stream_once")
HERE = "tests/docs/test_snippets.py::"
BLAME_RUN = By("tests/keras_tiny/blame/test_run.py::test_a_run_has_no_fault_and_a_planted_one_is_found")
NEWCOMER = By(
    "tests/e2e/test_newcomer.py::test_the_commands_lead_from_a_folder_of_pictures_to_a_validated_bundle"
)
NOTHING = By(
    "tests/e2e/test_from_nothing.py::test_an_empty_environment_follows_the_readme_and_ends_with_the_demo"
)

HOW: dict[str, tuple[How, ...]] = {
    "README.md": (
        By("tests/e2e/test_readme.py::test_the_example_of_the_first_screen_runs_and_is_bit_exact"),
        By("tests/e2e/test_readme.py::test_every_make_target_of_the_readme_exists"),
        NEWCOMER,
        Run(needs=ARM),
        NOTHING,
    ),
    "CONTRIBUTING.md": (Not("make test runs these tests; pre-commit changes the repository"),),
    "docs/getting_started.md": (NOTHING, Run(slow=True), Run(slow=True), Run(slow=True)),
    "docs/how_to/add_a_board.md": (
        Run(),
        BOARD,
        Write("my_boards/my_f405.toml"),
        Run(slow=True, needs=ARM),
    ),
    "docs/how_to/add_a_data_set.md": (
        By(ADD_DATA + "test_the_page_s_first_lines_run_on_a_folder"),
        By(ADD_DATA + "test_the_page_s_own_source_loads_its_file_once_it_is_in_the_table"),
        By(ADD_DATA + "test_the_page_s_own_source_loads_its_file_once_it_is_in_the_table"),
    ),
    "docs/how_to/add_a_model.md": (ADD_MODEL, ADD_MODEL, ADD_MODEL, ADD_MODEL),
    "docs/how_to/add_an_operator.md": (
        By(HERE + "test_the_operator_on_the_page_is_the_code_s"),
        By(HERE + "test_the_operator_on_the_page_is_the_code_s"),
        Not("the project's own tests; the second runs for hours"),
    ),
    "docs/how_to/ci_with_emulated_boards.md": (
        Not("installs packages of the system; make test does it where they are missing"),
        Run(slow=True, needs=ARM),
        Run(slow=True, needs=ARM),
        Run(slow=True, needs=ARM),
        Not("a workflow of a hosted service; its commands are the ones above"),
    ),
    "docs/how_to/compare_and_gate.md": (Run(), Run()),
    "docs/how_to/faults_resume_replay.md": (Run(slow=True), BOARD, BOARD, BOARD),
    "docs/how_to/find_the_bad_layer.md": (
        BLAME_RUN,
        BLAME_RUN,
        Run(),
        By("tests/keras_tiny/cli/test_see_what_happened.py::test_blame_names_the_bad_layer"),
    ),
    "docs/how_to/flash_a_board.md": (BOARD, ARDUINO, ARDUINO, Run(slow=True, needs=ARM)),
    "docs/how_to/know_before_you_flash.md": (
        Run(),
        By("tests/keras_tiny/advise/test_advise.py::test_the_command_answers_with_the_documented_keys"),
    ),
    "docs/how_to/run_mlperf_tiny.md": (Not("serves a port until it is interrupted"), BOARD),
    "docs/how_to/several_boards.md": (By(HERE + "test_the_map_of_boards_is_read"), BOARD),
    "docs/how_to/train_a_detector.md": (
        Not("trains for half an hour; docs/reference/results.md has what came of it"),
        Run(slow=True),
        By("tests/mcu/postprocess/test_detect.py::test_the_header_names_every_map_and_table"),
    ),
    "docs/how_to/train_a_segmenter.md": (
        Not("trains for ten minutes; docs/reference/results.md has what came of it"),
        By(HERE + "test_the_description_of_masks_reads_such_a_folder"),
        DATA,
        DATA,
        Run(),
    ),
    "docs/how_to/validate_on_hardware.md": (
        Run(),
        Not("ends with 1 where any tool is missing; tests/mcu/test_doctor.py has each of its answers"),
        Run(),
        BOARD,
        BOARD,
        BOARD,
    ),
    "docs/how_to/write_a_hil_test.md": (Write("test_board.py"), Run(slow=True), Write("pyproject.toml"), HIL),
    "docs/how_to/write_a_plugin.md": (
        *[By(PLUGIN + "test_the_page_prints_the_files_of_this_package")] * 5,
        By(PLUGIN + "test_the_commands_of_the_page_train_it_and_the_virtual_board_answers_bit_for_bit"),
    ),
    "docs/reference/audit.md": (Run(),),
    "docs/reference/compiler.md": (Run(), By(HERE + "test_the_c_of_the_compiler_page_compiles")),
    "docs/reference/training.md": (
        DATA,
        Not("needs two machines; tests/keras_tiny/training/test_strategy.py runs two processes"),
        Not("a benchmark of its own: make bench"),
    ),
}
# Every block of the page is an example of --help; a test parses each of them.
PARSED = {"docs/reference/cli.md": By("tests/docs/test_pages.py::test_an_example_of_the_command_line_parses")}


def snippets(page: str) -> list[Snippet]:
    """The blocks of a page that somebody may type or copy."""
    found = re.finditer(r"^```(.*?)\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    blocks = [(match[1], match[2]) for match in found]
    typed = [(language, text) for language, text in blocks if language not in SHOWN]
    return [Snippet(page, number, language, text) for number, (language, text) in enumerate(typed)]


def pages() -> list[str]:
    """README, CONTRIBUTING and every page of the docs, below the root."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in paths]
