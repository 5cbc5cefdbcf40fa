// See fused_match.hpp.
#include "fused_match.hpp"

namespace backpass::native {
namespace {

constexpr int kNone = -1;

// The register of each value of the kernel; empty if the map has other steps.
std::vector<int> registers_of(const Map& map, const FusedKernel& kernel) {
    if (map.steps.size != kernel.steps) return {};
    std::vector<int> held(static_cast<std::size_t>(map.registers), kNone);  // the value that each register holds
    std::vector<int> registers(static_cast<std::size_t>(kernel.inputs + kernel.steps), kNone);
    for (int s = 0; s < kernel.steps; ++s) {
        const MapStep& given = map.steps.data[s];
        const FusedStep& step = kernel.step[s];
        if (given.function != step.function) return {};
        const int arguments[3] = {given.a, given.b, given.c};
        for (int j = 0; j < 3; ++j) {
            int& value = held[static_cast<std::size_t>(arguments[j])];
            int& place = registers[static_cast<std::size_t>(step.values[j])];
            if (value == kNone && place == kNone && arguments[j] < map.inputs.size)
                value = step.values[j], place = arguments[j];  // the first use of an input
            if (value != step.values[j]) return {};
        }
        held[static_cast<std::size_t>(given.out)] = kernel.inputs + s;
        registers[static_cast<std::size_t>(kernel.inputs + s)] = given.out;
    }
    return registers;
}

// The bit of the value that a register holds at the end: the last one written to it.
std::uint64_t last_in(int place, const FusedKernel& kernel, const std::vector<int>& registers) {
    for (int v = kernel.inputs + kernel.steps - 1; v >= kernel.inputs; --v)
        if (registers[static_cast<std::size_t>(v)] == place) return std::uint64_t{1} << v;
    return 0;
}

}  // namespace

FusedMatch match_fused(const Map& map, Span<const FusedKernel> kernels) {
    FusedMatch match;
    for (std::int64_t i = 0; i < kernels.size && match.kernel == nullptr; ++i) {
        match.registers = registers_of(map, kernels.data[i]);
        if (!match.registers.empty()) match.kernel = &kernels.data[i];
    }
    if (match.kernel == nullptr) return {};
    for (std::int64_t j = 0; j < map.outputs.size; ++j)
        match.stored |= last_in(map.outputs.data[j].source, *match.kernel, match.registers);
    return match;
}

}  // namespace backpass::native
