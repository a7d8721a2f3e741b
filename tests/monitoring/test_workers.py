"""The exchange of rows between workers, with the other worker's part made up."""

import numpy as np
import pytest

from keras_course_ext.monitoring.transport import workers


@pytest.mark.parametrize(("mine", "others"), [([0, 1, 2], [1, 2]), ([3], []), ([], [4, 5])])
def test_only_the_rows_that_were_written_are_exchanged(monkeypatch, mine, others):
    def rows(steps):
        return np.outer(steps, [1.0, 10.0]).astype("float32")

    answers = iter([[len(mine), len(others)], None, None])
    sizes = []

    def gathered(strategy, own):
        sizes.append(np.size(own[0]))
        answer = next(answers)
        if answer is not None:
            return answer
        padded = np.full_like(own[0], -1)
        part = rows(others) if own[0].ndim == 2 else np.array(others, np.int64)
        padded[: len(others)] = part.reshape(-1, *own[0].shape[1:])
        return [own[0], padded]

    monkeypatch.setattr(workers, "gathered", gathered)
    own = [(rows(mine), np.array(mine, np.int64))]
    found = workers.of_all_workers(None, own, (2,))
    longest = max(len(mine), len(others))
    assert sizes == [1, 2 * longest, longest]
    for steps, (values, at) in zip((mine, others), found, strict=True):
        assert at.tolist() == steps
        np.testing.assert_array_equal(values, rows(steps).reshape(-1, 2))


def test_where_nothing_was_written_nothing_is_sent(monkeypatch):
    monkeypatch.setattr(workers, "gathered", lambda strategy, own: [0, 0, 0])
    own = [(np.zeros((0, 2), "float32"), np.zeros(0, np.int64))]
    found = workers.of_all_workers(None, own, (2,))
    assert [(rows.shape, len(steps)) for rows, steps in found] == [((0, 2), 0)] * 3
