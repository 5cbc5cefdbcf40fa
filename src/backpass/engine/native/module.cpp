// The border between Python and the core: arrays and settings come in, are checked, and a program runs without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "program.hpp"

namespace nb = nanobind;

namespace backpass::native {
namespace {

using Words = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Losses = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using AnyArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

// The instruction sets of this build, fastest first.
constexpr struct {
    const char* name;
    const Kernels* (*kernels)();
} kInstructionSets[] = {
#if defined(BACKPASS_X86_64)
    {"avx512", avx512_kernels},
    {"avx2", avx2_kernels},
#elif defined(BACKPASS_ARM64)
    {"neon", neon_kernels},
#endif
    {"portable", portable_kernels},
};

// Null where the build or the machine has no such instruction set.
const Kernels* kernels_of(const std::string& isa) {
    for (const auto& set : kInstructionSets)
        if (isa == set.name) return set.kernels();
    return nullptr;
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const auto& set : kInstructionSets)
        if (set.kernels() != nullptr) names.emplace_back(set.name);
    return names;
}

// Whether products of bfloat16 run with this instruction set.
bool has_bf16(const std::string& isa) {
    const Kernels* kernels = kernels_of(isa);
    return kernels != nullptr && kernels->pairs != nullptr;
}

// Name and code of each elementwise operation.
nb::dict operations() {
    nb::dict codes;
    const auto& table = portable_kernels()->elementwise;
    for (std::int64_t i = 0; i < table.size; ++i) codes[table.data[i].name] = i;
    return codes;
}

Program* make_program(const std::vector<Words>& instructions, const Bytes& constants, std::int64_t arena_bytes,
                      const std::vector<std::int64_t>& sizes, const std::string& isa, std::int64_t tile_rows,
                      std::int64_t tile_depth) {
    const Kernels* kernels = kernels_of(isa);
    if (kernels == nullptr) throw std::invalid_argument("this machine or build has no instruction set " + isa);
    std::vector<std::vector<std::int64_t>> words;
    for (const Words& one : instructions) words.emplace_back(one.data(), one.data() + one.size());
    const auto* first = reinterpret_cast<const std::byte*>(constants.data());
    return new Program(words, std::vector<std::byte>(first, first + constants.size()), arena_bytes, sizes, *kernels,
                       {tile_rows, tile_depth});
}

std::vector<Given> given_of(const std::vector<AnyArray>& arrays) {
    std::vector<Given> given;
    for (const AnyArray& array : arrays)
        // Which arrays are written to is the planner's word; it hands out fresh ones for those.
        given.push_back({const_cast<std::byte*>(static_cast<const std::byte*>(array.data())),
                         static_cast<std::int64_t>(array.nbytes())});
    return given;
}

void run_once(Program& program, const std::vector<AnyArray>& arrays, int threads, bool may_be_fewer) {
    const std::vector<Given> given = given_of(arrays);
    Progress progress;
    {
        const nb::gil_scoped_release released;
        progress = program.run(given, Walk{}, 1, {threads, may_be_fewer}, nullptr, {});
    }
    if (progress.ending == Ending::IndexFault) throw nb::index_error("an index is out of range");
}

// Steps taken, and why it ended there: "done", "stopped" or "failed".
std::tuple<std::int64_t, std::string> run_steps(Program& program, const std::vector<AnyArray>& arrays,
                                                std::int64_t settings_buffer, std::int64_t settings_bytes,
                                                std::int64_t rows_buffer, std::int64_t rows_bytes,
                                                std::int64_t step_buffer, std::int64_t loss_buffer, bool loss_is_double,
                                                const Losses& losses, int threads, bool may_be_fewer,
                                                nb::callable should_stop) {
    const auto steps = static_cast<std::int64_t>(losses.size());
    const Walk walk{settings_buffer, settings_bytes, rows_buffer, rows_bytes, step_buffer, loss_buffer, loss_is_double};
    const std::vector<Given> given = given_of(arrays);
    const std::function<bool(std::int64_t)> ask = [&should_stop](std::int64_t done) {
        const nb::gil_scoped_acquire acquired;
        return nb::cast<bool>(nb::bool_(should_stop(done)));
    };
    Progress progress;
    {
        const nb::gil_scoped_release released;
        progress = program.run(given, walk, steps, {threads, may_be_fewer}, losses.data(), ask);
    }
    switch (progress.ending) {
        case Ending::IndexFault: throw nb::index_error("an index is out of range");
        case Ending::NotFinite: return {progress.steps, "failed"};
        case Ending::Stopped: return {progress.steps, "stopped"};
        case Ending::Done: break;
    }
    return {progress.steps, "done"};
}

}  // namespace
}  // namespace backpass::native

NB_MODULE(_core, m) {
    using namespace backpass::native;
    m.doc() = "The native engine's core; see backpass.engine.native.";
    m.def("instruction_sets", &instruction_sets, "What this machine can run, fastest first.");
    m.def("has_bf16", &has_bf16, nb::arg("isa"), "Whether products of bfloat16 run with this instruction set.");
    m.def("operations", &operations, "The code of each elementwise operation by name.");
    nb::class_<Program>(m, "Program", "A planned circuit, ready to run.")
        .def(nb::new_(&make_program), nb::arg("instructions"), nb::arg("constants"), nb::arg("arena_bytes"),
             nb::arg("sizes"), nb::kw_only(), nb::arg("isa"), nb::arg("tile_rows") = 0, nb::arg("tile_depth") = 0)
        .def_prop_ro("compiled_maps", &Program::compiled_maps, "How many maps run as chains, not in the interpreter.")
        .def("run", &run_once, nb::arg("arrays"), nb::kw_only(), nb::arg("threads"),
             nb::arg("may_be_fewer"))
        .def("run_steps", &run_steps, nb::arg("arrays"), nb::kw_only(), nb::arg("settings_buffer"),
             nb::arg("settings_bytes"), nb::arg("rows_buffer"), nb::arg("rows_bytes"), nb::arg("step_buffer"),
             nb::arg("loss_buffer"), nb::arg("loss_is_double"), nb::arg("losses"), nb::arg("threads"), nb::arg("may_be_fewer"),
             nb::arg("should_stop"));
}
