// See chain_match.hpp.
#include "chain_match.hpp"

namespace backpass::native {
namespace {

constexpr int kNone = -1;

// The register of each value of the chain; empty where the map has other steps.
std::vector<int> registers_of(const Map& map, const Chain& chain) {
    if (map.steps.size != chain.links) return {};
    std::vector<int> held(static_cast<std::size_t>(map.registers), kNone);  // the value that each register holds by now
    std::vector<int> registers(static_cast<std::size_t>(chain.inputs + chain.links), kNone);
    for (int s = 0; s < chain.links; ++s) {
        const MapStep& step = map.steps.data[s];
        const ChainLink& link = chain.link[s];
        if (step.function != link.function) return {};
        const int arguments[3] = {step.a, step.b, step.c};
        for (int j = 0; j < 3; ++j) {
            int& value = held[static_cast<std::size_t>(arguments[j])];
            int& place = registers[static_cast<std::size_t>(link.values[j])];
            if (value == kNone && place == kNone && arguments[j] < map.inputs.size)
                value = link.values[j], place = arguments[j];  // an input, met for the first time
            if (value != link.values[j]) return {};
        }
        held[static_cast<std::size_t>(step.out)] = chain.inputs + s;
        registers[static_cast<std::size_t>(chain.inputs + s)] = step.out;
    }
    return registers;
}

// The bit of the result that is left in a register at the end: the last one written to it.
std::uint64_t last_in(int place, const Chain& chain, const std::vector<int>& registers) {
    for (int v = chain.inputs + chain.links - 1; v >= chain.inputs; --v)
        if (registers[static_cast<std::size_t>(v)] == place) return std::uint64_t{1} << v;
    return 0;
}

}  // namespace

ChainMatch match_chain(const Map& map, Span<const Chain> chains) {
    ChainMatch match;
    for (std::int64_t i = 0; i < chains.size && match.chain == nullptr; ++i) {
        match.registers = registers_of(map, chains.data[i]);
        if (!match.registers.empty()) match.chain = &chains.data[i];
    }
    if (match.chain == nullptr) return {};
    for (std::int64_t j = 0; j < map.outputs.size; ++j)
        match.kept |= last_in(map.outputs.data[j].source, *match.chain, match.registers);
    return match;
}

}  // namespace backpass::native
