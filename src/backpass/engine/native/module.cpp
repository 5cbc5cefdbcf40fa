// The Python bindings of the core: they check arrays and settings, and run programs without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "program.hpp"

namespace nb = nanobind;

namespace backpass::native {
namespace {

using Words = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Losses = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// The dtype, as the buffer protocol writes it, and the shape of an array.
struct ArrayFormat {
    std::string format;
    std::vector<Py_ssize_t> shape;
};

// A C-contiguous array of any dtype, by the buffer protocol, which is the fastest access to its memory.
class Array {
  public:
    Array() = default;
    explicit Array(nb::handle array) {
        if (!open(array)) throw nb::python_error();
    }
    ~Array() { PyBuffer_Release(&view_); }
    Array(Array&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
    Array& operator=(Array&&) = delete;

    // False, with Python's error set, if it is no such array.
    bool open(nb::handle array) {
        return PyObject_GetBuffer(array.ptr(), &view_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0;
    }

    ArrayFormat form() const { return {view_.format, {view_.shape, view_.shape + view_.ndim}}; }

    bool has(const ArrayFormat& form) const {
        return std::equal(view_.shape, view_.shape + view_.ndim, form.shape.begin(), form.shape.end()) &&
               form.format == view_.format;
    }

    // The planner decides which arrays are written to; the engine passes new ones for those.
    BufferArg arg() const { return {static_cast<std::byte*>(view_.buf), static_cast<std::int64_t>(view_.len)}; }

  private:
    Py_buffer view_{};
};

// The instruction sets of this build, fastest first.
constexpr struct {
    const char* name;
    const Kernels* (*kernels)();
} kInstructionSets[] = {
#if defined(BACKPASS_AVX512)
    {"avx512", avx512_kernels},
#endif
#if defined(BACKPASS_X86_64)
    {"avx2", avx2_kernels},
#elif defined(BACKPASS_ARM64)
    {"neon", neon_kernels},
#endif
    {"portable", portable_kernels},
};

// Null if the build or the machine lacks the instruction set.
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
    return kernels != nullptr && kernels->bf16 != nullptr;
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

struct Arrays {
    std::vector<Array> arrays;
    std::vector<BufferArg> args;

    void append(nb::handle array) {
        arrays.emplace_back(array);
        args.push_back(arrays.back().arg());
    }

    // False if it has another format or is not C-contiguous.
    bool append(nb::handle array, const ArrayFormat& form) {
        if (!arrays.emplace_back().open(array)) {
            PyErr_Clear();
            return false;
        }
        args.push_back(arrays.back().arg());
        return arrays.back().has(form);
    }
};

Arrays arrays_of(const nb::sequence& given) {
    Arrays found;
    for (const nb::handle array : given) found.append(array);
    return found;
}

void raise(Status status) {
    if (status == Status::IndexOutOfRange) throw nb::index_error("an index is out of range");
}

void run_once(Program& program, const nb::sequence& arrays, int threads, bool may_be_fewer) {
    const Arrays found = arrays_of(arrays);
    Progress progress;
    {
        const nb::gil_scoped_release released;
        progress = program.run(found.args, StepStrides{}, 1, {threads, may_be_fewer}, nullptr, {});
    }
    raise(progress.status);
}

void run_blocks(Program& program, const nb::sequence& arrays, const std::vector<std::int64_t>& stride_bytes,
                std::int64_t blocks, int threads) {
    const Arrays found = arrays_of(arrays);
    const std::function<bool()> is_interrupted = [] {
        const nb::gil_scoped_acquire acquired;
        return PyErr_CheckSignals() != 0;
    };
    Status status;
    {
        const nb::gil_scoped_release released;
        status = program.run_blocks(found.args, stride_bytes, blocks, threads, is_interrupted);
    }
    if (status == Status::Stopped) throw nb::python_error();
    raise(status);
}

// A program with its first arrays bound, called with arrays of one shape and dtype. It is immutable, so several threads
// may call it at the same time.
class Bound {
  public:
    // `others`: arrays like those of the calls; `outputs`: the arguments of `empty` for each output; `is_brief`:
    // whether a run is so short that releasing the GIL would take longer.
    Bound(const nb::object& program, const nb::sequence& first, const nb::sequence& others, const nb::object& empty,
          const std::vector<nb::tuple>& outputs, bool is_brief)
        : program_(program),
          core_(nb::cast<Program&>(program)),
          first_(arrays_of(first)),
          empty_(empty),
          outputs_(outputs),
          is_brief_(is_brief) {
        for (const nb::handle array : others) others_.push_back(Array(array).form());
    }
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;

    // A list of the outputs; None if the arrays are not like the others or not C-contiguous.
    nb::object call(const nb::args& others) const {
        if (others.size() != others_.size()) return nb::none();
        Arrays rest;
        rest.arrays.reserve(others.size() + outputs_.size());
        rest.args.reserve(first_.args.size() + others.size() + outputs_.size());
        rest.args = first_.args;
        for (std::size_t i = 0; i < others.size(); ++i)
            if (!rest.append(others[i], others_[i])) return nb::none();
        nb::list made;
        for (const nb::tuple& output : outputs_) {
            const nb::object array = nb::steal(PyObject_CallObject(empty_.ptr(), output.ptr()));
            if (!array.is_valid()) throw nb::python_error();
            rest.append(array);
            made.append(array);
        }
        if (is_brief_) {  // releasing the GIL would take longer than the run
            raise(core_.run_alone(rest.args));
            return made;
        }
        Status status;
        {
            const nb::gil_scoped_release released;
            status = core_.run_alone(rest.args);
        }
        raise(status);
        return made;
    }

  private:
    nb::object program_;
    Program& core_;
    Arrays first_;
    std::vector<ArrayFormat> others_;
    nb::object empty_;
    std::vector<nb::tuple> outputs_;
    bool is_brief_;
};

// The number of completed steps, and why the run ended: "done", "stopped" or "failed".
std::tuple<std::int64_t, std::string> run_steps(Program& program, const nb::sequence& arrays,
                                                std::int64_t settings_buffer, std::int64_t settings_bytes,
                                                std::int64_t rows_buffer, std::int64_t rows_bytes,
                                                std::int64_t step_buffer, std::int64_t loss_buffer, bool loss_is_double,
                                                const Losses& losses, int threads, bool may_be_fewer,
                                                nb::callable should_stop) {
    const auto steps = static_cast<std::int64_t>(losses.size());
    const StepStrides strides{settings_buffer, settings_bytes, rows_buffer, rows_bytes, step_buffer, loss_buffer,
                              loss_is_double};
    const Arrays found = arrays_of(arrays);
    const std::function<bool(std::int64_t)> ask = [&should_stop](std::int64_t done) {
        const nb::gil_scoped_acquire acquired;
        return nb::cast<bool>(nb::bool_(should_stop(done)));
    };
    Progress progress;
    {
        const nb::gil_scoped_release released;
        progress = program.run(found.args, strides, steps, {threads, may_be_fewer}, losses.data(), ask);
    }
    switch (progress.status) {
        case Status::IndexOutOfRange: throw nb::index_error("an index is out of range");
        case Status::NotFinite: return {progress.steps, "failed"};
        case Status::Stopped: return {progress.steps, "stopped"};
        case Status::Done: break;
    }
    return {progress.steps, "done"};
}

}  // namespace
}  // namespace backpass::native

NB_MODULE(_core, m) {
    using namespace backpass::native;
    m.doc() = "The native engine's core; see backpass.engine.native.";
    m.def("instruction_sets", &instruction_sets, "The instruction sets of this machine, fastest first.");
    m.def("has_bf16", &has_bf16, nb::arg("isa"), "Whether products of bfloat16 run with this instruction set.");
    m.def("operations", &operations, "The code of each elementwise operation by name.");
    nb::class_<Program>(m, "Program", "A planned circuit, ready to run.")
        .def(nb::new_(&make_program), nb::arg("instructions"), nb::arg("constants"), nb::arg("arena_bytes"),
             nb::arg("sizes"), nb::kw_only(), nb::arg("isa"), nb::arg("tile_rows") = 0, nb::arg("tile_depth") = 0)
        .def_prop_ro("compiled_maps", &Program::compiled_maps, "The number of maps that run as fused kernels.")
        .def("run", &run_once, nb::arg("arrays"), nb::kw_only(), nb::arg("threads"), nb::arg("may_be_fewer"))
        .def("run_blocks", &run_blocks, nb::arg("arrays"), nb::kw_only(), nb::arg("stride_bytes"), nb::arg("blocks"),
             nb::arg("threads"))
        .def("run_steps", &run_steps, nb::arg("arrays"), nb::kw_only(), nb::arg("settings_buffer"),
             nb::arg("settings_bytes"), nb::arg("rows_buffer"), nb::arg("rows_bytes"), nb::arg("step_buffer"),
             nb::arg("loss_buffer"), nb::arg("loss_is_double"), nb::arg("losses"), nb::arg("threads"),
             nb::arg("may_be_fewer"), nb::arg("should_stop"));
    nb::class_<Bound>(m, "Bound", "A program with its first arrays bound.")
        .def(nb::init<nb::object, nb::sequence, nb::sequence, nb::object, std::vector<nb::tuple>, bool>(),
             nb::arg("program"), nb::arg("first"), nb::arg("others"), nb::arg("empty"), nb::arg("outputs"),
             nb::kw_only(), nb::arg("is_brief"))
        .def("__call__", &Bound::call);
}
