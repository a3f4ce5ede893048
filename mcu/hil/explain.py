"""What is wrong with a run, in words: which samples, which bytes, which mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.hil.record import ByteDifference, HilRun, SampleRecord


def explain(run: HilRun, *, most: int = 10) -> str:
    """Several lines: the differing samples with their bytes, the wrong answers, where the report lies.

    Args:
        most: samples named of each kind; how many more there are is said.
    """
    lines = [f"{run.bundle} on {run.board} ({run.engine}), {run.samples} samples of {run.data or 'a split'}"]
    if not run.complete:
        lines.append(f"The run stopped: {run.stopped_by}")
    differing = [sample for sample in run.per_sample if sample.mismatched_bytes]
    if differing:
        lines.append(
            f"{len(differing)} of {run.samples} samples differ from the desk in {_bytes(run.mismatched_bytes)}:"
        )
        lines += [
            f"  {sample.id} ({_answers(run, sample)}): {listed(sample.differences, of=sample.mismatched_bytes)}"
            for sample in differing[:most]
        ]
        lines += _more(len(differing) - most)
    if problem := golden_problem(run):
        assert run.golden is not None
        lines.append(problem)
        lines += [
            f"  golden input {index}: {listed(found, of=len(found))}"
            for index, found in list(run.golden.differences.items())[:most]
        ]
        lines += _more(len(run.golden.differences) - most)
    wrong = [sample for sample in run.per_sample if sample.board != sample.truth]
    if wrong:
        lines.append(f"{len(wrong)} of {run.samples} samples are answered wrong:")
        lines += [f"  {sample.id} ({_answers(run, sample)})" for sample in wrong[:most]]
        lines += _more(len(wrong) - most)
    if run.report:
        lines.append(f"Pictures and figures: {run.report}")
    return "\n".join(lines)


def listed(differences: Sequence[ByteDifference], *, of: int, most: int = 3) -> str:
    """ "byte 3: expected -12, board -11; byte 7: …; and 2 more"; `of` is how many there are in all."""
    named = "; ".join(map(str, differences[:most]))
    left = of - min(most, len(differences))
    return named + (f"; and {left} more" if left else "")


def golden_problem(run: HilRun) -> str:
    """What is wrong with the board's answers to the golden inputs; empty if nothing."""
    if run.golden is None or not run.golden.mismatched_bytes:
        return ""
    of = f"{len(run.golden.differences)} of {run.golden.samples}"
    said = (
        f"{of} golden inputs are answered otherwise than at export ({_bytes(run.golden.mismatched_bytes)})."
    )
    if not run.golden.desk_agrees:
        said += (
            " So does the interpreter on this desk: the bundle was exported with another one, or was edited."
        )
    return said


def _answers(run: HilRun, sample: SampleRecord) -> str:
    """ "truth 8, board 1", and the desk's answer where it is another one."""
    if sample.truth is None or sample.desk is None or sample.board is None:
        return "no classes"
    desk = "" if sample.desk == sample.board else f", desk {run.labels[sample.desk]}"
    return f"truth {run.labels[sample.truth]}{desk}, board {run.labels[sample.board]}"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _more(count: int) -> list[str]:
    return [f"  and {count} more in hil_run.json"] if count > 0 else []
