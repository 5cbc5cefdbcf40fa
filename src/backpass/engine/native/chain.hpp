// A chain: a whole elementwise program as one compiled loop, in which values stay in the vector registers.
//
// The interpreter (map.hpp) sends every value through the L1 cache; a chain reads each input once and writes what is
// wanted. It is built of the same rules, so its bits are those of the interpreter. Values are numbered: the inputs in the
// order of their first use, then the result of each link. Which chains there are stands in chains.hpp.
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

// What the interpreter would keep a vector's lanes as.
template <class Vector>
using ElementOf = std::conditional_t<std::is_same_v<Vector, Float>, float,
                                     std::conditional_t<std::is_same_v<Vector, Mask>, Truth, std::uint32_t>>;

// The values made so far, the newest first.
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

// What makes a value. An input: an array, or one number for all elements.
template <class T, bool one_for_all>
struct Input {
    static constexpr bool is_scalar = one_for_all;
    template <class Places, class Here, class Made>
    BACKPASS_LANE auto make(const Places& places, const Here& here, const Made&) {
        if constexpr (one_for_all)
            return every(places.number[Made::count]);
        else
            return Here::read(static_cast<const T*>(places.at[Made::count]), here);
    }
};
using Array = Input<float, false>;
using Words = Input<std::uint32_t, false>;
using Truths = Input<Truth, false>;
using Scalar = Input<float, true>;

// Or a link: a rule, and the values it works on; arguments that are not there repeat the last, as in MapStep.
template <class Rule, int x, int y = x, int w = y>
struct Link {
    static constexpr bool is_scalar = false;
    template <class Places, class Here, class Made>
    BACKPASS_LANE auto make(const Places& places, const Here& here, const Made& values) {
        const auto z = Rule::of(back_to<x>(values).newest, back_to<y>(values).newest, back_to<w>(values).newest);
        using Element = ElementOf<std::remove_const_t<decltype(z)>>;
        if (places.kept >> Made::count & 1) Here::write(static_cast<Element*>(places.at[Made::count]), z, here);
        return z;
    }
    // The same as a step of the interpreter.
    template <class Made, class Vector>
    static constexpr ChainLink link() {
        constexpr unsigned scalars = At<x, Made>::is_scalar | At<y, Made>::is_scalar << 1 | At<w, Made>::is_scalar << 2;
        return {on_lanes<Rule, ElementOf<Vector>, typename At<x, Made>::Element, typename At<y, Made>::Element,
                         typename At<w, Made>::Element, scalars>,
                {x, y, w}};
    }
};

template <class Maker>
constexpr bool is_link = false;
template <class Rule, int x, int y, int w>
constexpr bool is_link<Link<Rule, x, y, w>> = true;

template <class First, class... Rest, class Places, class Here, class Made>
BACKPASS_LANE void make_values(const Places& places, const Here& here, const Made& values) {
    const auto z = First::make(places, here, values);
    if constexpr (sizeof...(Rest) > 0)
        make_values<Rest...>(places, here, Values<std::remove_const_t<decltype(z)>, First::is_scalar, Made>{z, values});
}

// The places of a chunk in variables of the loop's own, which no store can change, as far as the compiler knows: then
// they stay in registers. A scalar input is read once.
template <int count>
struct HeldPlaces {
    void* at[count];
    float number[count];
    std::uint64_t kept;
};

template <class Made, class First, class... Rest>
constexpr void describe(ChainLink* to) {
    using Vector = decltype(First::make(std::declval<HeldPlaces<64>>(), WholeVectors{}, std::declval<const Made&>()));
    if constexpr (is_link<First>) *to++ = First::template link<Made, Vector>();
    if constexpr (sizeof...(Rest) > 0) describe<Values<Vector, First::is_scalar, Made>, Rest...>(to);
}

template <class... Maker>
struct Compiled {
    static constexpr int links = (is_link<Maker> + ...);
    static_assert(sizeof...(Maker) <= 64, "a bit of ChainPlaces::kept for each value");

    template <std::size_t... value>
    BACKPASS_LANE auto hold(const ChainPlaces& places, std::index_sequence<value...>) {
        HeldPlaces<sizeof...(Maker)> held;
        ((held.at[value] = places.at[value]), ...);
        ((held.number[value] = Maker::is_scalar ? *static_cast<const float*>(places.at[value]) : 0.0f), ...);
        held.kept = places.kept;
        return held;
    }

    static void run(const ChainPlaces& all, std::int64_t n) {
        const auto places = hold(all, std::make_index_sequence<sizeof...(Maker)>());
        std::int64_t i = 0;
        for (; i + width <= n; i += width) make_values<Maker...>(places, WholeVectors{i}, NoValues{});
        if (i < n) make_values<Maker...>(places, FirstLanes{i, static_cast<int>(n - i)}, NoValues{});
    }

    struct Table {
        ChainLink link[links];
        Table() { describe<NoValues, Maker...>(link); }
    };
    static Chain chain() {
        static const Table table;
        return {static_cast<int>(sizeof...(Maker)) - links, links, table.link, run};
    }
};

}  // namespace
}  // namespace backpass::native
