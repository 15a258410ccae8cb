"""How often kinds of pictures are shown in training."""

import pytest

from models.builtin.training.emphasis import kind_factors, row_shares


def test_kinds_are_shown_as_often_as_asked_and_held_out_rows_never() -> None:
    described = [{"attributes": {"kind": "portrait"}}] * 70 + [{"attributes": {"kind": "objects"}}]
    shares = row_shares(described, {"objects": 2.0}, held_out=64)
    assert shares[:64].sum() == 0
    assert shares[64:].tolist() == [1 / 8] * 6 + [2 / 8]


@pytest.mark.parametrize(
    "given", ["object=2", "objects", "objects=", "objects=often", "objects=-1"]
)
def test_a_kind_that_is_not_drawn_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="write KIND=FACTOR"):
        kind_factors([given])
    assert kind_factors(["objects=2", "figure=1.5"]) == {"objects": 2.0, "figure": 1.5}
