"""Products of bfloat16: what the instruction computes, where it is used, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, permutations
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.circuit import operations as ops
from backpass.engine import Epoch, make_step, why_no_bf16
from backpass.engine.native._core import Program, instruction_sets, operations
from backpass.engine.native.native_engine import NativeEngine, Tiling
from backpass.engine.plan.instructions import Pack, Product
from backpass.engine.plan.passes.bf16_packing import is_profitable
from backpass.engine.plan.plan import ARENA
from backpass.errors import UsageError
from backpass.network import dense_network, initialize
from backpass.network.losses import loss_named, mean_loss
from backpass.numerics.philox import key_of
from backpass.training.optimizer import OptimizerOptions, optimizer_named

Floats = NDArray[numpy.float32]

needs_bf16 = pytest.mark.skipif(bool(why_no_bf16()), reason=why_no_bf16())
single = numpy.dtype(numpy.float32)


# Slow twins ----------------------------------------------------------------------------------------------------------


def rounded(x: Floats) -> Floats:
    """To bfloat16, to nearest even, in whole numbers; NaN stays NaN, subnormal numbers are zeros."""
    bits = x.view(numpy.uint32)
    nearest = (bits + 0x7FFF + (bits >> 16 & 1)) & numpy.uint32(0xFFFF0000)
    kept = numpy.where(numpy.isnan(x), bits & numpy.uint32(0xFFFF0000) | numpy.uint32(0x400000), nearest)
    return flushed(numpy.where(bits >> 23 & 0xFF == 0, bits & numpy.uint32(0x80000000), kept).view(single))


def flushed(x: Floats) -> Floats:
    return numpy.where(numpy.abs(x) < numpy.finfo(single).tiny, numpy.copysign(single.type(0), x), x)


def added(a: Floats, b: Floats, total: Floats) -> Floats:
    """a b + total, rounded once to float32, for factors that are bfloat16, whose product float64 holds exactly.

    Knuth's sum in float64, rounded to odd where it is not exact: rounding that again is harmless (Boldo & Melquiond
    2008).
    """
    product, other = a.astype(numpy.float64) * b.astype(numpy.float64), total.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", over="ignore"):
        near = product + other
        back = near - product
        lost = (product - (near - back)) + (other - back)
        is_even = near.view(numpy.int64) & 1 == 0
        odd = numpy.where(
            is_even & (lost != 0) & numpy.isfinite(lost), numpy.nextafter(near, numpy.sign(lost) * numpy.inf), near
        )
        return flushed(odd.astype(single))


def by_the_manual(a: Floats, b: Floats, bias: Floats) -> Floats:
    """a b + bias by VDPBF16PS: for each pair of steps of k both products are added, one after the other.

    Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VDPBF16PS: the upper half of a pair comes
    first, and each sum is rounded to nearest even, with subnormal numbers taken and given as zeros. The core keeps the
    earlier step of k in the upper half.
    """
    a, b = rounded(a), rounded(b)
    total = numpy.broadcast_to(flushed(bias), (a.shape[0], b.shape[1])).copy()
    for p in range(0, a.shape[1], 2):
        for half in (p, p + 1):
            if half < a.shape[1]:
                total = added(a[:, half, None], b[None, half], total)
    return total


# The product ---------------------------------------------------------------------------------------------------------


def product_of(engine: NativeEngine, a: Floats, b: Floats, bias: Floats, lies: str = "") -> Floats:
    """relu(a b + bias) as a training step makes it. ``lies``: which factors are given as their transpose."""
    given = [a.T.copy() if "a" in lies else a, b.T.copy() if "b" in lies else b]

    def step(state: Any, settings: Any, key: Any, number: Any, batch: Any) -> Any:
        x, y, start, _ = state
        z = ops.affine(x.T if "a" in lies else x, y.T if "b" in lies else y, start)
        return (x, y, start, ops.relu(z)), batch[0].sum()

    made = numpy.full((a.shape[0], b.shape[1]), numpy.nan, single)
    state = (*given, bias, made)
    plain = make_step(step, state, 1, [Spec(("B",), single)], single)
    epoch = Epoch(numpy.zeros((1, 1), numpy.int64), numpy.ones(1, numpy.int64), numpy.zeros((1, 1)), 0)
    outcome = engine.run_epoch(plain, state, key_of(0), [numpy.zeros(1, single)], epoch, lambda done: False)
    plan = engine.plan_of(plain, 1)
    assert plan is not None
    assert any(isinstance(one, Product) and one.is_bf16 for one in plan.instructions) == engine.bf16
    result: Floats = outcome.state[3]
    return result


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of every size use bfloat16 factors."""
    monkeypatch.setattr("backpass.engine.plan.passes.bf16_packing.is_profitable", lambda m, n, k: True)


def numbers(shape: tuple[int, ...], seed: int = 0) -> Floats:
    return numpy.random.default_rng(seed).standard_normal(shape).astype(single)


SHAPES = [(1, 40, 9), (14, 32, 2), (57, 9, 31), (60, 33, 16), (113, 70, 70), (20, 130, 33)]


@needs_bf16
@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("lies", ["", "a", "b", "ab"])
def test_it_computes_what_the_manual_says(shape: tuple[int, int, int], lies: str) -> None:
    m, n, k = shape
    a, b, bias = numbers((m, k)), numbers((k, n), 1), numbers((n,), 2)
    expected = numpy.maximum(by_the_manual(a, b, bias), 0)
    assert numpy.array_equal(product_of(NativeEngine(bf16=True), a, b, bias, lies), expected)


@needs_bf16
@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("shape", [(130, 300, 260), (57, 40, 2300)], ids=str)
def test_it_gives_the_bits_of_the_float32_product_of_rounded_factors(shape: tuple[int, int, int], isa: str) -> None:
    m, n, k = shape
    a, b, bias = numbers((m, k)), numbers((k, n), 1), numbers((n,), 2)
    expected = product_of(NativeEngine(isa=isa), rounded(a), rounded(b), bias)
    assert numpy.array_equal(product_of(NativeEngine(bf16=True), a, b, bias), expected)


@needs_bf16
@pytest.mark.usefixtures("everywhere")
def test_subnormal_and_infinite_numbers_and_nan() -> None:
    special = [
        0.0,
        -0.0,
        1e-40,
        -1e-40,
        1e-20,
        -1e-25,
        3e38,
        -3.4e38,
        numpy.inf,
        -numpy.inf,
        numpy.nan,
        1.0,
        1.00390625,
    ]
    random = numpy.random.default_rng(4)
    a, b = (random.choice(numpy.array(special, single), shape) for shape in ((60, 6), (6, 64)))
    bias = random.choice(numpy.array(special, single), 64)
    found = product_of(NativeEngine(bf16=True), a, b, bias)
    with numpy.errstate(invalid="ignore", over="ignore"):
        expected = numpy.maximum(by_the_manual(a, b, bias), 0)
    assert numpy.isnan(expected).any()
    assert (expected == numpy.inf).any()
    assert numpy.array_equal(found, expected, equal_nan=True)


@needs_bf16
@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_how_it_is_cut_changes_no_bit(threads: int) -> None:
    a, b, bias = numbers((300, 410)), numbers((410, 230), 1), numbers((230,), 2)
    expected = product_of(NativeEngine(bf16=True, threads=1), a, b, bias)
    for tiling in (Tiling(), Tiling(1, 1), Tiling(3, 17), Tiling(5, 100)):
        assert (
            product_of(NativeEngine(bf16=True, threads=threads, tiling=tiling), a, b, bias).tobytes()
            == expected.tobytes()
        )


@needs_bf16
@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("depth", [64, 1000])
def test_the_error_of_an_element_is_at_most_that_of_its_factors(depth: int) -> None:
    """2^-8 of each factor, so about 2^-7 of the sum of |a| |b|."""
    a, b, bias = numbers((100, depth)), numbers((depth, 90), 1), numbers((90,), 2)
    error = numpy.abs(product_of(NativeEngine(bf16=True), a, b, bias) - product_of(NativeEngine(), a, b, bias))
    bound = (2**-7 + 2**-16) * (numpy.abs(a) @ numpy.abs(b))
    assert (error <= bound + 1e-4).all()
    assert (error > 2**-9 * bound).any()


def test_a_planted_fault_is_caught() -> None:
    """The lower half first would be another sum."""
    a, b, bias = numbers((20, 40)), numbers((40, 20), 1), numbers((20,), 2)
    swapped = numpy.arange(40).reshape(-1, 2)[:, ::-1].reshape(-1)
    assert not numpy.array_equal(by_the_manual(a, b, bias), by_the_manual(a[:, swapped], b[swapped], bias))


# Training ------------------------------------------------------------------------------------------------------------

WIDE: dict[str, dict[str, Any]] = {
    "relu": {"hidden": (96, 100), "inputs": 40, "batch_size": 128, "rows": 300},
    "dropout": {
        "hidden": (128, 128),
        "inputs": 33,
        "dropout": 0.2,
        "activation": "mish",
        "batch_size": 64,
        "rows": 300,
    },
    # A large packing after a small one, which thread 0 does alone, reads what that thread alone has made before.
    "one layer": {"hidden": (100,), "inputs": 40, "batch_size": 256, "rows": 1024, "epochs": 10},
    "classes, clipped": {
        "hidden": (100, 65),
        "loss": "cross_entropy",
        "outputs": 70,
        "batch_size": 100,
        "max_grad_norm": 1.0,
    },
}


@needs_bf16
@pytest.mark.parametrize("name", WIDE)
def test_threads_and_tilings_train_to_the_same_bits(name: str, dense: Any, digest: Any) -> None:
    training = dense(**WIDE[name])
    engines = [NativeEngine(bf16=True, threads=threads) for threads in (1, 2, 3, 8)]
    engines += [NativeEngine(bf16=True, tiling=Tiling(*tiling)) for tiling in [(1, 1), (3, 17), (5, 64)]]
    digests = {digest(training.on(engine)) for engine in engines}
    assert len(digests) == 1
    assert digests != {digest(training.on(NativeEngine()))}


@needs_bf16
def test_interrupted_and_resumed_gives_the_same_bits(dense: Any) -> None:
    training = dense(**WIDE["dropout"])
    engine, epoch = NativeEngine(bf16=True), training.epoch
    whole = training.on(engine)
    begun = engine.run_epoch(
        training.step, training.state, training.key, training.data, epoch.until(3), lambda _: False
    )
    rest = engine.run_epoch(training.step, begun.state, training.key, training.data, epoch.after(3), lambda _: False)
    assert [a.tobytes() for a in rest.state] == [a.tobytes() for a in whole.state]


@needs_bf16
@pytest.mark.parametrize("activation", ["mish", "tanh"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_is_that_of_float32_but_for_rounding(activation: str, seed: int, training: Any) -> None:
    """Each element is within 2^-5 of the largest in its column, and each array within 2^-7 of its length.

    A factor is off by 2^-8 of itself at most, and by half of that as a rule; errors of many have no common sign.
    """
    for mine, theirs in gradients(activation, seed, training):
        assert (numpy.abs(mine - theirs) <= 2**-5 * numpy.abs(theirs).max(axis=0, keepdims=True)).all()
        assert numpy.linalg.norm(mine - theirs) <= 2**-7 * numpy.linalg.norm(theirs)


@needs_bf16
def test_units_of_relu_switch_where_they_are_close_to_it(training: Any) -> None:
    """The slope jumps at z = 0: where rounding moves z across, a whole row comes or goes. Within 2^-3 of the length."""
    shares = [
        numpy.linalg.norm(mine - theirs) / numpy.linalg.norm(theirs) for mine, theirs in gradients("relu", 0, training)
    ]
    assert 2**-7 < max(shares) < 2**-3


def gradients(activation: str, seed: int, training: Any) -> list[tuple[Floats, Floats]]:
    """Of each parameter of a network as it starts: with products of bfloat16, and without."""
    network = dense_network(64, (160, 128), 1, activation=activation)
    theta = NativeEngine().run(initialize(network, "he", single), key_of(seed))[0]
    x, measure = numbers((256, 64), seed), loss_named("squared")
    y = numpy.sin(x[:, :1]) + single.type(0.3) * x[:, 1:2] ** 2

    def objective(theta: Any, batch: Any, draws: Any) -> Any:
        return mean_loss(measure, network(theta, batch[0], draws), batch[1], batch[2])

    data = (x, y, numpy.ones(256, single))
    run = training(objective, theta, data, optimizer_named("momentum", OptimizerOptions(momentum=0.0)), 256)
    # The velocity of the first step is the gradient.
    found = [network.layout.views(run.on(NativeEngine(bf16=bf16)).state[1]) for bf16 in (True, False)]
    return list(zip(*(views.values() for views in found), strict=True))


# Where ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "does"),
    [((256, 256, 256), True), ((256, 128, 33), True), ((48, 48, 32), True), ((256, 256, 16), False),
     ((256, 1, 256), False), ((16, 512, 512), False), ((32, 32, 1024), False)],
)  # fmt: skip
def test_small_products_stay_float32(sizes: tuple[int, int, int], does: bool) -> None:
    assert is_profitable(*sizes) is does


@needs_bf16
def test_a_plan_shows_what_is_packed_and_packs_each_arrangement_once(dense: Any) -> None:
    training = dense(hidden=(128, 128, 128), inputs=64, batch_size=128)
    plan = NativeEngine(bf16=True).plan_of(training.step, 128)
    assert plan is not None
    products = [one for one in plan.instructions if isinstance(one, Product)]
    packs = [one for one in plan.instructions if isinstance(one, Pack)]
    assert sum(one.is_bf16 for one in products) == 8  # three forward, three dW, two dx
    assert all(one.is_bf16 == is_profitable(one.m, one.n, one.k) or one.is_narrow for one in products)
    assert len(packs) == 16
    assert len({(one.x.name, one.x.offset, one.x.strides, one.panel) for one in packs}) == 16
    assert "product of bf16 [128, 64] [64, 128]" in str(plan)
    assert "pack [64, 128] by 32" in str(plan)


@needs_bf16
@pytest.mark.parametrize("name", WIDE)
def test_packings_in_a_row_do_not_touch_each_others_memory(name: str, dense: Any) -> None:
    """No thread waits between them."""
    plan = NativeEngine(bf16=True).plan_of(dense(**WIDE[name]).step, WIDE[name]["batch_size"])
    assert plan is not None
    rows = [list(group) for is_pack, group in groupby(plan.instructions, lambda i: isinstance(i, Pack)) if is_pack]
    assert max(map(len, rows)) > 1
    for row in rows:
        for one, other in permutations(row, 2):
            assert isinstance(one, Pack)
            assert isinstance(other, Pack)
            assert one.y.buffer == ARENA
            words = -(-one.n // one.panel) * one.panel * -(-one.k // 2)
            read = 1 + sum((n - 1) * stride for n, stride in zip((other.k, other.n), other.x.strides, strict=True))
            is_apart = one.y.offset + words <= other.x.offset or other.x.offset + read <= one.y.offset
            assert other.x.buffer != ARENA or is_apart


@needs_bf16
def test_what_does_not_train_is_float32() -> None:
    network = dense_network(64, (128, 128), 1)
    theta, x = numbers((network.parameter_count,)) * single.type(0.1), numbers((300, 64), 1)
    forward = network.forward()
    assert (
        NativeEngine(bf16=True).run(forward, theta, x)[0].tobytes()
        == NativeEngine().run(forward, theta, x)[0].tobytes()
    )


@needs_bf16
def test_float64_is_left_alone(dense: Any, digest: Any) -> None:
    training = dense(**WIDE["relu"], dtype=numpy.float64)
    assert digest(training.on(NativeEngine(bf16=True))) == digest(training.on(NativeEngine()))


def test_other_instruction_sets_have_no_such_products() -> None:
    for isa in set(instruction_sets()) - {"avx512"}:
        with pytest.raises(UsageError, match=f"instruction set '{isa}' does not support bfloat16 products"):
            NativeEngine(isa=isa, bf16=True)


@needs_bf16
def test_the_core_refuses_words_that_do_not_fit(dense: Any) -> None:
    plan = NativeEngine(bf16=True).plan_of(dense(**WIDE["relu"]).step, 128)
    assert plan is not None

    def load(isa: str = "avx512", **changes: Any) -> None:
        """The program, with something of every packing or product of pairs changed."""
        kind = Pack if "panel" in changes or "n" in changes else Product
        changed = [replace(i, **changes) if isinstance(i, kind) and changes else i for i in plan.instructions]
        words = [numpy.array(i.words(operations()), numpy.int64) for i in changed]
        constants = numpy.frombuffer(plan.constants, numpy.uint8)
        Program(words, constants, plan.arena_bytes, plan.sizes, isa=isa)

    load()
    for changes, said in [
        ({"panel": 48}, "a panel of this width"),
        ({"n": 10**6}, "reaches outside its buffer"),
        ({"m": 10**6}, "reaches outside its buffer"),
        ({"is_narrow": True}, "a bfloat16 product of this form"),
        ({"isa": "portable"}, "no bfloat16 products with this instruction set"),
    ]:
        with pytest.raises(ValueError, match=said):
            load(**changes)


@needs_bf16
def test_the_engine_says_so() -> None:
    assert NativeEngine(bf16=True, threads=2).description == "native (avx512, bf16, 2 threads)"
