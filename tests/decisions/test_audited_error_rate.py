"""An audit: what is drawn for it, and what it says of the labels."""

from __future__ import annotations

from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.audit_sample import allocation, audit_in, draw_audit
from dataparams.decisions.audited_error_rate import (
    audited_error_rate,
    error_rate_of,
    stratified_share,
)
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import RunError
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

PILES = {"easy": 300, "hard": 40, "review": 20}
COUNT = sum(PILES.values())
GIVEN = pl.DataFrame({"index": range(COUNT), "given": [0] * COUNT})


def judged(scale=1):
    chance = {"easy": 0.01, "hard": 0.9, "review": 0.5}
    category = [name for name, count in PILES.items() for _ in range(scale * count)]
    return pl.DataFrame(
        {
            "index": range(len(category)),
            "category": category,
            "noise_probability": [chance[name] for name in category],
        }
    )


@pytest.fixture
def store(tmp_path: Path):
    with closing(DecisionStore(tmp_path / "review.sqlite")) as opened:
        yield opened


def rate_of(store):
    audit = audit_in(store.database)
    adjudicators = store.in_force().filter("is_adjudicator")["annotator"].unique().to_list()
    return error_rate_of(audit, store.history(of_audit=True), adjudicators, GIVEN)


def drawn(store, count=60, **options):
    return draw_audit(store.database, judged(), count, **options).samples


# --- drawing -------------------------------------------------------------------------------------


def test_every_pile_is_in_the_sample_and_no_sample_twice(store):
    samples = drawn(store)
    assert samples["index"].n_unique() == len(samples) == 60
    counts = dict(samples.group_by("stratum").len().iter_rows())
    assert all(counts[name] >= 10 for name in PILES)
    piles = dict(judged().select("index", "category").iter_rows())
    assert [piles[index] for index in samples["index"]] == samples["stratum"].to_list()
    # The order of looking tells nothing: the piles are mixed.
    assert samples.head(20)["stratum"].n_unique() == 3


def test_drawn_once_a_larger_number_extends_it_and_a_later_analysis_changes_nothing(store):
    first = drawn(store, 30)
    assert drawn(store, 30, seed=5).equals(first)
    assert drawn(store, 10).equals(first)
    other = judged().with_columns(category=pl.lit("easy"))
    longer = draw_audit(store.database, other, 80)
    assert longer.samples.head(30).equals(first)
    assert len(longer.samples) == 80
    assert longer.sizes == PILES
    whole = draw_audit(store.database, other, 10_000)
    assert whole.samples["index"].sort().to_list() == list(range(COUNT))
    assert whole.samples.head(80).equals(longer.samples)


def test_another_seed_draws_another_sample(tmp_path):
    found: list[list[int]] = []
    for seed in (0, 0, 1):
        with closing(DecisionStore(tmp_path / f"{len(found)}.sqlite")) as store:
            found.append(drawn(store, seed=seed)["index"].to_list())
    assert found[0] == found[1] != found[2]


def test_more_is_never_fewer_of_any_pile():
    sizes, spreads = [1800, 120, 80, 3], [0.1, 0.3, 0.5, 0.1]
    rows = [allocation(sizes, spreads, count) for count in range(0, 2100, 35)]
    assert all(sum(row) == min(35 * i, sum(sizes)) for i, row in enumerate(rows))
    assert bool((np.diff(rows, axis=0) >= 0).all())


def test_a_sample_within_a_pile_is_as_likely_as_another(tmp_path):
    counts = np.zeros(COUNT)
    for seed in range(40):
        with closing(DecisionStore(tmp_path / f"{seed}.sqlite")) as store:
            counts[drawn(store, seed=seed)["index"].to_numpy()] += 1
    easy = counts[: PILES["easy"]]
    share = easy.mean() / 40
    assert easy.std() == pytest.approx(np.sqrt(40 * share * (1 - share)), rel=0.15)


@pytest.mark.parametrize(("count", "words"), [(0, "`count` is 0"), (-3, "`count` is -3")])
def test_a_number_that_makes_no_sample_is_refused(store, count, words):
    with pytest.raises(ValueError, match=words):
        drawn(store, count)
    assert audit_in(store.database) is None


def test_strata_that_are_damaged_are_told(store):
    with store.database.transaction() as connection:
        connection.execute("INSERT INTO audit VALUES (1, 0, x'00', 'now')")
    with pytest.raises(RunError, match="audit of this run is damaged"):
        audit_in(store.database)


# --- estimate and interval -----------------------------------------------------------------------

SIZES, DRAWN = [1800, 120, 80], [141, 28, 31]
RATES = {
    "none": [0, 0, 0],
    "one of 2,000": [1, 0, 0],
    "0.5 %, half of it easy": [5, 3, 2],
    "2 %": [12, 22, 6],
    "2 %, nearly all easy": [36, 2, 2],
    "10 %": [70, 90, 40],
}


@pytest.mark.parametrize("wrong", RATES.values(), ids=RATES)
def test_the_interval_covers_the_share_in_95_of_100_also_where_hardly_any_label_is_wrong(wrong):
    rng = np.random.default_rng(1000)
    share = lru_cache(lambda found: stratified_share(SIZES, DRAWN, found, draws=2000))
    true = sum(wrong) / sum(SIZES)
    covered = 0
    for _ in range(120):
        found = rng.hypergeometric(wrong, np.subtract(SIZES, wrong), DRAWN)
        one = share(tuple(found.tolist()))
        covered += one.low <= true <= one.high
    assert covered >= 0.95 * 120


def test_the_estimate_is_the_share_on_the_average():
    rng = np.random.default_rng(7)
    wrong = np.array([36, 60, 30])
    rates = [
        stratified_share(
            SIZES,
            DRAWN,
            rng.hypergeometric(wrong, np.subtract(SIZES, wrong), DRAWN).tolist(),
            draws=2,
        ).rate
        for _ in range(400)
    ]
    assert np.mean(rates) == pytest.approx(wrong.sum() / sum(SIZES), abs=0.0015)


@pytest.mark.parametrize("are_corrected", [False, True])
def test_where_everything_was_looked_at_nothing_is_uncertain(are_corrected):
    one = stratified_share([50, 3], [50, 3], [5, 3], are_corrected=are_corrected)
    assert one.rate == one.low == one.high == (0 if are_corrected else 8 / 53)


def test_nothing_found_is_no_proof_that_nothing_is_wrong():
    one = stratified_share(SIZES, DRAWN, [0, 0, 0])
    assert one.rate == one.low == 0
    assert 0.01 < one.high < 0.03
    every = stratified_share(SIZES, DRAWN, DRAWN)
    assert every.rate == every.high == 1
    assert 0.95 < every.low < 1


# --- what people decided -------------------------------------------------------------------------


def decide(store, name, annotator, wanted, *, is_audit):
    decisions = [
        Decision(i, action, {"keep": 0, "relabel": 1}.get(action)) for i, action in wanted.items()
    ]
    store.record(name, annotator, decisions, is_audit=is_audit)


def test_what_was_corrected_before_and_in_the_audit_does_not_remain(store):
    samples = drawn(store)
    hard = samples.filter(pl.col("stratum") == "hard")["index"].to_list()
    rest = samples.filter(pl.col("stratum") != "hard")["index"].to_list()
    # The hard ones were reviewed before, but for two: all are wrong.
    decide(store, "before", "ann", dict.fromkeys(hard[2:], "relabel"), is_audit=False)
    decide(store, "audit", "bob", dict.fromkeys(hard, "relabel"), is_audit=True)
    decide(store, "audit-rest", "bob", dict.fromkeys(rest, "keep"), is_audit=True)
    rate = rate_of(store)
    found = {one.name: one for one in rate.strata}
    assert (found["hard"].wrong, found["hard"].remaining) == (len(hard), 2)
    assert (found["easy"].wrong, found["review"].wrong) == (0, 0)
    assert rate.before.rate == pytest.approx(PILES["hard"] / COUNT)
    unseen = PILES["hard"] - len(hard)
    assert rate.rate == pytest.approx(unseen * 2 / len(hard) / COUNT)
    assert rate.low < rate.rate < rate.high < rate.before.high


def test_who_decided_before_is_asked_again_and_the_judgment_of_the_audit_counts(store):
    samples = drawn(store)
    every = samples["index"].to_list()
    decide(store, "before", "ann", dict.fromkeys(every, "keep"), is_audit=False)
    decide(
        store, "audit", "ann", {**dict.fromkeys(every, "keep"), every[0]: "relabel"}, is_audit=True
    )
    rate = rate_of(store)
    assert sum(one.wrong for one in rate.strata) == 1
    assert sum(one.remaining for one in rate.strata) == 1
    # What the same annotator changes later, in whichever list, is the audit's judgment still.
    decide(store, "later", "ann", {every[0]: "keep"}, is_audit=False)
    assert sum(one.wrong for one in rate_of(store).strata) == 0
    store.undo("undo-later", "ann")
    assert sum(one.wrong for one in rate_of(store).strata) == 1
    store.undo("undo-audit", "ann")
    assert rate_of(store).reviewed == 0


def test_what_nobody_could_decide_is_left_out_and_told(store):
    samples = drawn(store)
    every = samples["index"].to_list()
    skipped, disputed = every[:3], every[3:5]
    decide(store, "1-audit", "ann", dict.fromkeys(every, "keep"), is_audit=True)
    decide(store, "2-audit", "ann", dict.fromkeys(skipped, "skip"), is_audit=True)
    decide(store, "3-audit", "bob", dict.fromkeys(disputed, "discard"), is_audit=True)
    rate = rate_of(store)
    assert (rate.drawn, rate.reviewed, rate.skipped, rate.disputed) == (60, 55, 3, 2)
    assert rate.rate == 0
    assert rate.at_worst > 5 / COUNT
    assert "Left out: 3 skipped, 2 disputed" in rate.words()
    # A third decides, or an adjudicator: nothing is disputed any more.
    decide(store, "4-audit", "eve", {disputed[0]: "discard"}, is_audit=True)
    set_adjudicator(store.database, "zoe")
    decide(store, "5-later", "zoe", {disputed[1]: "keep"}, is_audit=False)
    rate = rate_of(store)
    assert (rate.reviewed, rate.disputed) == (57, 0)
    assert sum(one.wrong for one in rate.strata) == 1


def test_until_every_pile_was_looked_at_nothing_is_claimed(store):
    samples = drawn(store)
    assert rate_of(store).rate is None
    easy = samples.filter(pl.col("stratum") == "easy")["index"].to_list()
    decide(store, "audit", "ann", dict.fromkeys(easy, "keep"), is_audit=True)
    rate = rate_of(store)
    assert (rate.rate, rate.before, rate.at_worst) == (None, None, None)
    assert rate.reviewed == len(easy)
    assert "known when some of every pile are" in rate.words()


def test_what_is_decided_outside_the_audit_is_no_judgment_of_it(store):
    every = drawn(store)["index"].to_list()
    outside = next(index for index in range(COUNT) if index not in every)
    decide(store, "before", "ann", dict.fromkeys(every, "discard"), is_audit=False)
    decide(store, "other", "ann", {outside: "discard"}, is_audit=True)
    rate = rate_of(store)
    assert rate.reviewed == 0
    assert not store.in_force()["in_audit"].any()


def test_a_run_without_an_audit_has_no_rate(tmp_path):
    assert audited_error_rate(RunFolder(tmp_path)) is None
    DecisionStore(tmp_path / "review.sqlite").close()
    assert audited_error_rate(RunFolder(tmp_path)) is None


def test_samples_that_a_training_held_out_are_wrong_as_others_are(tmp_path):
    run = RunFolder(tmp_path)
    run.write_description({"class_names": ["a", "b"], "status": "finished"})
    table = pl.DataFrame({"index": range(COUNT), "id": [f"{row}" for row in range(COUNT)]})
    splits = ["train", "val"] * (COUNT // 2)
    run.write_samples(table.with_columns(label=pl.lit(0), split=pl.Series(splits)))
    with closing(DecisionStore(run.review)) as store:
        every = drawn(store, COUNT)["index"].to_list()
        decide(store, "audit", "ann", dict.fromkeys(every, "relabel"), is_audit=True)
    rate = audited_error_rate(run)
    assert rate.reviewed == COUNT
    assert rate.before.rate == 1
