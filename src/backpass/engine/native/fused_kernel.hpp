// A fused kernel: a whole elementwise program as one compiled loop, in which values stay in vector registers.
//
// The interpreter (map.hpp) sends every value through the L1 cache; a fused kernel reads each input once and writes
// only the outputs. Both are built from the same operations, so they give the same bits. Values are numbered: the
// inputs in the order of their first use, then the result of each step. fused_kernels.hpp lists the fused kernels.
#pragma once

#include <type_traits>
#include <utility>

#include "elementwise.hpp"
#include "kernels.hpp"

namespace backpass::native {
namespace {

// Vectors at element i of a chunk: with all of their lanes, or the first ones.
struct WholeVectors {
    std::int64_t i;
    template <class T>
    BACKPASS_LANE auto read(const T* from, const WholeVectors& here) {
        return get(from + here.i);
    }
    template <class T, class Vector>
    BACKPASS_LANE void write(T* to, Vector value, const WholeVectors& here) {
        put(to + here.i, value);
    }
};
struct FirstLanes {
    std::int64_t i;
    int count;
    template <class T>
    BACKPASS_LANE auto read(const T* from, const FirstLanes& here) {
        return get_first(from + here.i, here.count);
    }
    template <class T, class Vector>
    BACKPASS_LANE void write(T* to, Vector value, const FirstLanes& here) {
        put_first(to + here.i, value, here.count);
    }
};

// The type in which the interpreter stores the lanes of a vector.
template <class Vector>
using ElementOf = std::conditional_t<std::is_same_v<Vector, Float>, float,
                                     std::conditional_t<std::is_same_v<Vector, Mask>, Truth, std::uint32_t>>;

// The values computed so far, the newest first.
struct NoValues {
    static constexpr int count = 0;
};
template <class V, bool one_for_all, class Older>
struct Values {
    static constexpr int count = Older::count + 1;
    static constexpr bool is_scalar = one_for_all;
    using Element = ElementOf<V>;
    V newest;
    const Older& older;
};
template <int number, class Made>
BACKPASS_LANE const auto& back_to(const Made& values) {
    static_assert(number >= 0 && number < Made::count);
    if constexpr (number == Made::count - 1)
        return values;
    else
        return back_to<number>(values.older);
}
template <int number, class Made>
using At = std::remove_cvref_t<decltype(back_to<number>(std::declval<const Made&>()))>;

// An input: an array, or one number for all elements.
template <class T, bool one_for_all>
struct Input {
    static constexpr bool is_scalar = one_for_all;
    template <class Buffers, class Here, class Made>
    BACKPASS_LANE auto make(const Buffers& buffers, const Here& here, const Made&) {
        if constexpr (one_for_all)
            return every(buffers.number[Made::count]);
        else
            return Here::read(static_cast<const T*>(buffers.at[Made::count]), here);
    }
};
using Array = Input<float, false>;
using Words = Input<std::uint32_t, false>;
using Truths = Input<Truth, false>;
using Scalar = Input<float, true>;

// A step: an operation and the values that it reads; missing arguments repeat the last one, as in MapStep.
template <class Op, int x, int y = x, int w = y>
struct Step {
    static constexpr bool is_scalar = false;
    template <class Buffers, class Here, class Made>
    BACKPASS_LANE auto make(const Buffers& buffers, const Here& here, const Made& values) {
        const auto z = Op::of(back_to<x>(values).newest, back_to<y>(values).newest, back_to<w>(values).newest);
        using Element = ElementOf<std::remove_const_t<decltype(z)>>;
        if (buffers.stored >> Made::count & 1) Here::write(static_cast<Element*>(buffers.at[Made::count]), z, here);
        return z;
    }
    // The same as a step of the interpreter.
    template <class Made, class Vector>
    static constexpr FusedStep step() {
        constexpr unsigned scalars = At<x, Made>::is_scalar | At<y, Made>::is_scalar << 1 | At<w, Made>::is_scalar << 2;
        return {vector_loop<Op, ElementOf<Vector>, typename At<x, Made>::Element, typename At<y, Made>::Element,
                         typename At<w, Made>::Element, scalars>,
                {x, y, w}};
    }
};

template <class Maker>
constexpr bool is_step = false;
template <class Op, int x, int y, int w>
constexpr bool is_step<Step<Op, x, y, w>> = true;

template <class First, class... Rest, class Buffers, class Here, class Made>
BACKPASS_LANE void make_values(const Buffers& buffers, const Here& here, const Made& values) {
    const auto z = First::make(buffers, here, values);
    if constexpr (sizeof...(Rest) > 0)
        make_values<Rest...>(buffers, here,
                             Values<std::remove_const_t<decltype(z)>, First::is_scalar, Made>{z, values});
}

// The buffers of a chunk in local variables. The compiler knows that no store changes them, so they stay in registers.
// A scalar input is read once.
template <int count>
struct LoopBuffers {
    void* at[count];
    float number[count];
    std::uint64_t stored;
};

template <class Made, class First, class... Rest>
constexpr void describe(FusedStep* to) {
    using Vector = decltype(First::make(std::declval<LoopBuffers<64>>(), WholeVectors{}, std::declval<const Made&>()));
    if constexpr (is_step<First>) *to++ = First::template step<Made, Vector>();
    if constexpr (sizeof...(Rest) > 0) describe<Values<Vector, First::is_scalar, Made>, Rest...>(to);
}

template <class... Maker>
struct FusedProgram {
    static constexpr int steps = (is_step<Maker> + ...);
    static_assert(sizeof...(Maker) <= 64, "one bit of FusedBuffers::stored per value");

    template <std::size_t... value>
    BACKPASS_LANE auto load_buffers(const FusedBuffers& buffers, std::index_sequence<value...>) {
        LoopBuffers<sizeof...(Maker)> held;
        ((held.at[value] = buffers.at[value]), ...);
        ((held.number[value] = Maker::is_scalar ? *static_cast<const float*>(buffers.at[value]) : 0.0f), ...);
        held.stored = buffers.stored;
        return held;
    }

    static void run(const FusedBuffers& all, std::int64_t n) {
        const auto buffers = load_buffers(all, std::make_index_sequence<sizeof...(Maker)>());
        std::int64_t i = 0;
        for (; i + width <= n; i += width) make_values<Maker...>(buffers, WholeVectors{i}, NoValues{});
        if (i < n) make_values<Maker...>(buffers, FirstLanes{i, static_cast<int>(n - i)}, NoValues{});
    }

    struct Table {
        FusedStep step[steps];
        Table() { describe<NoValues, Maker...>(step); }
    };
    static FusedKernel kernel() {
        static const Table table;
        return {static_cast<int>(sizeof...(Maker)) - steps, steps, table.step, run};
    }
};

}  // namespace
}  // namespace backpass::native
